"""Study: a network that is exactly a proximal operator learns a prior that can be read, and reconstructs with it.

A. Laplace noise-free values under Gaussian noise, where all is known: squares learn the posterior mean, absolute values
   the median, proximal matching the mode, which is soft thresholding; and R, read from the network, is |x|.
B. Handwritten digits of 8 x 8 from 32 random sums: ADMM with the learned prior beside ridge regression, total variation
   and a Gaussian prior; the objective of the gradient method; R of noisier and noisier digits.

Source: Fang, Buchanan, Sulam, "What's in a prior? Learned proximal networks for inverse problems", ICLR 2024.
"""

import copy
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from fredholm.data.pictures import shipped_digits
from fredholm.evaluation import StudyReport, Target
from fredholm.evaluation.page import figure_png
from fredholm.inverse import (
    AbsoluteError,
    GaussianNoise,
    InputConvexMLP,
    LearnedProximalNetwork,
    ProximalMatching,
    SquaredError,
    Stage,
    Stopping,
    pnp_admm,
    pnp_pgd,
    psnr,
    random_measurements,
    total_variation,
    train_proximal,
)
from fredholm.inverse.gaussian_prior import GaussianPrior
from fredholm.layers.perceptron import initialised
from fredholm.solvers.cgls import cgls
from fredholm.studies.study import Budget, Run, Study

_LINE_STEPS = {Budget.QUICK: 3000, Budget.FULL: 20000}  # of each loss in A
_MATCHING = ((0.5, 0.25), (0.3, 0.375), (0.2, 0.625))  # γ, and steps in those of the losses before
_LINE_SAMPLES, _LINE_BATCH = 400_000, 1000
_DIGIT_STEPS = {Budget.QUICK: 5000, Budget.FULL: 20000}  # of absolute values in B
_DIGIT_STAGE = {Budget.QUICK: 700, Budget.FULL: 4000}  # of each γ
_TRAIN, _TUNE, _TEST = 1400, 50, 100  # digits
_SUMS, _NOISE, _SIGMA = 32, 0.02, 0.1
_RIDGE = (0.01, 0.03, 0.1, 0.3, 1.0)
_VARIATION = (0.003, 0.01, 0.02, 0.04, 0.08)
_GAUSSIAN = (0.01, 0.02, 0.03, 0.05, 0.1)
_RHO = (0.005, 0.01, 0.02, 0.05, 0.1, 0.3)
_ADMM, _PGD = Stopping(100, 1e-5), Stopping(60, 0.0)
_LEVELS = (0.0, 0.05, 0.1, 0.2, 0.3)  # of noise on digits whose prior is read


class LearnedProximalNetworks(Study):
    """Which estimate each loss learns, the prior that can be read, and reconstruction with it."""

    slug: ClassVar[str] = "learned-proximal-networks"
    claim: ClassVar[str] = (
        "A network that is the gradient of a convex one is exactly a proximal operator. Trained by proximal matching "
        "it approaches the posterior mode, and the regulariser read from it the true one; in a loop with any linear "
        "operator it reconstructs better than classical regularisers, and the objective never rises."
    )
    paper: ClassVar[str] = (
        "On Laplace values, squares give the conditional mean, absolute values the median, matching the soft threshold "
        "and R = |x|; R of digits rises with noise; deblurring and compressed sensing on a par with or above other "
        "plug-and-play methods (Fang, Buchanan, Sulam 2024, figures 2 to 4, tables 1 and 2)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        known, line_targets, line_figure = _line(run)
        learned, rivals, digit_targets, digit_figure = _digits(run)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {**known, **learned},
            rivals,
            (*line_targets, *digit_targets),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {"Estimates of a Laplace value": [line_figure], "Objective of the gradient method": [digit_figure]},
        )


