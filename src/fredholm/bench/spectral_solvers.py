"""Spectral solvers beside exponax 0.2 on the CPU: the same grid, step, order and float64, one thread each.

Sixty-four samples of the problems `burgers`, `kuramoto-sivashinsky` and `navier-stokes`, as when data are generated.
exponax's stepper of order 4 in its conservative form, which takes the fewest transforms, is repeated under jit, vmapped
over the samples or mapped one after the other, whichever is faster. Errors are against a quarter of the step.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from fredholm.bench.side_by_side import Figure, seconds_in_turn
from fredholm.problems import Burgers, KuramotoSivashinsky, NavierStokesInitial
from fredholm.solvers import FourierLine, VorticitySolver, burgers, kuramoto_sivashinsky

PEER = "exponax"
SAMPLES = 64

Solve = Callable[[ndarray, float], ndarray]  # initial values (b, *points) and a step, to final values


def burgers_line(rounds: int) -> list[Figure]:
    problem = Burgers()
    solver = burgers(FourierLine(problem.points, 1.0), problem.viscosity)
    return compared(
        problem.sample(SAMPLES, seed=0)["initial"].double().numpy(),
        lambda u, step: solver.solve(u[:, 0], 1.0, step),
        lambda ex, step: ex.stepper.Burgers(
            1, 1.0, problem.points, step, diffusivity=problem.viscosity, conservative=True, order=4
        ),
        duration=1.0,
        steps=200,
        rounds=rounds,
    )


def kuramoto_sivashinsky_line(rounds: int) -> list[Figure]:
    problem = KuramotoSivashinsky()
    solver = kuramoto_sivashinsky(FourierLine(problem.points, problem.extent))
    return compared(
        problem.sample(SAMPLES, seed=0)["initial"].double().numpy(),
        lambda u, step: solver.solve(u[:, 0], 10.0, step),
        lambda ex, step: ex.stepper.KuramotoSivashinskyConservative(1, problem.extent, problem.points, step, order=4),
        duration=10.0,
        steps=200,
        rounds=rounds,
    )


def navier_stokes_square(rounds: int) -> list[Figure]:
    """Decaying, for exponax's forces differ from ours; 64 x 64 points."""
    problem = NavierStokesInitial()
    solver = VorticitySolver(problem.points, 1.0, problem.viscosity)
    rest = np.zeros((problem.points, problem.points))
    initial = problem.sample(SAMPLES, seed=0)["initial_vorticity"].double().numpy()
    return compared(
        initial - initial.mean((2, 3), keepdims=True),
        # the peer's first coordinate is our second
        lambda w, step: solver.solve(w[:, 0].mT, rest, 5.0, step)[:, None].mT,
        lambda ex, step: ex.stepper.NavierStokesVorticity(
            2, 1.0, problem.points, step, diffusivity=problem.viscosity, order=4
        ),
        duration=5.0,
        steps=100,
        rounds=rounds,
    )


def compared(
    initial: ndarray, ours: Solve, stepper: Callable[[Any, float], Any], duration: float, steps: int, rounds: int
) -> list[Figure]:
    """Errors and seconds of both, for `steps` steps."""
    one_thread = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {one_thread}"
    import exponax
    import jax

    with jax.enable_x64(True):

        def mapped(step: float, all_at_once: bool) -> Callable[[ndarray], Any]:
            advance = exponax.repeat(stepper(exponax, step), round(duration / step))
            return jax.jit(jax.vmap(advance) if all_at_once else lambda u: jax.lax.map(advance, u))

        step = duration / steps
        theirs = {f"{PEER}, {how}": mapped(step, how == "vmap") for how in ("vmap", "map")}
        actions: dict[str, Callable[[], object]] = {"fredholm": lambda: ours(initial, step)}
        for how, solve in theirs.items():
            actions[how] = partial(_to_the_end, solve, initial)
        seconds = seconds_in_turn(actions, rounds, warm=2)
        ends = {"fredholm": ours(initial, step), PEER: np.asarray(theirs[f"{PEER}, vmap"](initial))}
        fine = {"fredholm": ours(initial, step / 4), PEER: np.asarray(mapped(step / 4, True)(initial))}
    errors = {who: float(np.linalg.norm(ends[who] - fine[who]) / np.linalg.norm(fine[who])) for who in ends}
    apart = float(np.linalg.norm(fine["fredholm"] - fine[PEER]) / np.linalg.norm(fine[PEER]))
    readings = {who: 1e3 * value / SAMPLES for who, value in seconds.items()}
    best = min(value for who, value in seconds.items() if who.startswith(PEER))
    return [
        Figure("relative error", errors["fredholm"] / errors[PEER], "of the peer's", errors, "", at_most=1.1),
        Figure("difference from the peer with a quarter of the step", apart, "of its norm", {}, ""),
        Figure("time of a sample", seconds["fredholm"] / best, "of the peer's", readings, "ms", at_most=1.0),
    ]


def _to_the_end(solve: Callable[[ndarray], Any], initial: ndarray) -> None:
    import jax

    jax.block_until_ready(solve(initial))


PARTS = {
    "burgers": burgers_line,
    "kuramoto-sivashinsky": kuramoto_sivashinsky_line,
    "navier-stokes": navier_stokes_square,
}
