"""The throughput law agrees with streams that were run, and the table in the documentation is what it prints."""

from pathlib import Path

import pytest
import torch
from online_runs import STEPS, runs

from fredholm.data import WholeFields
from fredholm.data.online import FIRO, Buffer, Reservoir, Serial, stream
from fredholm.data.online.cost_model import Load, expected, table

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
CAPACITY = 60


@pytest.mark.parametrize(
    "uses", [2.5, pytest.param(1.0, marks=pytest.mark.slow), pytest.param(6.0, marks=pytest.mark.slow)]
)
def test_samples_are_used_as_often_as_the_law_says(uses: float) -> None:
    load = Load(1, 100.0, STEPS, 24, 100.0 * uses, CAPACITY)
    assert repetition(Reservoir(CAPACITY, 10), uses) == pytest.approx(expected(load).repetition, rel=0.1)
    assert repetition(FIRO(CAPACITY, 10), uses) == 1 == expected(load).used_once / expected(load).produced


def repetition(buffer: Buffer, uses: float) -> float:
    """Of a stream of 1200 samples whose trainer could use `uses` for each that arrives."""
    with stream(runs(), 200, 0, buffer=buffer, engine=Serial(uses=uses)) as samples:
        while samples.gather(4, 0.0):
            samples.draw(WholeFields(4), torch.Generator())
        return samples.statistics.repetition


def test_a_trainer_that_is_slower_holds_the_solvers_up() -> None:
    slow = expected(Load(100, 50.0, 10, 8, 1000.0, 50))
    assert (slow.produced, slow.used, slow.repetition) == (1000.0, 1000.0, 1.0)


def test_the_documented_table_is_computed() -> None:
    loads = [Load(solvers, 5.0, 100, 40_000, 2000.0, 600 * solvers) for solvers in (1, 10, 100, 1000)]
    assert table(loads) in PAGE.read_text(encoding="utf-8")
