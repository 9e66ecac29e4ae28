"""From one room to the next: the part of the study on transfer, with small networks of the published kind.

A network that has learned a room of 3 m x 3 m goes on in one of 2 m x 2 m, with three sources to a wavelength in place
of five and its first layers held, for a quarter of the steps; beside it one that begins from nothing. Pulses to 400 Hz,
10 ms, 144 sources on a lattice in the large room, 16 in the small one, 12 at random to test.
"""

from dataclasses import replace
from typing import Any

from fredholm.evaluation import Target
from fredholm.problems import Box, RandomSources, Recording, Room, SourceLattice
from fredholm.studies.small_acoustic import descended, error_of, small_network
from fredholm.studies.solved_rooms import solved
from fredholm.studies.study import Budget, Run
from fredholm.training.transfer import PUBLISHED_FREEZE, transfer

_STEPS = {Budget.QUICK: 400, Budget.FULL: 20000}


def transfer_results(run: Run) -> tuple[dict[str, Any], tuple[Target, ...]]:
    """Measured relative L2 errors in the small room, and the target."""
    steps, seed = _STEPS[run.budget], run.seed
    recording = Recording(0.01, 0.0005)
    large = Room(Box((3.0, 3.0)), SourceLattice(12), 400.0, spacing=0.075, recording=recording, margin=0.55)
    small = Room(Box((2.0, 2.0)), SourceLattice(4), 400.0, spacing=0.0625, recording=recording, margin=0.55)
    source_data, data = solved(large, 144, seed), solved(small, 16, seed)
    test = solved(replace(small, sources=RandomSources()), 12, seed + 1)
    run.say(f"  transfer: a room of 3 m, then one of 2 m, {steps} steps")
    source = descended(small_network(source_data, seed), source_data, steps, seed)
    errors = {}
    for name, count in (("from scratch, all steps", steps), ("from scratch, a quarter", steps // 4)):
        errors[name] = error_of(descended(small_network(data, seed), data, count, seed), test)
    moved = small_network(data, seed)
    transfer(source, moved, PUBLISHED_FREEZE)
    errors["transferred, a quarter"] = error_of(descended(moved, data, steps // 4, seed), test)
    ratio = errors["transferred, a quarter"] / errors["from scratch, all steps"]
    measured = {f"transfer: {name}": {"relative_l2": value} for name, value in errors.items()}
    return measured, (Target("transfer: error after a quarter / from scratch after all", ratio, "<=", 1.0),)
