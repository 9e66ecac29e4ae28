"""Architectures: a module tree as data, from which an equal tree is built again.

A saved operator must be rebuilt without executing anything from the file. So every class that may stand in an operator
derives from `Described`; its constructor's arguments are recorded, and `describe` turns the tree of objects into JSON,

    {"type": "DeepONet", "arguments": {"branch": {"type": "LinearBranch", "arguments": {...}}, ...}}

`build` goes the other way and knows only classes that are already defined: a foreign name is an error, not an import.
Weights are not part of it; they are loaded into the built tree from safetensors.
"""

import functools
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn

from fredholm.errors import ArtifactError, UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature

_ACTIVATIONS: dict[type[nn.Module], tuple[str, ...]] = {  # and which of their attributes make another function of them
    nn.Identity: (),
    nn.ReLU: (),
    nn.LeakyReLU: ("negative_slope",),
    nn.GELU: ("approximate",),
    nn.SiLU: (),
    nn.Tanh: (),
    nn.Softplus: ("beta", "threshold"),
    nn.ELU: ("alpha",),
}


class Described:
    """Base of classes whose constructor arguments are recorded, so that `describe` can state them.

    Arguments may be numbers, strings, None, lists, tuples, dictionaries with string keys, domains, signatures,
    torch activations without weights and other described objects. A class needs a name that no other has.

    >>> class Scale(Described):
    ...     def __init__(self, factor: float) -> None:
    ...         self.factor = factor
    >>> build(describe(Scale(3.0))).factor
    3.0
    """

    _types: ClassVar[dict[str, type["Described"]]] = {}
    _arguments: dict[str, Any]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # First come, first named: torch.export derives classes from ours that bear their names.
        Described._types.setdefault(cls.__name__, cls)
        if Described._types[cls.__name__].__module__ == cls.__module__:
            Described._types[cls.__name__] = cls  # a cell of a notebook that runs again
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]


def describe(value: Any) -> Any:
    """JSON description of an object tree; raises ArtifactError for an argument that has none."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [describe(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): describe(item) for key, item in value.items()}
    if isinstance(value, Described):
        known = Described._types[type(value).__name__]
        if known.__module__ != type(value).__module__:
            raise ArtifactError(
                f"{type(value).__name__} of {type(value).__module__} cannot be described: {known.__module__} has a "
                "class of that name, for which it would be mistaken; rename it"
            )
        return {"type": type(value).__name__, "arguments": describe(getattr(value, "_arguments", {}))}
    if isinstance(value, Domain):
        return {"domain": value.to_json()}
    if isinstance(value, Signature):
        return {"signature": value.to_json()}
    if type(value) in _ACTIVATIONS:
        arguments = {name: getattr(value, name) for name in _ACTIVATIONS[type(value)]}
        return {"type": f"torch.nn.{type(value).__name__}", "arguments": arguments}
    raise ArtifactError(
        f"an argument of type {type(value).__name__} cannot be described: derive its class from "
        "fredholm.layers.architecture.Described, or pass numbers, strings, domains or signatures"
    )


def build(description: Any) -> Any:
    """The object tree that `describe` stated; raises UnknownNameError for a class that is not defined."""
    if isinstance(description, list):
        return [build(item) for item in description]
    if not isinstance(description, dict):
        return description
    if set(description) == {"domain"}:
        return Domain.from_json(description["domain"])
    if set(description) == {"signature"}:
        return Signature.from_json(description["signature"])
    if set(description) != {"type", "arguments"}:
        return {key: build(item) for key, item in description.items()}
    arguments = {key: build(item) for key, item in description["arguments"].items()}
    name = str(description["type"])
    known: dict[str, Any] = {
        **Described._types,
        **{f"torch.nn.{cls.__name__}": cls for cls in _ACTIVATIONS},
    }
    if name not in known:
        raise UnknownNameError("building block", name, known)
    try:
        return known[name](**arguments)
    except TypeError as error:
        raise ArtifactError(f"{name} cannot be built from the arguments {sorted(arguments)}: {error}") from error


def described_types() -> frozenset[str]:
    """Names of all classes that are defined and can be described."""
    return frozenset(Described._types)


def _recording(init: Any) -> Any:
    """Wrap a constructor so that the outermost call records its arguments by name."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def recorded(self: Described, *values: Any, **named: Any) -> None:
        outermost = "_arguments" not in self.__dict__
        if outermost:
            bound = signature.bind(self, *values, **named)
            bound.apply_defaults()
            arguments = dict(bound.arguments)
            arguments.pop(next(iter(signature.parameters)))
            object.__setattr__(self, "_arguments", arguments)
        init(self, *values, **named)

    return recorded
