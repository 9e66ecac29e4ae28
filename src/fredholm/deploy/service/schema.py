"""Typed requests and responses in JSON, made from a signature.

The schemas say all that a signature knows: names, shapes, units, and the extent of the coordinates. Whether arrays fit
is checked by the signature itself, which says better what is wrong.
"""

from itertools import chain
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, create_model
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Coordinate
from fredholm.fields.signature import Function, Inputs, Parameter, Quantity, Signature

Numbers = list[Any]  # nested lists of numbers
_STRICT = ConfigDict(extra="forbid", validate_by_name=False, validate_by_alias=True)
_LARGEST = float(np.finfo(np.float32).max)
_NUMBER = {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST}


class RequestError(SignatureError):
    """A body is not the JSON that was expected."""


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


class Refusal(BaseModel):
    """Why a request was not answered."""

    error: str


def inputs_model(signature: Signature, prefix: str = "") -> type[BaseModel]:
    """A pydantic model with one field for every tensor; its schema gives shapes and units.

    `prefix` keeps the models of several signatures apart. Fields are numbered, since inputs may have any name.
    """
    entries: dict[str, Any] = {}
    for number, name in enumerate(signature.tensors):
        shape, description = _tensor_of(signature, name)
        typed = Annotated[Numbers, WithJsonSchema(_array_schema(shape))]
        entries[f"input_{number}"] = (typed, Field(alias=name, description=description))
    return create_model(f"{prefix}Inputs", __config__=_STRICT, **entries)


def examine_model(inputs: type[BaseModel], prefix: str = "") -> type[BaseModel]:
    """A request to examine a batch of inputs."""
    return create_model(f"{prefix}ExamineRequest", __config__=_STRICT, inputs=(inputs, Field(description="one batch")))


def predict_model(signature: Signature, inputs: type[BaseModel], prefix: str = "") -> type[BaseModel]:
    """A request to predict: inputs, a query, and a band."""
    axes = signature.output.domain.axes
    named = ", ".join(_with_units(axis) for axis in axes)
    point = {
        "type": "array",
        "prefixItems": [_extent_schema(axis) for axis in axes],
        "items": False,
        "minItems": len(axes),
        "maxItems": len(axes),
    }
    shared = {"type": "array", "items": point, "minItems": 1}
    query_schema = {"anyOf": [shared, {"type": "array", "items": shared, "minItems": 1}, {"type": "null"}]}
    query = Field(
        default=None,
        description=f"points ({named}), shape (points, {len(axes)}), or (batch, points, {len(axes)}) by sample",
    )
    return create_model(
        f"{prefix}PredictRequest",
        __config__=_STRICT,
        inputs=(inputs, Field(description="one batch")),
        query=(Annotated[Numbers | None, WithJsonSchema(query_schema)], query),
        band=(float | None, Field(default=None, gt=0, lt=1, strict=True, description="level of error bars, as 0.9")),
        simultaneous=(
            bool,
            Field(default=False, strict=True, description="a band for the whole field at once, not point by point"),
        ),
    )


def validated(model: type[BaseModel], body: bytes) -> Any:
    """An instance of `model` from JSON; raises RequestError naming the entry that does not fit."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise RequestError(f"{'.'.join(map(str, ('body', *first['loc'])))}: {first['msg']}") from error


def tensors_of(inputs: BaseModel) -> Inputs:
    """The tensors of validated inputs; raises SignatureError for what is not a regular array of numbers."""
    return {name: tensor_of(f"input {name!r}", values) for name, values in inputs.model_dump(by_alias=True).items()}


def tensor_of(what: str, values: list[Any]) -> Tensor:
    """Nested lists of numbers as float32; raises SignatureError for anything else.

    >>> tensor_of("query", [[0, 0.5], [1, 0.25]]).shape
    torch.Size([2, 2])
    """
    shape, level = [len(values)], values
    while level and isinstance(level[0], list):
        sizes = {len(entry) if isinstance(entry, list) else None for entry in level}
        if len(sizes) > 1:
            raise SignatureError(f"{what} is not a regular array of numbers: its rows differ in length")
        shape.append(len(level[0]))
        level = list(chain.from_iterable(level))
    kinds = {type(entry) for entry in level} - {float, int}  # exactly these: a bool is an int, and is no number here
    if kinds:
        came = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise SignatureError(f"{what} is not a regular array of numbers: it holds {came}")
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as that
            return torch.from_numpy(np.array(level, np.float64).astype(np.float32).reshape(shape))
    except OverflowError as error:
        raise SignatureError(f"{what} is not a regular array of numbers: {error}") from error


def _tensor_of(signature: Signature, name: str) -> tuple[tuple[int | None, ...], str]:
    """Shape and description of an input tensor; None is a length that is free."""
    function, _, part = name.rpartition(".")
    if name not in signature.inputs:  # the companion of a function whose domain varies
        entry = signature.inputs[function]
        assert isinstance(entry, Function)
        axes = entry.domain.axes
        if part == "weights":
            return (None, None), f"quadrature weights of the points of {function}, shape (batch, points)"
        named = ", ".join(_with_units(axis) for axis in axes)
        return (None, None, len(axes)), f"points ({named}) of {function}, shape (batch, points, {len(axes)})"
    entry = signature.inputs[name]
    if isinstance(entry, Parameter):
        named = ", ".join(_with_units(quantity) for quantity in entry.components)
        return (None, len(entry.components)), f"parameter ({named}), shape (batch, {len(entry.components)})"
    named = ", ".join(_with_units(quantity) for quantity in entry.channels)
    lengths = ", ".join(map(str, entry.domain.shape or ("points",)))
    return (
        (None, len(entry.channels), *(entry.domain.shape or (None,))),
        f"function ({named}) on a {entry.domain.kind}, shape (batch, {len(entry.channels)}, {lengths})",
    )


def _array_schema(shape: tuple[int | None, ...]) -> dict[str, Any]:
    """JSON schema of nested lists of a shape."""
    schema: dict[str, Any] = _NUMBER
    for length in reversed(shape):
        bounds = {"minItems": 1} if length is None else {"minItems": length, "maxItems": length}
        schema = {"type": "array", "items": schema, **bounds}
    return schema


def _extent_schema(axis: Coordinate) -> dict[str, Any]:
    ends = {"minimum": axis.lower, "maximum": axis.upper}
    return {"type": "number", **{name: end for name, end in ends.items() if abs(end) <= _LARGEST}}


def _with_units(named: Quantity | Coordinate) -> str:
    return f"{named.name} [{named.units}]" if named.units else named.name
