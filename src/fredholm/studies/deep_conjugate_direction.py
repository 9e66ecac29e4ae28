"""Study: a network trained without solutions proposes search directions, and a few lead to any tolerance.

A. A network trained on Ritz vectors of the open box of n x n cells: pressures of smoke plumes and white noise, with and
   without obstacles that it never saw, at n and at 2 n, beside conjugate gradients, incomplete Cholesky factors and
   algebraic multigrid, and with none or eight stored directions.
B. The same network trained on at 2 n.
C. What it is worth where it is out of place: closed walls, and an untrained network, with and without the safeguard.
D. Three dimensions.

Source: Kaneda, Akar, Chen, Alcaraz Kala, Hyde, Teran, "A deep conjugate direction method for iteratively solving linear
systems", ICML 2023.
"""

import copy
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy import ndarray

from fredholm.evaluation import StudyReport, Target, interleaved
from fredholm.inverse.direction_network import DirectionNetwork
from fredholm.inverse.direction_training import DirectionTraining, RitzSampler, train_directions
from fredholm.inverse.learned_direction import LearnedDirection
from fredholm.layers.perceptron import initialised
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.finite_volume_diffusion import CLOSED
from fredholm.solvers.flexible_directions import Direction, dcdm
from fredholm.solvers.lanczos import ritz_pairs
from fredholm.studies.pressure_cases import MOST, PRECONDITIONERS, PressureCase, pressure_cases
from fredholm.studies.study import Budget, Run, Study

_SIDE = {Budget.QUICK: 64, Budget.FULL: 128}  # of the box of training; the larger one has twice as many
_RITZ, _LARGE_RITZ = 400, 600
_TRAINING = {Budget.QUICK: DirectionTraining(900, 8), Budget.FULL: DirectionTraining(4000, 8)}
_AGAIN = {Budget.QUICK: DirectionTraining(250, 4), Budget.FULL: DirectionTraining(2000, 8)}
_CUBE = {Budget.QUICK: 16, Budget.FULL: 32}
_CUBE_TRAINING = {Budget.QUICK: DirectionTraining(500, 4), Budget.FULL: DirectionTraining(4000, 8)}
_COARSE, _FINE = 1e-4, 1e-8
_ROUNDS = 3


class DeepConjugateDirection(Study):
    """A network as the source of directions, beside classical ones."""

    slug: ClassVar[str] = "deep-conjugate-direction"
    claim: ClassVar[str] = (
        "A network trained on the empty box alone proposes directions along which Poisson systems, with obstacles it "
        "never saw and on twice the side, are solved to any tolerance in at most a quarter of the iterations of "
        "conjugate gradients, and in fewer than with incomplete Cholesky factors."
    )
    paper: ClassVar[str] = (
        "Residuals fall to a given tolerance in a small number of iterations, independent of the problem size, also on "
        "geometries and sizes that were not trained on (Kaneda et al. 2023, abstract; 3-D, up to 256³ cells)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        n = _SIDE[run.budget]
        box = BoxPoisson((n, n))
        network, training = _trained(run, box)
        small, large = list(pressure_cases(n, run.seed)), list(pressure_cases(2 * n, run.seed))
        results = {case.name: _compared(case, LearnedDirection(network), run) for case in (*small, *large)}
        again, growth = _trained_on(run, network, small, large, results)
        out_of_place = _out_of_place(run, network, n)
        times, rival_times = _times(LearnedDirection(network), large[-1])
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {
                "training": training,
                **{name: result.learned for name, result in results.items()},
                **again,
                **out_of_place,
                **_cube(run),
                "seconds to 1e-4, two disks, white noise, 2 n": times,
            },
            {
                **{name: result.classical for name, result in results.items()},
                "seconds to 1e-4, two disks, white noise, 2 n": rival_times,
            },
            tuple(_targets([*small, *large], results, training, growth)),
            time.perf_counter() - start,
            run.seed,
            run.budget,
        )


@dataclass(frozen=True)
class _Result:
    learned: dict[str, float]
    classical: dict[str, float]


def _trained(run: Run, box: BoxPoisson) -> tuple[DirectionNetwork, dict[str, float]]:
    n, settings = box.input_shape[0], _TRAINING[run.budget]
    ritz = ritz_pairs(box, _RITZ, run.seed)
    least = 8 * math.sin(math.pi / (2 * (n + 1))) ** 2
    with initialised(run.seed):
        network = DirectionNetwork(dim=2, channels=16, levels=3, pairs=2)
    started = time.process_time()
    losses = train_directions(network, box, RitzSampler(ritz), replace(settings, seed=run.seed), watch=_telling(run))
    return network, {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "loss_of_first_step": losses[0],
        "loss_of_last_steps": statistics.mean(losses[-30:]),
        "least_ritz_value": float(ritz.values[0]),
        "least_eigenvalue": least,
        "least_ritz_value_relative_error": abs(float(ritz.values[0]) / least - 1),
        "training_cpu_seconds": time.process_time() - started,
    }