def _line(run: Run) -> tuple[dict[str, Any], list[Target], str]:
    """One dimension: three losses against their closed forms."""
    generator = torch.Generator().manual_seed(run.seed)
    uniform = torch.rand(_LINE_SAMPLES, 1, generator=generator) - 0.5
    samples = -uniform.sign() * torch.log1p(-2 * uniform.abs().clamp_max(0.4999999))
    y = torch.linspace(-4, 4, 801, dtype=torch.float64)
    mean, median, mode = _posterior_mean(y), _posterior_median(y), torch.nn.functional.softshrink(y, 1.0)
    steps = _LINE_STEPS[run.budget]
    warm = [Stage(AbsoluteError(), steps, 5e-3, 3e-5)]
    squares = _trained((1,), [Stage(SquaredError(), steps, 5e-3, 3e-5)], samples, run)
    absolute = _trained((1,), warm, samples, run)
    run.say("  trained on squares and on absolute values")
    matching, best, distances = copy.deepcopy(absolute), absolute, {"absolute values": _distance(absolute, y, mode)}
    for index, (gamma, share) in enumerate(_MATCHING):
        last = 2e-5 if index == len(_MATCHING) - 1 else 1e-4
        stage = Stage(ProximalMatching(gamma), max(1, round(share * steps)), 1e-3, last)
        train_proximal(matching, samples, 1.0, [stage], batch=_LINE_BATCH, seed=run.seed + index + 1, progress=False)
        distances[f"γ = {gamma:g}"] = _distance(matching, y, mode)
        if distances[f"γ = {gamma:g}"] == min(distances.values()):
            best = copy.deepcopy(matching)
        run.say(f"  γ = {gamma:g}: {distances[f'γ = {gamma:g}']:.4f} from soft thresholding")
    priors = {name: _prior_error(network) for name, network in (("squares", squares), ("matching", best))}
    of_squares, of_best = _distance(squares, y, mode), min(distances.values())
    answers = {"squares": squares, "absolute values": absolute, "matching": best}
    slopes = {name: float(_answers(network, y).diff().min()) for name, network in answers.items()}
    measured = {
        "distance to the posterior mean, trained on squares": _distance(squares, y, mean),
        "distance to the posterior median, trained on absolute values": _distance(absolute, y, median),
        "distance to soft thresholding": {"squares": of_squares, **distances},
        "error of R against |x|": {name: error for name, (error, _) in priors.items()},
        "largest residual of the inversion": {name: residual for name, (_, residual) in priors.items()},
    }
    targets = [
        Target("squares: distance to the posterior mean", _distance(squares, y, mean), "<=", 0.02),
        Target("absolute values: distance to the posterior median", _distance(absolute, y, median), "<=", 0.025),
        Target(
            "distance to soft thresholding, start / best matching", distances["absolute values"] / of_best, ">=", 1.5
        ),
        Target("distance to soft thresholding, squares / best matching", of_squares / of_best, ">=", 2.0),
        Target("error of R against |x|, matching / squares", priors["matching"][0] / priors["squares"][0], "<=", 0.5),
        Target("least step of an answer from point to point", min(slopes.values()), ">=", -1e-6),
    ]
    curves = {name: _answers(network, y) for name, network in answers.items()}
    picture = _picture(y, {**curves, "soft thresholding": mode, "posterior mean": mean})
    return measured, [*targets, *_jacobian(run)], picture


def _jacobian(run: Run) -> list[Target]:
    """In two dimensions: ∂f/∂y is symmetric and has no negative eigenvalue, by automatic differentiation."""
    generator = torch.Generator().manual_seed(run.seed + 10)
    samples = torch.randn(5000, 2, generator=generator) * torch.tensor([1.0, 0.3])
    steps = max(1, _LINE_STEPS[run.budget] // 20)
    network = _trained((2,), [Stage(SquaredError(), steps, 5e-3, 1e-3)], samples, run).double()
    points = 2 * torch.randn(50, 2, generator=generator, dtype=torch.float64)
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda y: network(y.unsqueeze(0))[0], point) for point in points]
    )
    asymmetry = float((jacobians - jacobians.mT).abs().max() / jacobians.abs().max())
    least = float(torch.linalg.eigvalsh((jacobians + jacobians.mT) / 2).min())
    return [
        Target("asymmetry of the Jacobian, two dimensions", asymmetry, "<=", 1e-10),
        Target("least eigenvalue of the Jacobian, two dimensions", least, ">=", -1e-10),
    ]


