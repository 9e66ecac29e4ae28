"""Accuracy and stability of anything that reconstructs: how near it comes, and what noise makes of its answers.

    η = max_x ‖Ψ(A x) - x‖        C(x, e) = (‖Ψ(A x + e) - x‖ - η) / ‖e‖        C_ε = max over x and ‖e‖ ≤ ε

Ψ is stable at this noise if C_ε < 1: beyond its own error it does not add more than the noise itself. The two cannot
both be small. For any x₁, x₂ and e = A (x₂ - x₁)

    C_ε ≥ (‖x₁ - x₂‖ - 2 η) / ‖A (x₁ - x₂)‖

so that, where A makes different fields look alike, to be more accurate than half their distance is to be unstable.

Source: Evangelista, Loli Piccolomini, Morotti, Nagy, "Ambiguity in solving imaging inverse problems with
deep-learning-based operators", 2023, section 2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import InverseProblemError, OperatorShapeError
from fredholm.inverse.image_quality import psnr
from fredholm.solvers.linear_operator import LinearOperator

Reconstruct = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AtNoise:
    """What happens at noise of one standard deviation: one entry for each draw and each field.

    `excess` is ‖Ψ(A x + e) - x‖ - η, `sizes` are ‖e‖, `psnr` is in decibels with peak 1.
    """

    std: float
    excess: Float[Tensor, "draws n"]
    sizes: Float[Tensor, "draws n"]
    psnr: Float[Tensor, "draws n"]

    @property
    def constants(self) -> Float[Tensor, "draws n"]:
        """C(x, e); without noise, not a number."""
        return self.excess / self.sizes

    @property
    def worst(self) -> float:
        """Ĉ, the largest C."""
        return float(self.constants.max())

    @property
    def unstable_share(self) -> float:
        """Share of draws and fields with C ≥ 1."""
        return float((self.constants >= 1).double().mean())


@dataclass(frozen=True)
class StabilityReport:
    """η, the mean error without noise, and what happens at each level of noise.

    All is measured on the fields that it was given: η and C are bounds from below of the true suprema.
    """

    eta: float
    mean_error: float
    clean_psnr: Float[Tensor, " n"]
    levels: tuple[AtNoise, ...]

    @property
    def accuracy(self) -> float:
        """1 / η."""
        return 1 / self.eta

    def at(self, std: float) -> AtNoise:
        """The level `std`; raises InverseProblemError if it was not measured."""
        for level in self.levels:
            if level.std == std:
                return level
        known = ", ".join(f"{level.std:g}" for level in self.levels)
        raise InverseProblemError(f"noise of {std:g} was not measured; there is {known}")

    @property
    def rows(self) -> list[dict[str, float]]:
        """One row a level: std, mean PSNR, Ĉ, share of unstable draws."""
        clean = {"std": 0.0, "psnr": float(self.clean_psnr.mean()), "C": float("nan"), "unstable": 0.0}
        return [clean] + [
            {"std": one.std, "psnr": float(one.psnr.mean()), "C": one.worst, "unstable": one.unstable_share}
            for one in self.levels
        ]

    def plot(self) -> Any:
        """Error beyond η against the size of the noise, and the line on which C is 1: a matplotlib figure."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(5, 4))
        for level in self.levels:
            sizes, excess = level.sizes.flatten(), level.excess.flatten()
            axes.scatter(sizes.numpy(), excess.numpy(), s=8, label=f"{level.std:g}: Ĉ = {level.worst:.2g}")
        largest = max(float(level.sizes.max()) for level in self.levels)
        axes.plot([0, largest], [0, largest], "k--", linewidth=1, label="C = 1")
        axes.set(xlabel="size of the noise", ylabel="error beyond η")
        axes.legend(frameon=False, fontsize="small")
        return figure


def stability_report(
    reconstruct: Reconstruct,
    operator: LinearOperator,
    fields: Float[Tensor, "n *shape"],
    noise_levels: Sequence[float],
    *,
    draws: int = 1,
    seed: int = 0,
) -> StabilityReport:
    """Measure η and C of any callable, learned or not, on any linear operator.

    Args:
        reconstruct: Ψ, for batches. A module is asked in `eval` mode.
        operator: A.
        fields: x, unseen in training.
        noise_levels: standard deviations of Gaussian noise, all positive.
        draws: of noise for each field and level.
        seed: of the noise.

    Raises OperatorShapeError for fields or answers of another shape, InverseProblemError for a level that is not
    positive.

    >>> from fredholm.inverse import IdentityOperator
    >>> fields = torch.rand(3, 8, generator=torch.Generator().manual_seed(0))
    >>> stability_report(lambda y: y + 0.5, IdentityOperator((8,)), fields, [0.1]).eta  # ‖0.5 (1, ..., 1)‖ = √2
    1.41...
    """
    if any(not std > 0 for std in noise_levels) or draws < 1:
        raise InverseProblemError(f"noise levels and draws are positive, got {list(noise_levels)} and {draws}")
    if tuple(fields.shape[1:]) != operator.input_shape:
        raise OperatorShapeError(f"fields are {tuple(fields.shape[1:])}, the operator takes {operator.input_shape}")
    clean = operator(fields)
    answers = _answers(reconstruct, clean, fields)
    errors = _sizes(answers - fields)
    eta, generator, levels = float(errors.max()), torch.Generator().manual_seed(seed), []
    for std in noise_levels:
        parts = []
        for _ in range(draws):
            noise = std * torch.randn(clean.shape, generator=generator, dtype=clean.dtype)
            noisy = _answers(reconstruct, clean + noise, fields)
            parts.append((_sizes(noisy - fields) - eta, _sizes(noise), psnr(noisy, fields)))
        levels.append(AtNoise(std, *(torch.stack(part) for part in zip(*parts, strict=True))))
    return StabilityReport(eta, float(errors.mean()), psnr(answers, fields), tuple(levels))


def stability_constants(
    reconstruct: Reconstruct,
    operator: LinearOperator,
    fields: Float[Tensor, "n *shape"],
    perturbations: Float[Tensor, "n *observed"],
    eta: float,
) -> Float[Tensor, " n"]:
    """C(x, e) of given perturbations, such as those of `tradeoff_lower_bound`."""
    answers = _answers(reconstruct, operator(fields) + perturbations, fields)
    return (_sizes(answers - fields) - eta) / _sizes(perturbations)


def tradeoff_lower_bound(
    operator: LinearOperator, first: Float[Tensor, "n *shape"], second: Float[Tensor, "n *shape"], eta: float
) -> Float[Tensor, " n"]:
    """(‖x₁ - x₂‖ - 2 η) / ‖A (x₁ - x₂)‖: below it no reconstructor of accuracy 1 / η has C, for e = A (x₂ - x₁)."""
    difference = first - second
    return (_sizes(difference) - 2 * eta) / _sizes(operator(difference))


def _answers(reconstruct: Reconstruct, data: Tensor, fields: Tensor, batch: int = 32) -> Tensor:
    training = isinstance(reconstruct, nn.Module) and reconstruct.training
    if isinstance(reconstruct, nn.Module):
        reconstruct.eval()
    with torch.no_grad():
        answers = torch.cat([reconstruct(some) for some in data.split(batch)])
    if isinstance(reconstruct, nn.Module):
        reconstruct.train(training)
    if answers.shape != fields.shape:
        raise OperatorShapeError(f"reconstructions are {tuple(answers.shape)}, the fields {tuple(fields.shape)}")
    return answers


def _sizes(values: Tensor) -> Tensor:
    return values.flatten(1).norm(dim=1)
