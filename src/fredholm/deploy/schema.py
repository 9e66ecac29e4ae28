"""Typed requests and responses of the service, made from a signature."""

from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, create_model
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.signature import Function, Inputs, Parameter, Signature

Numbers = list[Any]  # nested lists of numbers; shapes are the signature's to check
_STRICT = ConfigDict(extra="forbid")


def inputs_model(signature: Signature) -> type[BaseModel]:
    """A pydantic model with one field for every input; its descriptions give shapes and units."""
    entries: dict[str, Any] = {
        name: (Numbers, Field(description=_describe(entry))) for name, entry in signature.inputs.items()
    }
    return create_model("Inputs", __config__=_STRICT, **entries)


def examine_model(inputs: type[BaseModel]) -> type[BaseModel]:
    """A request to examine a batch of inputs."""
    return create_model("ExamineRequest", __config__=_STRICT, inputs=(inputs, Field(description="one batch")))


def predict_model(signature: Signature, inputs: type[BaseModel]) -> type[BaseModel]:
    """A request to predict: inputs, a query, and a band."""
    axes = ", ".join(
        f"{axis.name} [{axis.units}]" if axis.units else axis.name for axis in signature.output.domain.axes
    )
    query = Field(default=None, description=f"points ({axes}), shape (points, {len(signature.output.domain.axes)})")
    return create_model(
        "PredictRequest",
        __config__=_STRICT,
        inputs=(inputs, Field(description="one batch")),
        query=(Numbers | None, query),
        band=(float | None, Field(default=None, gt=0, lt=1, description="level of error bars, such as 0.9")),
        simultaneous=(bool, Field(default=False, description="a band for the whole field at once, not point by point")),
    )


class PredictResponse(BaseModel):
    """Values of the output function."""

    values: Numbers = Field(description="nested lists of the shape below")
    shape: list[int] = Field(description="(batch, channels, points) or (batch, channels, *domain)")
    channels: list[str]
    units: list[str]
    lower: Numbers | None = Field(default=None, description="lower end of the band that was asked for")
    upper: Numbers | None = Field(default=None, description="upper end of it")


class ExamineResponse(BaseModel):
    """Is there reason to doubt the answers to these inputs?"""

    passed: list[bool] = Field(description="of each sample: whether it keeps all limits")
    scores: dict[str, list[float]] = Field(description="of each check, for each sample")
    limits: dict[str, float] = Field(description="of each check")


def tensors_of(signature: Signature, inputs: dict[str, Any], query: Any) -> tuple[Inputs, Tensor | None]:
    """Checked tensors of a request; raises SignatureError naming the entry that does not fit."""
    tensors = {name: _tensor(f"input {name!r}", values) for name, values in inputs.items()}
    points = None if query is None else _tensor("query", query)
    signature.check(tensors, points, finite=True)
    return tensors, points


def _tensor(what: str, values: Any) -> Tensor:
    try:
        return torch.tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise SignatureError(f"{what} is not a regular array of numbers: {error}") from error


def _describe(entry: Function | Parameter) -> str:
    if isinstance(entry, Parameter):
        names = ", ".join(f"{q.name} [{q.units}]" if q.units else q.name for q in entry.components)
        return f"parameter ({names}), shape (batch, {len(entry.components)})"
    names = ", ".join(f"{q.name} [{q.units}]" if q.units else q.name for q in entry.channels)
    shape = ", ".join(map(str, entry.domain.shape or ("points",)))
    return f"function ({names}) on a {entry.domain.kind}, shape (batch, {len(entry.channels)}, {shape})"
