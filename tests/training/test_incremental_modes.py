"""Frequencies are added without a jump, when they are needed, and runs that stop go on with them."""

from pathlib import Path

import pytest
import torch

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import WholeFields
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.layers.factorised_weights import CP, Separable, TensorTrain, Tucker
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.perceptron import initialised
from fredholm.layers.spectral_weights import Dense, WeightFormat
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_operator import GridOperator
from fredholm.training import Checkpoints, Settings, fit
from fredholm.training.incremental_modes import IncrementalModes
from fredholm.training.one_cycle import fit_one_cycle

FORMS = {"dense": Dense(), "Tucker": Tucker(0.5), "CP": CP(0.5), "train": TensorTrain(0.5), "separable": Separable()}
RING = Grid(Axis("x", 0.0, 1.0, 32, periodic=True))


def waves(number: int) -> Dataset:
    """u ↦ u turned by a quarter of a wave, for sums of the first waves."""
    x = torch.arange(32) * 2 * torch.pi / 32
    phase = torch.rand(24, 1, 1, number, generator=torch.Generator().manual_seed(0)) * 6
    angle = torch.arange(1, 1 + number) * x[:, None] + phase
    on_ring = DomainType.of(RING)
    signature = Signature({"u": Function((Quantity("u"),), on_ring)}, Function((Quantity("v"),), on_ring))
    u, v = torch.sin(angle).sum(-1), torch.cos(angle).sum(-1)
    return Dataset.from_arrays(signature, RING, {"u": u}, v, input_domains={"u": RING})


def operator_of(data: Dataset) -> GridOperator:
    inputs = GridInputs(data.signature, RING, coordinates=False)
    with initialised(0):
        return GridOperator(data.signature, RING, FNO(1, 1, (16,), width=8, layers=1), inputs)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_adding_frequencies_changes_nothing_by_itself(form: WeightFormat) -> None:
    torch.manual_seed(0)
    network, u = FNO(1, 1, (12, 12), width=6, layers=2, weights=form), torch.randn(2, 1, 16, 16)
    hook = IncrementalModes(network, first=4)
    full = network(u)
    hook.start(torch.device("cpu"))
    few = network(u)
    hook.load_state_dict({"modes": 12})
    torch.testing.assert_close(network(u), few, rtol=1e-4, atol=1e-5)
    assert float((few - full).abs().max()) > 1e-3


def test_frequencies_are_added_as_the_data_need_them() -> None:
    def trained(number: int, explained: float) -> tuple[int, float]:
        data = waves(number)
        operator = operator_of(data)
        hook = IncrementalModes(operator, first=6, every=10, explained=explained)
        history = fit_one_cycle(operator, data, 200, settings=Settings(hooks=(hook,), quiet=True))
        return hook.modes, history.losses[-1][1]

    few, error = trained(1, explained=0.97)
    more, unexplained = trained(6, explained=0.97)
    all_of_them, explained = trained(6, explained=0.99)
    assert few < more < all_of_them == 14  # of which the positive ones are 0 to 7
    assert error < 0.05
    assert explained < 0.1 * unexplained


def test_a_run_that_stopped_goes_on_with_its_frequencies(tmp_path: Path) -> None:
    def trained(directory: Path, stops: tuple[int, ...]) -> dict[str, torch.Tensor]:
        for stop in stops:
            data = waves(3)
            operator = operator_of(data)
            hook = IncrementalModes(operator, first=4, every=10, explained=1.0)
            settings = Settings(hooks=(hook,), quiet=True, checkpoints=Checkpoints(directory, every=5))
            optimizer = torch.optim.Adam(operator.parameters(), 1e-3)

            fit(operator, data, sampler=WholeFields(8), iterations=stop, optimizer=optimizer, settings=settings)
        assert hook.modes == 8
        return operator.state_dict()

    whole, in_parts = trained(tmp_path / "whole", (25,)), trained(tmp_path / "parts", (15, 25))
    assert all(torch.equal(whole[name], in_parts[name]) for name in whole)


def test_networks_without_frequencies_are_refused() -> None:
    with pytest.raises(ValueError, match="Linear has no spectral convolution"):
        IncrementalModes(torch.nn.Linear(2, 2))
    with pytest.raises(ValueError, match="first=2, step=2"):
        IncrementalModes(FNO(1, 1, (8,), width=4, layers=1), first=2)