def _telling(run: Run) -> Callable[[int, float], None]:
    def watch(step: int, loss: float) -> None:
        if step % 100 == 0:
            run.say(f"  step {step}: loss {loss:.4f}")

    return watch


def _compared(case: PressureCase, direction: Direction, run: Run) -> _Result:
    """Mean iterations over the right-hand sides of a case."""
    learned = _learned(case, direction)
    learned["1e-4, no stored directions"] = _mean(case, direction, directions=0)
    learned["1e-4, 8 directions"] = _mean(case, direction, directions=8)
    classical: dict[str, float] = {}
    for name, made in PRECONDITIONERS.items():
        preconditioner = made(case.matrix)
        residuals = [case.cg_residuals(b, preconditioner, _FINE) for b in case.right]
        for tolerance in (_COARSE, _FINE):
            classical[f"{tolerance:.0e}, {name}"] = statistics.mean(_first(left, tolerance) for left in residuals)
    classical = {name.replace("e-0", "e-"): count for name, count in classical.items()}
    run.say(
        f"  {case.name}: {learned['1e-4']:.1f} iterations, CG {classical['1e-4, CG']:.1f}, "
        f"IC(0) {classical['1e-4, IC(0)']:.1f}"
    )
    return _Result(learned, classical)


def _learned(case: PressureCase, direction: Direction) -> dict[str, float]:
    """Iterations to both tolerances, costs, and the largest residuals, computed anew with the sparse matrix."""
    rows: list[dict[str, float]] = []
    for b in case.right:
        iterates: list[Any] = []
        solution = dcdm(case.system, b, direction, rtol=_FINE, maxiter=MOST, callback=iterates.append)
        first = _first(solution.residuals, _COARSE)
        coarse, fine = (case.relative_residual(b, x) for x in (iterates[min(first, len(iterates)) - 1], solution.x))
        rows.append(
            {
                "1e-4": first,
                "1e-8": solution.iterations,
                "1e-8, applications of A": solution.applications,
                "1e-8, network applications": solution.proposals,
                "largest true residual at 1e-4": coarse,
                "largest true residual at 1e-8": fine,
            }
        )
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return {key: max(of) if key.startswith("largest") else statistics.mean(of) for key, of in columns.items()}


def _first(residuals: Sequence[float], tolerance: float) -> int:
    return next((k for k, left in enumerate(residuals) if left <= tolerance), MOST)


def _mean(case: PressureCase, direction: Direction, directions: int = 2) -> float:
    found = [
        dcdm(case.system, b, direction, rtol=_COARSE, maxiter=MOST, directions=directions).residuals for b in case.right
    ]
    return statistics.mean(_first(residuals, _COARSE) for residuals in found)


def _trained_on(
    run: Run,
    network: DirectionNetwork,
    small: list[PressureCase],
    large: list[PressureCase],
    results: dict[str, _Result],
) -> tuple[dict[str, Any], float]:
    """The network trained on at 2 n: its iterations there, and their largest ratio to those of the first one at n."""
    box = BoxPoisson(large[0].system.input_shape)
    grown = copy.deepcopy(network)
    ritz = ritz_pairs(box, _LARGE_RITZ, run.seed)
    train_directions(grown, box, RitzSampler(ritz), replace(_AGAIN[run.budget], seed=run.seed), watch=_telling(run))
    counts: dict[str, float] = {}
    ratios = []
    for before, case in zip(small, large, strict=True):
        counts[case.name] = _mean(case, LearnedDirection(grown))
        ratios.append(counts[case.name] / results[before.name].learned["1e-4"])
        run.say(f"  {case.name}, trained on there: {counts[case.name]:.1f} iterations")
    return {"trained on at 2 n, iterations to 1e-4": counts}, max(ratios)


def _out_of_place(run: Run, network: DirectionNetwork, n: int) -> dict[str, Any]:
    """Iterations to 1e-8 on white noise: walls that were not trained for, and networks that are of no use."""
    b = np.random.default_rng([run.seed, 0]).normal(size=(n, n))
    closed, open_box = BoxPoisson((n, n), [(CLOSED, CLOSED)] * 2), BoxPoisson((n, n))
    with initialised(run.seed + 1):
        untrained = LearnedDirection(DirectionNetwork(dim=2, channels=16, levels=3, pairs=2))
    runs: dict[str, tuple[BoxPoisson, Direction, float]] = {
        "closed walls": (closed, LearnedDirection(network), 0.95),
        "closed walls, no safeguard": (closed, LearnedDirection(network), math.inf),
        "closed walls, CG": (closed, _itself, math.inf),
        "untrained network": (open_box, untrained, 0.95),
        "untrained network, no safeguard": (open_box, untrained, math.inf),
        "open walls, CG": (open_box, _itself, math.inf),
    }
    found = {}
    for name, (system, direction, stall) in runs.items():
        solution = dcdm(system, b, direction, rtol=_FINE, maxiter=600, stall=stall)
        found[name] = str(solution.iterations) if solution.converged else f"{solution.residuals[-1]:.1e} left after 600"
        run.say(f"  {name}: {found[name]}")
    return {"out of place, iterations to 1e-8": found}


