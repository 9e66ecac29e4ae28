"""Baselines are exact where theory says so, and say when they do not apply."""

import pytest
import torch

from fredholm.data import Dataset
from fredholm.evaluation import measure
from fredholm.evaluation.baselines import (
    BASELINES,
    Baseline,
    MultilinearLookup,
    NearestSample,
    PODLinear,
    PredictMean,
    Superposition,
)
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from rooms import TEST_ROOM, TRAIN_ROOM, everything, solved

LINE = Grid(Axis("x", 0.0, 1.0, 17))


def error(baseline: Baseline, test: Dataset) -> float:
    return measure(lambda samples: baseline.predict(test, samples), test).mean


def labelled(labels: torch.Tensor) -> Dataset:
    """Outputs that are multilinear in the labels: (1 + a)(2 - b) x + a."""
    x = LINE.axes[0].points()
    a, b = labels.T[:, :, None]
    outputs = ((1 + a) * (2 - b) * x + a).unsqueeze(1).float()
    field = Function((Quantity("u"),), DomainType.of(LINE))
    signature = Signature({"u": field}, field)
    return Dataset.from_arrays(
        signature, LINE, {"u": torch.zeros_like(outputs)}, outputs, labels={"where": labels.float()}
    )


def test_multilinear_lookup_reproduces_what_is_multilinear() -> None:
    lattice = torch.cartesian_prod(torch.linspace(0, 1, 3), torch.linspace(0, 2, 4))
    shuffled = lattice[torch.randperm(12, generator=torch.Generator().manual_seed(0))]
    test = labelled(torch.rand(20, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 2.0]))
    assert error(MultilinearLookup(labelled(shuffled)), test) < 1e-6
    assert error(NearestSample(labelled(shuffled)), test) > 1e-2


def test_lookup_says_why_it_does_not_apply() -> None:
    scattered = labelled(torch.rand(12, 2, generator=torch.Generator().manual_seed(0)))
    assert MultilinearLookup.obstacle(scattered, scattered) == "the labels of the training set form no complete lattice"


def test_nearest_returns_the_stored_sample_and_the_mean_is_the_mean() -> None:
    train = solved(TRAIN_ROOM, 25, 0)
    assert error(NearestSample(train), train) == 0.0
    constant = PredictMean(train).predict(train, torch.arange(3))
    torch.testing.assert_close(constant[0], everything(train).mean(0))


def test_superposition_is_exact_for_mixtures_of_training_inputs() -> None:
    train = solved(TRAIN_ROOM, 25, 0)
    mixture = torch.tensor([0.5, -2.0, 1.5])
    inputs = {"initial_pressure": torch.tensordot(mixture, train.inputs(torch.arange(3))["initial_pressure"], 1)[None]}
    truth = torch.tensordot(mixture, train.outputs(torch.arange(3)), 1)[None]
    test = Dataset.from_arrays(train.signature, train.output_domain, inputs, truth, input_domains=train.input_domains)
    assert error(Superposition(train), test) < 1e-3


def test_linear_structure_beats_lookups_on_the_wave_equation() -> None:
    train, test = solved(TRAIN_ROOM, 25, 0), solved(TEST_ROOM, 6, 1)
    errors = {kind: error(kind(train), test) for kind in BASELINES}
    assert errors[PODLinear] < 0.1 * errors[MultilinearLookup]
    assert errors[Superposition] < errors[MultilinearLookup] < errors[NearestSample] < errors[PredictMean]


@pytest.mark.parametrize("kind", BASELINES)
def test_stored_bytes_are_counted(kind: type[Baseline]) -> None:
    train = solved(TRAIN_ROOM, 25, 0)
    values = everything(train).numel() * 4
    assert 0 < kind(train).stored_bytes <= 2 * values
