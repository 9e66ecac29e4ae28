"""The sizes of the paper on CO2 transport: 107 channels to 10 on 32 x 64 points."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature, SphereGrid
from fredholm.operators import Operator
from fredholm.operators.sphere.entries import ENTRIES

PUBLISHED = {
    ("sphere-unet", "co2-m"): 9.6,
    ("graphcast", "co2-m"): 5.2,
    ("sfno", "co2-l"): 35.7,
    ("swin", "co2-s"): 37.9,
}


def built(name: str, preset: str, inputs: int, outputs: int, domain: Grid | SphereGrid) -> Operator:
    def function(channels: int) -> Function:
        return Function(tuple(Quantity(f"q{i}") for i in range(channels)), DomainType.of(domain))

    (entry,) = [entry for entry in ENTRIES if entry.name == name]
    return entry.preset(preset).build(Signature({"u": function(inputs)}, function(outputs)), domain)


@pytest.mark.parametrize(("name", "preset"), PUBLISHED)
def test_published_sizes_have_the_published_number_of_parameters(name: str, preset: str) -> None:
    operator = built(name, preset, 107, 10, SphereGrid.equiangular(32, 64))
    assert round(operator.parameter_count / 1e6, 1) == PUBLISHED[name, preset]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_tiny_operators_answer_on_both_kinds_of_grid_and_nowhere_else(entry: object) -> None:
    name = entry.name  # type: ignore[attr-defined]
    for grid in (SphereGrid.equiangular(16, 32), SphereGrid.gauss_legendre(16, 32)):
        operator = built(name, "tiny", 2, 1, grid).eval()
        assert operator.parameter_count < 50_000
        assert operator({"u": torch.randn(2, 2, 16, 32)}).shape == (2, 1, 16, 32)
    with pytest.raises(SignatureError, match="needs a SphereGrid"):
        built(name, "tiny", 1, 1, Grid(Axis("x", 0, 1, 16), Axis("y", 0, 1, 16)))
