"""Study: multigrid V-cycles as the linear maps of a network learn elliptic problems from few parameters.

A. With classical stencils the layer is classical multigrid: what a cycle contracts, and what it saves conjugate
   gradients, does not depend on the grid.
B. Darcy flow through a rough medium: MgNO beside an FNO and a U-Net, trained alike for values and slopes.
C. On a shorter run: the boundary of the stencils, and training for values alone.

Source: He, Liu, Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024.
"""

import math
import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.data.simulation import simulate
from fredholm.evaluation import StudyReport, Target
from fredholm.evaluation.page import figure_png
from fredholm.fields.grid import Grid
from fredholm.fields.norms import relative_l2
from fredholm.layers.boundaries import Boundary, Dirichlet, Neumann, Periodic
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.multigrid import MultigridLinear
from fredholm.layers.perceptron import initialised
from fredholm.layers.stencils import approximate_inverse, damped_jacobi, full_weighting, laplacian, multilinear
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.multigrid import MgNO, as_preconditioner
from fredholm.operators.padded import PaddedNetwork
from fredholm.operators.unet import UNet
from fredholm.problems import Darcy
from fredholm.studies.study import Budget, Run, Study
from fredholm.training import Loss, RelativeL2, Settings, SobolevLoss
from fredholm.training.one_cycle import fit_one_cycle

_SIDES = (31, 63, 127)
_POINTS = {Budget.QUICK: 64, Budget.FULL: 128}
_TRAIN = {Budget.QUICK: 400, Budget.FULL: 1000}
_TEST = 100
_BATCH, _PEAK = 10, 1e-3
_STEPS = {Budget.QUICK: 1600, Budget.FULL: 20_000}
_SHORT = 4  # times fewer steps in the comparisons of boundaries and losses
_LENGTH = 1 / (2 * math.pi)  # of the unit square: the norm in H1 counts waves
_SMOOTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "damped Jacobi": damped_jacobi,
    "approximate inverse": approximate_inverse,
}


class MgNOStudy(Study):
    """V-cycles as classical multigrid, and as the linear maps of a network."""

    slug: ClassVar[str] = "mgno"
    claim: ClassVar[str] = (
        "On Darcy flow through a rough medium, a network of multigrid V-cycles has at most 0.8 of the H1 error of an "
        "FNO with at least three times its parameters; stencils that go on by zeros, as the pressure does, err least. "
        "With classical stencils its linear layer is classical multigrid."
    )
    paper: ClassVar[str] = (
        "Rough Darcy flow on 256 x 256 with 0.57 M parameters: relative error 0.34 % in L2, 1.38 % in H1, below those "
        "of all operators compared (He et al. 2024, table 1). This study is 64 x 64, from 400 samples."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        classical, plain, classical_targets = _classical(run)
        problem = Darcy(points=_POINTS[run.budget])
        run.say(f"  solving {_TRAIN[run.budget] + _TEST} problems")
        train, test = simulate(problem, _TRAIN[run.budget], 2 * run.seed), simulate(problem, _TEST, 2 * run.seed + 1)
        learned, rivals, learned_targets, picture = _learned(train, test, run)
        short, short_rivals, short_targets = _ablations(train, test, run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**classical, **learned, **short},
            {**plain, **rivals, **short_rivals},
            (*classical_targets, *learned_targets, *short_targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"A test sample": [picture]},
        )