def _digits(run: Run) -> tuple[dict[str, Any], dict[str, Any], list[Target], str]:
    """Compressed sensing of digits, each method tuned on digits that are in neither training nor test."""
    digits, _ = shipped_digits()
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(run.seed))
    train, tune, test = digits[order].split([_TRAIN, _TUNE, len(digits) - _TRAIN - _TUNE])[:3]
    tune, test = tune.double(), test[:_TEST].double()
    network = _trained((8, 8), _digit_stages(run), train, run, sigma=_SIGMA, width=128, depth=3, alpha=0.01)
    prior = network.double()
    run.say("  trained on digits")
    operator = random_measurements((8, 8), _SUMS, run.seed)
    generator, noise = torch.Generator().manual_seed(run.seed + 20), GaussianNoise(_NOISE)
    observed = {"tune": noise(operator(tune), generator), "test": noise(operator(test), generator)}
    gaussian = GaussianPrior.fitted(train.double())
    methods: dict[str, tuple[Callable[[Tensor, float], Tensor], Sequence[float]]] = {
        "learned prior, ADMM": (lambda b, rho: pnp_admm(operator, b, prior, rho, stopping=_ADMM).values, _RHO),
        "ridge": (lambda b, damping: cgls(operator, b, damping, 200, 1e-8).values, _RIDGE),
        "total variation": (lambda b, w: total_variation(operator, b, w, Stopping(400, 1e-6)).values, _VARIATION),
        "Gaussian prior": (lambda b, std: gaussian.reconstruct(operator, b, std), _GAUSSIAN),
    }
    results = {}
    for name, (method, grid) in methods.items():
        scores = {setting: float(psnr(method(observed["tune"], setting), tune).mean()) for setting in grid}
        chosen = max(scores, key=scores.__getitem__)
        value = float(psnr(method(observed["test"], chosen), test).mean())
        results[name] = {"PSNR of unseen digits, dB": value, "setting, tuned on others": chosen}
        run.say(f"  {name}: {value:.2f} dB")
    learned = results.pop("learned prior, ADMM")
    final = pnp_admm(operator, observed["test"], prior, learned["setting, tuned on others"], stopping=_ADMM)
    learned["share converged"] = float(final.converged.double().mean())
    descent = pnp_pgd(operator, observed["test"], prior, stopping=_PGD)
    score = "PSNR of unseen digits, dB"
    classical = max(results[name][score] for name in ("ridge", "total variation"))
    levels, met = _read(prior, test[:_TUNE], generator)
    rises = min(later - earlier for earlier, later in pairwise(levels))
    named = {f"noise {level:g}": value for level, value in zip(_LEVELS, levels, strict=True)}
    measured = {
        "learned prior, ADMM": learned,
        "learned prior, gradient": {
            score: float(psnr(descent.values, test).mean()),
            "largest rise of the objective": descent.largest_rise,
        },
        "mean R of digits above that of clean ones": {name: value - levels[0] for name, value in named.items()},
        "share of inversions that converged": met,
    }
    targets = [
        Target("PSNR, learned prior above the better of ridge and TV, dB", learned[score] - classical, ">=", 1.0),
        Target("largest relative rise of the gradient method's objective", descent.largest_rise, "<=", 1e-10),
        Target("least increase of mean R from noise to more noise", rises, ">=", 0.0),
    ]
    return measured, results, targets, figure_png(descent.plot())


