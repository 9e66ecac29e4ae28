"""Study: a classical step in front of a network trades a little accuracy for a lot of stability.

Pictures of scikit-image, blurred by a Gaussian; the tiny network alone (NN), after a Gaussian filter (FiNN), after a
few steps of CGLS (StNN), and trained on regularised solutions (ReNN, StReNN); without noise in training, and with.
Beside them Tikhonov and total variation. Training and test crops come from different pictures.

Source: Evangelista, Loli Piccolomini, Morotti, Nagy, "Ambiguity in solving imaging inverse problems with
deep-learning-based operators", 2023.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor

from fredholm.data.pictures import crops, shipped_pictures, split_by_picture
from fredholm.evaluation import StudyReport, Target
from fredholm.evaluation.page import figure_png
from fredholm.inverse import (
    GaussianBlur,
    GaussianNoise,
    Reconstructor,
    ReconstructorTraining,
    StabilityReport,
    Stopping,
    ThreeLayerNetwork,
    TikhonovCGLS,
    stability_constants,
    stability_report,
    total_variation,
    tradeoff_lower_bound,
    train_reconstructor,
)
from fredholm.inverse.reconstructor import Preprocess
from fredholm.layers.perceptron import initialised
from fredholm.studies.study import Budget, Run, Study

_SIDE, _SIGMA, _SIZE = 64, 1.3, 11  # points of a crop, width and points of the blur
_TRAIN = {Budget.QUICK: 360, Budget.FULL: 600}
_TEST = {Budget.QUICK: 60, Budget.FULL: 105}
_EPOCHS = {Budget.QUICK: 18, Budget.FULL: 30}
_WIDTH, _BATCH = {Budget.QUICK: 16, Budget.FULL: 24}, 10
_LEVELS = (0.01, 0.025, 0.05, 0.075)  # of noise in tests
_HIGH, _INJECTED = 0.05, 0.025  # the noise at which methods are compared, and that of training
_DAMPING, _UPDATES = 0.01, 1  # of the step in front; λ multiplies the identity; the published runs have two updates
_TARGET = 0.08  # λ of the solutions that ReNN learns
_INJECTED_NN = f"NN, trained with noise {_INJECTED:g}"
_PAIRS = 400


class DeblurringStability(Study):
    """Accuracy and stability of networks with and without a classical step in front."""

    slug: ClassVar[str] = "deblurring-stability"
    claim: ClassVar[str] = (
        "A network trained end to end is the most accurate on data like those of its training, and unstable under "
        "noise that it has not seen. A step of regularised CGLS in front, or noise in training, makes it stable."
    )
    paper: ClassVar[str] = (
        "GoPro pictures, 3L-SSNet: PSNR 28.71 (NN), 25.96 (FiNN), 28.35 (StNN) without noise, 23.74, 25.53, 27.51 with "
        "unseen noise of 0.01; largest C of a U-Net 36.6, 2.5, 0.88 (Evangelista et al. 2023)."
    )

    def run(self, run: Run) -> StudyReport:
        start = time.perf_counter()
        blur = GaussianBlur((_SIDE, _SIDE), _SIGMA, _SIZE)
        train_pictures, test_pictures = split_by_picture(shipped_pictures())
        train = crops(train_pictures, _SIDE, _TRAIN[run.budget], run.seed)
        test = crops(test_pictures, _SIDE, _TEST[run.budget], run.seed + 1)
        run.say(f"  {len(train)} crops of {len(train_pictures)} pictures, {len(test)} of {len(test_pictures)} others")
        reports = {
            name: stability_report(m, blur, test, _LEVELS, seed=run.seed) for name, m in _classical(blur).items()
        }
        classical = dict(reports)
        for name, (reconstructor, training) in _learned(blur, run).items():
            losses = train_reconstructor(reconstructor, blur, train, training, progress=False)
            report = stability_report(reconstructor, blur, test, _LEVELS, seed=run.seed)
            reports[name] = report
            run.say(f"  {name}: loss {losses[-1]:.2f}, {_told(report)}")
            if name == "NN":
                bound = _tradeoff(reconstructor, report, blur, test, run.seed)
        learned = {name: report for name, report in reports.items() if name not in classical}
        tikhonov = _tikhonov_errors(blur, test)
        return StudyReport(
            self.slug,
            self.claim,
            self.paper,
            {
                **{name: _row(report) for name, report in learned.items()},
                "200 updates of CGLS against the exact filter": {f"λ = {k:g}": error for k, error in tikhonov.items()},
            },
            {name: _row(report) for name, report in classical.items()},
            (
                *_targets(reports),
                *bound,
                Target(f"200 updates of CGLS against the exact filter, λ = {_TARGET:g}", tikhonov[_TARGET], "<=", 1e-6),
            ),
            time.perf_counter() - start,
            run.seed,
            run.budget,
            {f"Noise and error, {name}": [figure_png(learned[name].plot())] for name in ("NN", "StNN")},
        )


def _classical(blur: GaussianBlur) -> dict[str, Callable[[Tensor], Tensor]]:
    return {
        "blurred input": lambda y: y,
        f"Tikhonov, λ = {_TARGET:g}": partial(blur.tikhonov, damping=_TARGET),
        "total variation, w = 0.002": lambda y: total_variation(blur, y, 0.002, Stopping(60, 1e-4)).values,
    }


def _learned(blur: GaussianBlur, run: Run) -> dict[str, tuple[Reconstructor, ReconstructorTraining]]:
    """Equal networks, seeds and budgets; only what stands in front, the target and the noise differ."""
    steps, regularised = TikhonovCGLS(blur, _DAMPING, _UPDATES), partial(blur.tikhonov, damping=_TARGET)
    kinds: dict[str, tuple[Preprocess | None, Preprocess | None, float]] = {  # in front, target, noise of training
        "NN": (None, None, 0.0),
        "FiNN": (GaussianBlur(blur.input_shape, sigma=1.0), None, 0.0),
        "StNN": (steps, None, 0.0),
        "StNN, two updates": (TikhonovCGLS(blur, _DAMPING, 2), None, 0.0),
        "ReNN": (None, regularised, 0.0),
        "StReNN": (steps, regularised, 0.0),
        _INJECTED_NN: (None, None, _INJECTED),
    }
    made: dict[str, tuple[Reconstructor, ReconstructorTraining]] = {}
    for name, (before, target, std) in kinds.items():
        with initialised(run.seed):
            network = ThreeLayerNetwork(width=_WIDTH[run.budget])
        training = ReconstructorTraining(
            _EPOCHS[run.budget], _BATCH, noise=GaussianNoise(std), target=target, seed=run.seed
        )
        made[name] = Reconstructor(network, before), training
    return made


def _row(report: StabilityReport) -> dict[str, float]:
    """PSNR and Ĉ at every level, η, and the share of unstable draws at the level of the comparison."""
    row = {"η": report.eta, "mean error": report.mean_error, "PSNR, no noise": float(report.clean_psnr.mean())}
    for level in report.levels:
        row[f"PSNR, noise {level.std:g}"] = float(level.psnr.mean())
    row |= {f"Ĉ, noise {level.std:g}": level.worst for level in report.levels}
    row[f"share with C ≥ 1, noise {_HIGH:g}"] = report.at(_HIGH).unstable_share
    return row


def _told(report: StabilityReport) -> str:
    high = report.at(_HIGH)
    return f"{float(report.clean_psnr.mean()):.2f} dB, with noise {float(high.psnr.mean()):.2f} dB, Ĉ {high.worst:.3g}"


def _targets(reports: dict[str, StabilityReport]) -> list[Target]:
    """What of the paper's findings must hold at this size."""
    network, steps, blurred = reports["NN"], reports["StNN"], reports["blurred input"]
    injected = reports[_INJECTED_NN]

    def clean(report: StabilityReport) -> float:
        return float(report.clean_psnr.mean())

    def noisy(report: StabilityReport) -> float:
        return float(report.at(_HIGH).psnr.mean())

    high, low = network.at(_HIGH).worst, max(steps.at(_HIGH).worst, 1e-3)
    after = max(injected.at(_HIGH).worst, 1e-3)
    return [
        Target("no noise: PSNR of NN above the blurred input, dB", clean(network) - clean(blurred), ">=", 1.0),
        Target("no noise: PSNR of NN above StNN, dB", clean(network) - clean(steps), ">=", 0.0),
        Target(f"noise {_HIGH:g}: PSNR of StNN above NN, dB", noisy(steps) - noisy(network), ">=", 3.0),
        Target(f"noise {_HIGH:g}: Ĉ, NN / StNN", high / low, ">=", 5.0),
        Target(f"noise {_HIGH:g}: Ĉ of NN", high, ">=", 1.0),
        Target(f"noise {_HIGH:g}: Ĉ of StNN", steps.at(_HIGH).worst, "<=", 1.0),
        Target(f"noise {_HIGH:g}: Ĉ of NN, trained without noise / with", high / after, ">=", 3.0),
    ]


def _tradeoff(
    reconstructor: Reconstructor, report: StabilityReport, blur: GaussianBlur, test: Tensor, seed: int
) -> list[Target]:
    """C of the perturbations that carry one picture's data to another's, against the bound, in float64."""
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.randint(len(test), (2, _PAIRS), generator=generator)
    first, second = first[first != second], second[first != second]
    exact, fields = reconstructor.double(), test.double()
    eta = stability_report(exact, blur, fields, [1.0]).eta
    one, other = fields[first], fields[second]
    measured = stability_constants(exact, blur, one, blur(other - one), eta)
    bound = tradeoff_lower_bound(blur, one, other, eta)
    reconstructor.float()
    return [Target("C above its lower bound, least over pairs", float((measured - bound).min()), ">=", -1e-9)]


def _tikhonov_errors(blur: GaussianBlur, test: Tensor) -> dict[float, float]:
    """200 updates of CGLS against the exact filter, by λ: they gain a factor of about exp(-400 λ) at the least."""
    data, errors = blur(test[:8].double()), {}
    for damping in (_TARGET, _DAMPING):
        exact = blur.tikhonov(data, damping)
        errors[damping] = float((TikhonovCGLS(blur, damping, 200)(data) - exact).norm() / exact.norm())
    return errors
