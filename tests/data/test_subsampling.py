"""A subsampled set holds the same functions at the points that both grids have."""

import pytest
import torch

from fredholm.data import Dataset, subsampled
from fredholm.errors import DataError
from fredholm.fields import Axis, Domain, DomainType, Function, Grid, Parameter, PointCloud, Quantity, Signature

CHANNEL = Grid(Axis("x", 0.0, 2.0, 8, periodic=True), Axis("y", 0.0, 1.0, 9))
LINE = Grid(Axis("t", 0.0, 1.0, 5))


def waves(grid: Grid) -> torch.Tensor:
    """Values (3, 1, *shape) of three functions that any grid may sample."""
    x = grid.coordinates()
    return torch.stack([torch.cos(torch.pi * k * x).prod(-1).reshape(1, *grid.shape) for k in (1, 2, 3)]).float()


def data(inputs: Domain = LINE, output: Domain = CHANNEL) -> Dataset:
    u = Function((Quantity("u"),), DomainType.of(inputs))
    signature = Signature({"u": u, "p": Parameter((Quantity("p"),))}, Function((Quantity("s"),), DomainType.of(output)))
    values = waves(inputs) if isinstance(inputs, Grid) else torch.ones(3, 1, inputs.size)
    return Dataset.from_arrays(
        signature,
        output,
        {"u": values, "p": torch.arange(3.0)[:, None]},
        waves(output),
        input_domains={"u": inputs},
        labels={"source": torch.arange(3)},
    )


def test_values_are_those_of_the_functions_on_the_coarser_grid() -> None:
    coarse, samples = subsampled(data(), 4), torch.arange(3)
    assert coarse.output_domain.shape == (2, 3)
    assert coarse.input_domains["u"].shape == (2,)
    torch.testing.assert_close(coarse.outputs(samples), waves(coarse.output_domain))
    torch.testing.assert_close(coarse.inputs(samples)["u"], waves(coarse.input_domains["u"]))
    assert torch.equal(coarse.inputs(samples)["p"], data().inputs(samples)["p"])
    assert torch.equal(coarse.labels["source"], samples)


def test_every_point_is_the_set_itself() -> None:
    assert subsampled(data(), 1).signature == data().signature


@pytest.mark.parametrize(
    ("make", "every", "message"),
    [
        (data, 3, "every 3th of the 5 points of axis 't' does not reach its end: 3 does not divide its 4 intervals"),
        (data, 0, "expected 1 or more"),
        (lambda: data(inputs=PointCloud(torch.rand(6, 2), ("x", "y"))), 2, "u is on PointCloud"),
        (lambda: data(output=Grid(Axis("x", 0, 1, 5), mask=torch.ones(5) > 0)), 2, "grids without a mask"),
    ],
)
def test_what_cannot_be_subsampled_is_named(make, every: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        subsampled(make(), every)
