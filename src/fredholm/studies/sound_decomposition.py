"""A room in two halves: the part of the study on domain decomposition, with small networks of the published kind.

A room of 4 m x 2 m is learned by one network, and by two of the same size, each of which learns one half and its
overlap with the other; every network takes the same number of steps. Beside them one network that takes the steps of
both. Pulses to 400 Hz, 10 ms, a lattice of 12 x 12 sources, 12 at random to test.
"""

from dataclasses import replace
from typing import Any

from fredholm.data.dataset import Dataset
from fredholm.evaluation import Target
from fredholm.layers.box_cover import BoxCover
from fredholm.operators.decomposition import decomposed
from fredholm.operators.deeponet import DeepONet
from fredholm.problems import Box, RandomSources, Recording, Room, SourceLattice
from fredholm.studies.small_acoustic import descended, error_of, small_network
from fredholm.studies.solved_rooms import solved
from fredholm.studies.study import Budget, Run

_STEPS = {Budget.QUICK: 400, Budget.FULL: 20000}


def decomposition_results(run: Run) -> tuple[dict[str, Any], tuple[Target, ...]]:
    """Measured relative L2 errors, and the target."""
    steps, seed = _STEPS[run.budget], run.seed
    room = Room(Box((4.0, 2.0)), SourceLattice(12), 400.0, spacing=0.1, recording=Recording(0.01, 0.0005), margin=0.55)
    data = solved(room, 144, seed)
    test = solved(replace(room, sources=RandomSources()), 12, seed + 1)
    run.say(f"  decomposition: a room of 4 m x 2 m, whole and in two halves, {steps} steps")

    def fitted(part: Dataset, count: int = steps) -> DeepONet:
        return descended(small_network(part, seed), part, count, seed)

    errors = {
        "one network": error_of(fitted(data), test),
        "one network, twice the steps": error_of(fitted(data, 2 * steps), test),
        "a network for each half": error_of(decomposed(data, BoxCover(data.output_domain, {"x": 2}), fitted), test),
    }
    ratio = errors["a network for each half"] / errors["one network"]
    measured = {f"decomposition: {name}": {"relative_l2": value} for name, value in errors.items()}
    return measured, (Target("decomposition: error of halves / of one network of their size", ratio, "<=", 1.0),)
