"""A sample as fields, whose pictures and norms are those of fields; its numbers as text."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.fields.domain import Domain
from fredholm.fields.field import Field
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import Function, Inputs, Parameter, Signature


def fields_of(data: Dataset, sample: int) -> dict[str, Field]:
    """See `Dataset.fields`."""
    query = None if data.query is None else data.query[sample]
    return sample_fields(
        data.signature, data.input_domains, data.output_domain, data.inputs([sample]), data.outputs([sample]), query
    )


def sample_fields(
    signature: Signature,
    input_domains: Mapping[str, Domain],
    output_domain: Domain,
    inputs: Inputs,
    outputs: Tensor,
    query: Tensor | None = None,
) -> dict[str, Field]:
    """The functions of the first sample of a batch, and the output, on their domains or on clouds of its own."""
    fields = {}
    for name, entry in signature.inputs.items():
        if isinstance(entry, Function):
            fields[name] = _field(inputs[name][0], entry, input_domains.get(name), inputs, name)
    if query is not None:
        cloud = _cloud(signature.output, query)
        return {**fields, "output": Field(outputs[0], cloud, signature.output.channels)}
    moving = "" if signature.output.domain.shape is not None else signature.moving_input
    return {**fields, "output": _field(outputs[0], signature.output, output_domain, inputs, moving)}


def _field(values: Tensor, function: Function, domain: Domain | None, inputs: Inputs, moving: str) -> Field:
    """A function on its domain or, where `moving` has points of each sample's own, on those, without the padding."""
    if f"{moving}.coordinates" not in inputs:
        assert domain is not None  # the domain of a function that does not vary is known
        return Field(values, domain, function.channels)
    there = inputs[f"{moving}.weights"][0] > 0
    return Field(values[:, there], _cloud(function, inputs[f"{moving}.coordinates"][0][there]), function.channels)


def panels_of(fields: Mapping[str, Field]) -> dict[str, Field]:
    """The first channel of each function, late in time and in the middle of other directions too many."""
    from fredholm.fields.pictures import channel_of, states_of

    panels = {}
    for name, field in fields.items():
        states = list(states_of(channel_of(field, field.quantities[0].name)).items())
        place, state = states[-2] if len(states) > 1 else states[0]
        panels[f"{name}, {place}" if place else name] = state
    return panels


def numbers_of(data: Dataset, sample: int) -> str:
    """The parameters of a sample, four at most, two a line."""
    return parameters_in_words(data.signature, data.inputs([sample]))


def parameters_in_words(signature: Signature, inputs: Inputs) -> str:
    """The parameters of the first sample of a batch, four at most, two a line."""
    found = [
        f"{quantity.name} = {float(value):.3g} {quantity.units}".rstrip()
        for name, entry in signature.inputs.items()
        if isinstance(entry, Parameter)
        for quantity, value in zip(entry.components, inputs[name][0], strict=True)
    ]
    shown = found[:4] + (["..."] if len(found) > 4 else [])
    return "\n".join(", ".join(shown[i : i + 2]) for i in range(0, len(shown), 2))


def _cloud(function: Function, points: Tensor) -> PointCloud:
    axes = function.domain.axes
    return PointCloud(points.to(torch.float64), tuple(a.name for a in axes), tuple(a.units for a in axes))
