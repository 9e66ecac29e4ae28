"""A cube of 2 m with porous walls, in closed form: the part of the study in three dimensions.

Pulses to 250 Hz, 30 ms, walls of Miki's layer (σ = 10 000, 3 cm); 125 training sources on a lattice of five to a
wavelength, 10 at random, receivers on a grid. Modes of the training fields with a linear branch, their number chosen by
the error on a fifth of the training samples.
"""

import time
from typing import Any

from fredholm.evaluation import Target, measure
from fredholm.evaluation.baselines import BASELINES
from fredholm.problems import Blocks, PorousLayer, RandomSources, Recording, SoundScene, SourceLattice
from fredholm.studies.solved_rooms import predicted, solved
from fredholm.studies.study import Run
from fredholm.training.recipes import recipe_named

_PER_AXIS = 5


def cube(sources: SourceLattice | RandomSources) -> SoundScene:
    """The room of this part."""
    return SoundScene(
        Blocks((2.0, 2.0, 2.0)),
        sources,
        walls=PorousLayer(),
        highest_frequency=250.0,
        recording=Recording(0.03, 0.001),
        margin=0.5,
    )


def cube_results(run: Run) -> tuple[dict[str, Any], dict[str, Any], tuple[Target, ...]]:
    """Measured, baselines and targets."""
    run.say(f"  cube of 2 m with porous walls: solving for {_PER_AXIS**3 + 10} sources")
    train = solved(cube(SourceLattice(_PER_AXIS)), _PER_AXIS**3, run.seed)
    test = solved(cube(RandomSources()), 10, run.seed + 1)
    baselines = {}
    for kind in BASELINES:
        baseline = kind(train)
        errors = measure(lambda samples, b=baseline: b.predict(test, samples), test)  # type: ignore[misc]
        baselines[f"cube: {kind.name}"] = {"relative_l2": errors.mean, "stored_bytes": baseline.stored_bytes}
    start = time.process_time()
    operator = recipe_named("pod-linear-by-error").fit(train, seed=run.seed).operator
    seconds = time.process_time() - start
    errors = measure(lambda samples: predicted(operator, test, samples), test)
    run.say(f"  cube: {errors.mean:.2%}, {operator.stored_bytes / 1e6:.1f} MB")
    look_up = baselines["cube: multilinear look-up"]
    measured = {
        "cube: POD trunk of chosen rank, linear branch": {
            "relative_l2": errors.mean,
            "rmse_pa": errors.total_rmse,
            "stored_bytes": operator.stored_bytes,
            "fit_cpu_seconds": round(seconds, 1),
        }
    }
    targets = (
        Target("cube: error / that of a multilinear look-up", errors.mean / look_up["relative_l2"], "<=", 0.75),
        Target("cube: bytes / those of a look-up", operator.stored_bytes / look_up["stored_bytes"], "<=", 0.25),
        Target("cube: RMSE, Pa", errors.total_rmse, "<=", 0.04),
    )
    return measured, baselines, targets
