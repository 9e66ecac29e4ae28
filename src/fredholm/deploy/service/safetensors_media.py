"""The safetensors format: named arrays, with a header of JSON.

A question has a tensor for every input, `query` if it is not asked on the output domain, and `band` and `simultaneous`
in its metadata. An answer has `values` and, with a band, `lower` and `upper`; channels and units are in its metadata.
"""

import json
from typing import Any, ClassVar

import torch
from torch import Tensor

from fredholm.deploy.service.json_media import header_text
from fredholm.deploy.service.media_type import Body, MediaType
from fredholm.deploy.service.question import Answer, Question
from fredholm.errors import SignatureError
from fredholm.fields.signature import Signature

_OPTIONS = ("band", "simultaneous")


class SafetensorsMedia(MediaType):
    """`application/x-safetensors`."""

    name: ClassVar[str] = "application/x-safetensors"

    def __init__(self, signature: Signature) -> None:
        self._metadata = {
            "channels": header_text([quantity.name for quantity in signature.output.channels]),
            "units": header_text([quantity.units for quantity in signature.output.channels]),
        }

    def read(self, body: bytes) -> Question:
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            tensors = load(body)
            metadata = _metadata_of(body)
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:  # KeyError: a type torch does not have
            raise SignatureError(f"the body is no safetensors file: {error}") from error
        query = tensors.pop("query", None)
        return Question(
            {name: _real(f"input {name!r}", tensor) for name, tensor in tensors.items()},
            None if query is None else _real("query", query),
            _option(metadata, "band", (int, float)),
            bool(_option(metadata, "simultaneous", (bool,))),
        )

    def write(self, answer: Answer) -> Body:
        from safetensors.torch import save

        return Body(save({name: tensor.contiguous() for name, tensor in answer.parts.items()}, self._metadata), {})


def _metadata_of(body: bytes) -> dict[str, str]:
    """Metadata of a file that has been read: eight bytes of length, and a header of JSON."""
    length = int.from_bytes(body[:8], "little")
    metadata: dict[str, str] = json.loads(body[8 : 8 + length]).get("__metadata__") or {}
    if extra := sorted(set(metadata) - set(_OPTIONS) - {"format"}):
        raise SignatureError(f"the metadata {extra[0]!r} is not known; expected some of {list(_OPTIONS)}")
    return metadata


def _option(metadata: dict[str, str], name: str, kinds: tuple[type, ...]) -> Any:
    """A JSON value in the metadata; None if there is none."""
    if name not in metadata:
        return None
    try:
        value = json.loads(metadata[name])
    except (ValueError, RecursionError):
        value = None
    if type(value) not in kinds:
        raise SignatureError(
            f"the metadata {name!r} is {metadata[name]!r}; expected {'true or false' if bool in kinds else 'a number'}"
        )
    return value


def _real(what: str, tensor: Tensor) -> Tensor:
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise SignatureError(f"{what} is of type {tensor.dtype}; expected real numbers")
    return tensor.to(torch.float32)
