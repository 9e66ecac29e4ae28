"""Every operator of the catalogue in its tiny size, on small domains of all kinds that it serves."""

from functools import cache

import torch

from fredholm.errors import SignatureError
from fredholm.fields import (
    Axis,
    Domain,
    DomainType,
    Function,
    Grid,
    Inputs,
    Parameter,
    PointCloud,
    Quantity,
    Signature,
    SphereGrid,
)
from fredholm.layers.perceptron import initialised
from fredholm.operators import Operator
from fredholm.operators.catalogue import OPERATORS


def _cloud() -> PointCloud:
    points = torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return PointCloud(points, ("x", "y"))


_DOMAINS: dict[str, Domain] = {
    "line": Grid(Axis("x", 0.0, 1.0, 32, periodic=True)),
    "plane": Grid(Axis("x", 0.0, 1.0, 16), Axis("y", 0.0, 1.0, 16)),
    "torus": Grid(Axis("x", 0.0, 1.0, 16, periodic=True), Axis("y", 0.0, 1.0, 16, periodic=True)),
    "box": Grid(*(Axis(name, 0.0, 1.0, 8) for name in "xyz")),
    "sphere": SphereGrid.equiangular(16, 32),
    "cloud": _cloud(),
    "varying cloud": _cloud(),
}


def signature_on(kind: str) -> Signature:
    """One function and one parameter to one function; on the line without the parameter."""
    where = DomainType.of(_DOMAINS[kind], varies=kind.startswith("varying"))
    inputs: dict[str, Function | Parameter] = {"a": Function((Quantity("a"),), where)}
    if kind not in ("line", "torus"):
        inputs["k"] = Parameter((Quantity("k"),))
    return Signature(inputs, Function((Quantity("u"),), DomainType.of(_DOMAINS[kind])))


def inputs_on(kind: str, n: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Inputs:
    generator = torch.Generator().manual_seed(seed)
    domain = _DOMAINS[kind]
    given = {"a": torch.randn(n, 1, *domain.shape, generator=generator), "k": torch.randn(n, 1, generator=generator)}
    if kind.startswith("varying"):
        given["a.coordinates"] = torch.rand(n, domain.size, 2, generator=generator)
        given["a.weights"] = (0.5 + torch.rand(n, domain.size, generator=generator)) / domain.size
    return {name: given[name].to(dtype) for name in signature_on(kind).tensors}


def build_tiny(name: str, kind: str, seed: int = 0) -> Operator:
    with initialised(seed):
        return OPERATORS[name].preset("tiny").build(signature_on(kind), _DOMAINS[kind]).eval()


@cache
def kinds_of(name: str) -> tuple[str, ...]:
    """The kinds of domain that an operator serves; it refuses others by SignatureError."""
    served = []
    for kind in _DOMAINS:
        try:
            build_tiny(name, kind)
        except SignatureError:
            continue
        served.append(kind)
    return tuple(served)


def examples() -> list[tuple[str, str]]:
    """Every operator on one domain of each dimension or kind that it serves, once."""
    return [(name, kind) for name in OPERATORS for kind in kinds_of(name)]


def first_examples() -> list[tuple[str, str]]:
    """Every operator once, on the plane if it can."""
    chosen = []
    for name in OPERATORS:
        kinds = kinds_of(name)
        chosen.append((name, "plane" if "plane" in kinds else kinds[-1]))
    return chosen
