"""`fit` steers a stream by its losses: towards what is hard to learn, to the same weights every time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from least_squares import LINE, POINTS, SIGNATURE, Matrix, data

from fredholm.data import CartesianPoints, PairedPoints, Sampler, WholeFields
from fredholm.data.online import InOrder, LossDriven, Reservoir, Selection, Serial, Stepwise, stream
from fredholm.errors import TrainingError
from fredholm.problems.problem import generator_of
from fredholm.training import Checkpoints, MeanSquaredError, RelativeL2, Settings, fit
from fredholm.training.checkpoint import load_state

COUNT, POOL, MANY = 80, 800, 10**6


def draw(random: np.random.Generator) -> dict[str, Any]:
    return {"hardness": random.random()}


def simulate(parameters: dict[str, Any], random: np.random.Generator) -> Iterator[tuple[dict[str, Any], Any]]:
    """A linear map, but for the last tenth of the parameters: there it is a square, which no matrix follows."""
    u = random.standard_normal(POINTS)
    yield {"u": u}, 5 * u**2 if parameters["hardness"] > 0.9 else u


SOURCE = Stepwise(simulate, draw, SIGNATURE, name="partly linear")


def hard(numbers: Any) -> int:
    return sum(float(SOURCE.place(2, number)["hardness"]) > 0.9 for number in numbers)


def train(directory: Path, selection: Selection, iterations: int = MANY) -> tuple[torch.Tensor, list[int]]:
    """The weights, and the simulations that were run; goes on from the checkpoint in `directory`."""
    operator = Matrix(SIGNATURE, LINE)
    buffer, engine = Reservoir(30, 5, seed=1), Serial(live=3, uses=4.0)
    with stream(SOURCE, COUNT, 2, buffer=buffer, engine=engine, selection=selection) as samples:
        fit(
            operator,
            samples,
            sampler=WholeFields(4),
            iterations=iterations,
            optimizer=torch.optim.SGD(operator.parameters(), 0.02),
            settings=Settings(checkpoints=Checkpoints(directory, every=7), log_every=5, quiet=True),
        )
    return operator.weight.detach(), load_state(directory / "last.safetensors")["hooks"][0][-1]["chosen"].tolist()


def test_simulations_are_run_where_the_loss_is_large(tmp_path: Path) -> None:
    _, numbers = train(tmp_path / "steered", LossDriven(POOL, 0.6))
    _, in_order = train(tmp_path / "in order", InOrder())
    assert in_order == list(range(COUNT))
    assert hard(numbers) > 2 * hard(in_order)
    assert '"steered"' in (tmp_path / "steered" / "log.jsonl").read_text()


@pytest.mark.parametrize(
    "stop", [20, pytest.param(3, marks=pytest.mark.slow), pytest.param(55, marks=pytest.mark.slow)]
)
def test_a_steered_run_that_stopped_ends_with_the_same_weights(stop: int, tmp_path: Path) -> None:
    whole, numbers = train(tmp_path / "whole", LossDriven(POOL))
    train(tmp_path / "parts", LossDriven(POOL), stop)
    again, same = train(tmp_path / "parts", LossDriven(POOL))
    assert same == numbers
    assert torch.equal(whole, again)


def test_a_run_that_is_steered_otherwise_is_another_run(tmp_path: Path) -> None:
    train(tmp_path, LossDriven(POOL), 10)
    with pytest.raises(TrainingError, match="data set"):
        train(tmp_path, InOrder())


@pytest.mark.parametrize("sampler", [WholeFields(5), PairedPoints(5, 3), CartesianPoints(5, 3)], ids=repr)
@pytest.mark.parametrize("loss", [MeanSquaredError(), RelativeL2()], ids=lambda loss: type(loss).__name__)
def test_a_mean_over_samples_is_the_mean_of_their_own_losses(loss, sampler: Sampler) -> None:
    batch = sampler.draw(data(), generator_of(0, 0))
    prediction = torch.zeros_like(batch.target).normal_(generator=generator_of(0, 1))
    own = loss.by_sample(prediction, batch)
    assert own.shape == (5,)
    torch.testing.assert_close(own.mean(), loss(prediction, batch))
