"""Arrays inside JSON: dtype, shape and base64 bytes, little endian, row-major.

Used where a domain or a signature carries an array that must travel in a manifest. Decoding validates; it never
executes.
"""

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fredholm.errors import DataError

_DTYPES = {"float64": "<f8", "float32": "<f4", "int64": "<i8", "bool": "|b1"}


def encode_array(values: Tensor) -> dict[str, Any]:
    """JSON form of a tensor.

    >>> encode_array(torch.tensor([True, False]))
    {'dtype': 'bool', 'shape': [2], 'data': 'AQA='}
    """
    array = values.detach().cpu().numpy()
    name = str(array.dtype)
    data = np.ascontiguousarray(array, dtype=_DTYPES[name]).tobytes()
    return {"dtype": name, "shape": list(array.shape), "data": base64.b64encode(data).decode("ascii")}


def decode_array(description: Mapping[str, Any]) -> Tensor:
    """Inverse of `encode_array`; raises DataError if dtype, shape and bytes do not agree."""
    try:
        dtype = np.dtype(_DTYPES[description["dtype"]])
        shape = tuple(int(length) for length in description["shape"])
        data = base64.b64decode(description["data"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise DataError(f"not an encoded array (expected dtype, shape, base64 data): {error}") from error
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise DataError(f"encoded array of shape {shape} and dtype {dtype} cannot hold {len(data)} bytes")
    return torch.from_numpy(np.frombuffer(data, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=True))