def _classical(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """V(1, 1) for -Δu = f on the unit square: contraction of the residual, iterations of conjugate gradients."""
    cycles = {name: {n: _poisson(n, smoother) for n in _SIDES} for name, smoother in _SMOOTHERS.items()}
    factors = {name: {n: _contraction(cycle) for n, cycle in by_side.items()} for name, by_side in cycles.items()}
    counts = {
        name: {n: _iterations(n, as_preconditioner(cycle)) for n, cycle in by_side.items()}
        for name, by_side in cycles.items()
    }
    results = {
        f"V-cycle, {name}": {
            **{f"contraction on {n} x {n}": factor for n, factor in factors[name].items()},
            **{f"CG iterations on {n} x {n}": count for n, count in counts[name].items()},
        }
        for name in _SMOOTHERS
    }
    alone = {n: _iterations(n, None) for n in _SIDES}
    best = "approximate inverse"
    run.say(f"  V-cycle: contraction {max(factors[best].values()):.3f} on every grid")
    targets = [
        Target("contraction by a V-cycle, worst grid", max(factors[best].values()), "<=", 0.25),
        Target(
            "contraction, worst grid / best grid", max(factors[best].values()) / min(factors[best].values()), "<=", 1.1
        ),
        Target(
            "CG iterations with a V-cycle, most less fewest",
            max(counts[best].values()) - min(counts[best].values()),
            "<=",
            1,
        ),
    ]
    return results, {"CG alone": {f"CG iterations on {n} x {n}": count for n, count in alone.items()}}, targets


def _poisson(n: int, smoother: Callable[[Tensor], Tensor]) -> MultigridLinear:
    operator = laplacian([1 / (n + 1)] * 2)
    cycle = VCycle(smoothings((n + 1).bit_length() - 1, before=1, after=1), Dirichlet(nested=True), shared=True)
    return MultigridLinear.from_stencils(operator, smoother(operator), full_weighting(2), multilinear(2), (n, n), cycle)


def _contraction(cycle: MultigridLinear, cycles: int = 12) -> float:
    """The factor by which u ← u + V(f - A u) shortens the residual, over the last four cycles."""
    data = torch.randn(1, 1, *cycle.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    operator = cycle.finest.operators[0]
    state, lengths = torch.zeros_like(data), []
    with torch.inference_mode():
        for _ in range(cycles):
            residual = data - operator(state)
            lengths.append(float(residual.norm()))
            state = state + cycle(residual)
    return (lengths[-1] / lengths[-5]) ** 0.25


def _iterations(n: int, preconditioner: Any) -> int:
    """Of conjugate gradients for a random right-hand side, to a relative residual of 1e-8."""
    from scipy import sparse
    from scipy.sparse.linalg import cg

    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n)) * (n + 1) ** 2
    one = sparse.eye_array(n)
    matrix = sparse.csr_array(sparse.kron(line, one) + sparse.kron(one, line))
    steps: list[int] = []
    right = np.random.default_rng(0).standard_normal(n * n)
    cg(matrix, right, rtol=1e-8, M=preconditioner, callback=lambda _: steps.append(1))
    return len(steps)


def _learned(train: Dataset, test: Dataset, run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target], str]:
    networks: dict[str, tuple[Callable[[], GridNetwork], bool]] = {
        "MgNO": (lambda: _mgno(train, Dirichlet()), False),
        "FNO": (lambda: PaddedNetwork(FNO(3, 1, modes=(24, 24), width=24, layers=4), (0.1, 0.1)), True),
        "U-Net": (lambda: UNet(3, 1, width=16, multipliers=(1, 2, 4, 8)), True),
    }
    operators, results = {}, {}
    for name, (network, coordinates) in networks.items():
        operators[name], results[name] = _fitted(name, network, coordinates, train, test, _STEPS[run.budget], run)
    mgno = results.pop("MgNO")
    targets = [
        Target("parameters, MgNO / FNO", mgno["parameters"] / results["FNO"]["parameters"], "<=", 1 / 3),
        Target("H1 error, MgNO / FNO", mgno["test_relative_h1"] / results["FNO"]["test_relative_h1"], "<=", 0.8),
    ]
    return {"MgNO": mgno}, results, targets, _picture(operators, test)


def _ablations(train: Dataset, test: Dataset, run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target]]:
    """Other boundaries, and another loss, on a shorter run."""
    steps = _STEPS[run.budget] // _SHORT

    def short(name: str, boundary: Boundary, loss: Loss | None = None) -> dict[str, Any]:
        return _fitted(name, lambda: _mgno(train, boundary), False, train, test, steps, run, loss)[1]

    name = "MgNO, shorter run"
    zeros = short(name, Dirichlet())
    others = {
        "MgNO, shorter run, Neumann stencils": short("Neumann", Neumann()),
        "MgNO, shorter run, periodic stencils": short("periodic", Periodic()),
        "MgNO, shorter run, trained in L2": short("trained in L2", Dirichlet(), RelativeL2()),
    }
    error = "test_relative_h1"
    neumann, periodic, _ = (result[error] for result in others.values())
    targets = [
        Target("H1 error, Dirichlet / Neumann stencils", zeros[error] / neumann, "<=", 1.0),
        Target("H1 error, Dirichlet / periodic stencils", zeros[error] / periodic, "<=", 1.0),
    ]
    return {name: zeros}, others, targets