def _itself(residual: ndarray) -> ndarray:
    return residual


def _cube(run: Run) -> dict[str, Any]:
    """Three dimensions, two grids, a ball that was not trained for."""
    n, settings = _CUBE[run.budget], _CUBE_TRAINING[run.budget]
    with initialised(run.seed):
        network = DirectionNetwork(dim=3, channels=16, levels=2, pairs=1)
    box = BoxPoisson((n, n, n))
    sampler = RitzSampler(ritz_pairs(box, min(_RITZ, n**3 // 10), run.seed))
    train_directions(network, box, sampler, replace(settings, seed=run.seed), watch=_telling(run))
    z, y, x = (np.mgrid[:n, :n, :n] + 0.5) / n
    ball = torch.from_numpy((z - 0.5) ** 2 + (y - 0.45) ** 2 + (x - 0.55) ** 2 < 0.2**2)
    found: dict[str, int] = {}
    for name, system in (("box", box), ("ball", BoxPoisson((n, n, n), solid=ball))):
        b = np.random.default_rng(run.seed).normal(size=(n, n, n)) * system.fluid.numpy()
        for method, direction in (("network", LearnedDirection(network)), ("CG", _itself)):
            found[f"{name}, {method}"] = dcdm(system, b, direction, rtol=_COARSE, maxiter=MOST).iterations
    run.say(f"  {n}³ cells: {found}")
    return {f"3-D, {n}³ cells, iterations to 1e-4": found}


def _times(direction: Direction, case: PressureCase) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of whole solutions, the making of preconditioners included, and of one application each."""
    b = case.right[0]
    actions: dict[str, Callable[[], object]] = {
        "network": partial(dcdm, case.system, b, direction, rtol=_COARSE, maxiter=MOST),
        "one network application": partial(direction, b),
        "one application of A": partial(case.system, torch.from_numpy(b)),
    }
    own = tuple(actions)
    for name, made in PRECONDITIONERS.items():
        actions[name] = partial(_solved, case, made)
    seconds = interleaved(actions, _ROUNDS)
    return {name: seconds.pop(name) for name in own}, seconds


def _solved(case: PressureCase, made: Callable[[Any], Any]) -> Any:
    from scipy.sparse.linalg import cg

    return cg(case.matrix, case.right[0].ravel()[case.fluid], rtol=_COARSE, M=made(case.matrix), maxiter=MOST)


def _targets(
    cases: Sequence[PressureCase], results: dict[str, _Result], training: dict[str, float], growth: float
) -> list[Target]:
    def worst(ratio: Callable[[_Result], float], side: int | None = None) -> float:
        return max(ratio(result) for name, result in results.items() if side is None or f"n = {side}," in name)

    changes = [abs(results[case.name].learned["1e-4"] / results[case.empty_name].learned["1e-4"] - 1) for case in cases]
    n = cases[0].side

    def to_cg(result: _Result) -> float:
        return result.learned["1e-4"] / result.classical["1e-4, CG"]

    return [
        Target(f"iterations to 1e-4, network / CG, n = {n}, largest", worst(to_cg, n), "<=", 0.25),
        Target(f"iterations to 1e-4, network / CG, n = {2 * n}, largest", worst(to_cg, 2 * n), "<=", 0.25),
        Target(
            "iterations to 1e-4, network / IC(0), largest",
            worst(lambda result: result.learned["1e-4"] / result.classical["1e-4, IC(0)"]),
            "<=",
            1.0,
        ),
        Target("change of iterations by obstacles, largest", max(changes), "<=", 0.3),
        *(
            Target(
                f"iterations without / with stored directions, n = {side}, least",
                1 / worst(lambda result: result.learned["1e-4"] / result.learned["1e-4, no stored directions"], side),
                ">=",
                1.5,
            )
            for side in (n, 2 * n)
        ),
        Target(f"iterations at n = {2 * n}, trained on there / at n = {n}, largest", growth, "<=", 1.4),
        Target(
            "true residual in float64 at 1e-4, largest",
            worst(lambda result: result.learned["largest true residual at 1e-4"]),
            "<=",
            _COARSE,
        ),
        *(
            Target(
                f"true residual in float64 at 1e-8, n = {side}, largest",
                worst(lambda result: result.learned["largest true residual at 1e-8"], side),
                "<=",
                _FINE,
            )
            for side in (n, 2 * n)
        ),
        Target(
            "least Ritz value against 8 sin²(π / 2 (n + 1)), relative error",
            training["least_ritz_value_relative_error"],
            "<=",
            1e-4,
        ),
    ]
