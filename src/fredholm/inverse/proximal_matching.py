"""Training of proximal networks on clean samples alone: which loss is chosen decides which estimate they learn.

    squares:             E ‖f(x + σ v) - x‖²                             → posterior mean
    absolute values:     E ‖f(x + σ v) - x‖₁                             → posterior median of every entry
    proximal matching:   E [1 - exp(-‖f(x + σ v) - x‖² / γ²)],  γ → 0    → posterior mode,  prox of -σ² log p

The mode makes R the negative logarithm of the density, times σ². The last loss is flat far from its minimum, so that
training begins with absolute values and lowers γ by stages.

Source: Fang, Buchanan, Sulam, "What's in a prior? Learned proximal networks for inverse problems", 2024, section 3.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError, TrainingError
from fredholm.inverse.proximal_network import LearnedProximalNetwork
from fredholm.training.display import Display


class DenoisingLoss(ABC):
    """A function of the errors f(x + σ v) - x of a batch, as rows."""

    @abstractmethod
    def __call__(self, errors: Float[Tensor, "batch entries"]) -> Float[Tensor, ""]:
        """The loss."""

    def within(self, errors: Float[Tensor, "batch entries"]) -> float:
        """Share of the samples that are near enough to be drawn; where it is nought, training stands still."""
        return 1.0


class SquaredError(DenoisingLoss):
    """E ‖error‖² / entries."""

    def __call__(self, errors: Float[Tensor, "batch entries"]) -> Float[Tensor, ""]:
        return errors.square().mean()


class AbsoluteError(DenoisingLoss):
    """E ‖error‖₁ / entries."""

    def __call__(self, errors: Float[Tensor, "batch entries"]) -> Float[Tensor, ""]:
        return errors.abs().mean()


class ProximalMatching(DenoisingLoss):
    """E [1 - exp(-‖error‖² / γ²)].

    >>> loss = ProximalMatching(gamma=0.5)
    >>> bool(loss(torch.zeros(3, 2)) == 0), loss.within(torch.tensor([[0.1], [0.9]]))
    (True, 0.5)
    """

    def __init__(self, gamma: float) -> None:
        if gamma <= 0:
            raise InverseProblemError(f"γ of proximal matching is positive, got {gamma:g}")
        self.gamma = gamma

    def __call__(self, errors: Float[Tensor, "batch entries"]) -> Float[Tensor, ""]:
        return -torch.expm1(-errors.square().sum(1) / self.gamma**2).mean()

    def within(self, errors: Float[Tensor, "batch entries"]) -> float:
        return float((errors.norm(dim=1) < self.gamma).double().mean())


@dataclass(frozen=True)
class Stage:
    """A loss, how many steps it is lowered for, and the learning rate, which falls to `last_rate` geometrically."""

    loss: DenoisingLoss
    steps: int
    rate: float
    last_rate: float | None = None


@dataclass(frozen=True)
class StageResult:
    """Mean loss over the last tenth of a stage, and the share of samples within γ there."""

    loss: float
    within: float


def matching_stages(
    entries: int, warm_steps: int = 4000, steps: int = 1000, gammas: int = 4, least: float = 0.08
) -> list[Stage]:
    """The published schedule: absolute values, then γ = least √entries 2ᵏ for k = gammas - 1, ..., 0.

    >>> [round(stage.loss.gamma, 2) for stage in matching_stages(64)[1:]]
    [5.12, 2.56, 1.28, 0.64]
    """
    warm = Stage(AbsoluteError(), warm_steps, 1e-3)
    widths = [least * entries**0.5 * 2.0**k for k in reversed(range(gammas))]
    return [warm, *(Stage(ProximalMatching(gamma), steps, 1e-4) for gamma in widths)]


def train_proximal(
    network: LearnedProximalNetwork,
    samples: Float[Tensor, "n *shape"],
    sigma: float,
    stages: Sequence[Stage],
    *,
    batch: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> list[StageResult]:
    """Train in place with Adam; after every step the weights are projected, so that f stays a proximal operator.

    Args:
        network: what is trained.
        samples: clean fields.
        sigma: standard deviation of the noise that is added, fresh in every step.
        stages: one after another, each with an Adam of its own.
        batch: fields a step.
        seed: of batches and noise.
        progress: whether a bar is shown.

    Raises InverseProblemError for samples of another shape, TrainingError for a loss that is not finite.
    """
    if tuple(samples.shape[1:]) != network.shape:
        raise InverseProblemError(f"the network is for fields of {network.shape}, samples are {tuple(samples.shape)}")
    if sigma <= 0:
        raise InverseProblemError(f"the noise of training is positive, got σ = {sigma:g}")
    generator = torch.Generator().manual_seed(seed)
    total, done, results = sum(stage.steps for stage in stages), 0, []
    with Display(total, 0, progress) as display:
        for stage in stages:
            optimiser = torch.optim.Adam(network.parameters(), stage.rate)
            decay = ((stage.last_rate or stage.rate) / stage.rate) ** (1 / max(1, stage.steps))
            schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, decay)
            losses, within = [], []
            for step in range(stage.steps):
                clean = samples[torch.randint(len(samples), (batch,), generator=generator)]
                noise = torch.randn(clean.shape, generator=generator, dtype=clean.dtype)
                errors = (network(clean + sigma * noise) - clean).flatten(1)
                loss = stage.loss(errors)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                network.project_()
                done += 1
                if step + 1 >= 0.9 * stage.steps:
                    losses.append(float(loss.detach()))
                    within.append(stage.loss.within(errors.detach()))
                if done % 100 == 0:
                    if not torch.isfinite(loss):
                        raise TrainingError(f"the loss is not finite after {done} steps: lower the learning rate")
                    display.update(done, float(loss.detach()), float(schedule.get_last_lr()[0]))
            results.append(StageResult(sum(losses) / len(losses), sum(within) / len(within)))
    return results