def _mgno(data: Dataset, boundary: Boundary) -> MgNO:
    cycle = VCycle(smoothings(5), boundary, restrict_residual=False)
    return MgNO(1, 1, data.output_domain.shape, width=16, layers=4, cycle=cycle)


def _fitted(
    name: str,
    network: Callable[[], GridNetwork],
    coordinates: bool,
    train: Dataset,
    test: Dataset,
    steps: int,
    run: Run,
    loss: Loss | None = None,
) -> tuple[GridOperator, dict[str, Any]]:
    """An operator normalised by the data and trained on them, by the H1 error if not told otherwise; its errors."""
    with initialised(run.seed):
        inputs = GridInputs(train.signature, train.output_domain, coordinates)
        operator = GridOperator(train.signature, train.output_domain, network(), inputs)
    everything = torch.arange(len(train))
    operator = operator.adapted(train.inputs(everything), train.outputs(everything))
    history = fit_one_cycle(
        operator,
        train,
        steps,
        batch=_BATCH,
        peak=_PEAK,
        loss=loss or _sobolev(train),
        settings=Settings(seed=run.seed, quiet=True),
    )
    errors = {**_errors(operator, train, "train"), **_errors(operator, test, "test")}
    run.say(f"  {name}: {errors['test_relative_h1']:.2%} in H1, {errors['test_relative_l2']:.2%} in L2")
    seconds = round(history.seconds, 1)
    return operator, {**errors, "parameters": operator.parameter_count, "training_seconds": seconds}


def _errors(operator: GridOperator, data: Dataset, part: str) -> dict[str, float]:
    """Mean relative errors in L2 and H1."""
    weights = data.output_points.weights.reshape(data.output_domain.shape)
    samples = torch.arange(len(data))
    truth = data.outputs(samples)
    with torch.inference_mode():
        prediction = torch.cat([operator(data.inputs(some)) for some in samples.split(50)])
    values = relative_l2(prediction.flatten(1), truth.flatten(1), weights.flatten())
    with_slopes = _sobolev(data).errors(prediction, truth, weights)
    return {f"{part}_relative_l2": float(values.mean()), f"{part}_relative_h1": float(with_slopes.mean())}


def _sobolev(data: Dataset) -> SobolevLoss:
    assert isinstance(data.output_domain, Grid)
    return SobolevLoss(data.output_domain, _LENGTH)


def _picture(operators: dict[str, GridOperator], test: Dataset) -> str:
    """The first test sample: coefficient and pressure, and what each operator answers and errs."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    first = torch.arange(1)
    inputs, truth = test.inputs(first), test.outputs(first)[0, 0]
    with torch.inference_mode():
        answers = {name: operator(inputs)[0, 0] for name, operator in operators.items()}
    columns = {"coefficient, pressure": (inputs["coefficient"][0, 0], truth)}
    columns |= {f"{name}: answer, error": (answer, answer - truth) for name, answer in answers.items()}
    widest = max(float((answer - truth).abs().max()) for answer in answers.values())
    figure, axes = pyplot.subplots(2, len(columns), figsize=(3.1 * len(columns), 6))
    for column, (title, pair) in enumerate(columns.items()):
        for row, values in enumerate(pair):
            error = row == 1 and column > 0
            scale = {"cmap": "RdBu_r", "vmin": -widest, "vmax": widest} if error else {"cmap": "viridis"}
            image = axes[row][column].imshow(values.T, origin="lower", **scale)
            axes[row][column].set_axis_off()
            figure.colorbar(image, ax=axes[row][column], fraction=0.046)
        axes[0][column].set_title(title)
    return figure_png(figure)
