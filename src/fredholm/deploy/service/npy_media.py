"""NumPy's .npy format: one array, a short header and its numbers as they lie in memory. Never its pickles.

The header's promises are compared with the bytes that came before any memory is taken for them.
"""

import io
import math
from typing import ClassVar

import numpy as np
import torch
from numpy.lib import format as npy
from starlette.exceptions import HTTPException
from torch import Tensor

from fredholm.deploy.service.json_media import header_text
from fredholm.deploy.service.media_type import Body, MediaType
from fredholm.deploy.service.question import Answer, Question
from fredholm.errors import SignatureError
from fredholm.fields.signature import Signature

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


class NpyMedia(MediaType):
    """`application/x-npy`: the only input of an operator, answered on the output domain; and values."""

    name: ClassVar[str] = "application/x-npy"

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._headers = {
            "X-Channels": header_text([quantity.name for quantity in signature.output.channels]),
            "X-Units": header_text([quantity.units for quantity in signature.output.channels]),
        }

    def read(self, body: bytes) -> Question:
        names = self.signature.tensors
        if len(names) > 1:
            raise SignatureError(
                f"{self.name} holds one array, and this operator takes {list(names)}: send application/x-safetensors"
            )
        return Question({names[0]: array_of(body)})

    def write(self, answer: Answer) -> Body:
        if answer.lower is not None:
            raise HTTPException(406, f"{self.name} holds one array, and a band has three: accept another type")
        file = io.BytesIO()
        npy.write_array(file, answer.values.contiguous().numpy(), version=(1, 0), allow_pickle=False)
        shape = {"X-Shape": header_text(list(answer.values.shape))}
        return Body(file.getvalue(), {**self._headers, **shape})


def array_of(body: bytes) -> Tensor:
    """The array in a .npy file, as float32; raises SignatureError for one that is damaged or holds no numbers."""
    file = io.BytesIO(body)
    try:
        version = npy.read_magic(file)
        shape, fortran, kind = _HEADERS[version](file)
    except Exception as error:  # the header is a Python literal, with as many ways to be wrong
        raise SignatureError(f"the body is no .npy file: {error or type(error).__name__}") from error
    if kind.hasobject or kind.kind not in "fiu":
        raise SignatureError(f"the .npy file holds {kind}; expected real numbers")
    came, promised = len(body) - file.tell(), math.prod(shape) * kind.itemsize
    if came != promised or any(length < 0 for length in shape):
        raise SignatureError(f"the .npy file has {came} bytes of numbers, its header promises {promised}: is it cut?")
    values = np.frombuffer(body, kind, offset=file.tell()).reshape(shape, order="F" if fortran else "C")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as that
        return torch.from_numpy(np.array(values, np.float32, order="C"))