def _digit_stages(run: Run) -> list[Stage]:
    warm, each = _DIGIT_STEPS[run.budget], _DIGIT_STAGE[run.budget]
    least = 0.08 * 8  # times the root of the entries, as published
    stages = [Stage(ProximalMatching(least * 2.0**k), each, 5e-4, 2e-4) for k in (3, 2, 1, 0)]
    return [Stage(AbsoluteError(), warm, 5e-3, 1e-4), *stages]


def _read(prior: LearnedProximalNetwork, digits: Tensor, generator: torch.Generator) -> tuple[list[float], float]:
    """Mean R of digits under more and more noise, and the share of inversions that converged."""
    values, met = [], []
    for level in _LEVELS:
        found = prior.prior(digits + level * torch.randn(digits.shape, generator=generator, dtype=digits.dtype), 1e-3)
        values.append(float(found.values.mean()))
        met.append(float(found.converged.double().mean()))
    return values, sum(met) / len(met)


def _trained(
    shape: tuple[int, ...],
    stages: Sequence[Stage],
    samples: Tensor,
    run: Run,
    sigma: float = 1.0,
    width: int = 50,
    depth: int = 4,
    alpha: float = 0.0,
) -> LearnedProximalNetwork:
    with initialised(run.seed):
        network = LearnedProximalNetwork(InputConvexMLP(shape, width, depth, 10.0, alpha))
    batch = _LINE_BATCH if len(shape) == 1 else 100
    train_proximal(network, samples, sigma, stages, batch=batch, seed=run.seed, progress=False)
    return network


def _answers(network: LearnedProximalNetwork, y: Tensor) -> Tensor:
    """In float64, so that rounding does not hide whether answers rise."""
    with torch.no_grad():
        return copy.deepcopy(network).double()(y.unsqueeze(1)).squeeze(1)


def _distance(network: LearnedProximalNetwork, y: Tensor, truth: Tensor) -> float:
    return float((_answers(network, y) - truth).norm() / truth.norm())


def _prior_error(network: LearnedProximalNetwork) -> tuple[float, float]:
    """Relative error of R against |x| on [-2, 2], both from their least value on, and the inversion's residual."""
    x = torch.linspace(-2, 2, 81, dtype=torch.float64)
    found = copy.deepcopy(network).double().prior(x.unsqueeze(1), 1e-3)
    values, truth = found.values - found.values.min(), x.abs()
    return float((values - truth).norm() / truth.norm()), float(found.residuals.max())


def _picture(y: Tensor, curves: dict[str, Tensor]) -> str:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, values in curves.items():
        axes.plot(y.numpy(), values.numpy(), label=name)
    axes.set(xlabel="y", ylabel="estimate")
    axes.legend(frameon=False)
    return figure_png(figure)


def _posterior_mean(y: Tensor) -> Tensor:
    """E[x | y] for x of Laplace's density exp(-|x|) / 2 and y = x + N(0, 1)."""
    above = torch.exp(-y) * torch.special.ndtr(y - 1)
    below = torch.exp(y) * torch.special.ndtr(-(y + 1))
    return ((y - 1) * above + (y + 1) * below) / (above + below)


def _posterior_median(y: Tensor) -> Tensor:
    """Where the posterior's distribution function is 1/2: each side is a Gaussian, cut at zero."""
    above = torch.exp(-y) * torch.special.ndtr(y - 1)
    below = torch.exp(y) * torch.special.ndtr(-(y + 1))
    half, right = (above + below) / 2, above >= below
    # right of zero: exp(-y) (1 - Φ(m - (y - 1))) = half;  left of it: exp(y) Φ(m - (y + 1)) = half
    from_right = y - 1 + torch.special.ndtri((1 - half * torch.exp(y)).clamp(1e-300, 1 - 1e-16))
    from_left = y + 1 + torch.special.ndtri((half * torch.exp(-y)).clamp(1e-300, 1 - 1e-16))
    return torch.where(right, from_right, from_left)
