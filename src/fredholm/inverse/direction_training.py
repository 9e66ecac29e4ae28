"""Training of a direction network without solutions: on Ritz vectors, by what a line search leaves of them.

    b = Σⱼ cⱼ qⱼ / ‖·‖,   cⱼ ~ w N(0, 1) for the lowest share of the Ritz values, N(0, 1) for the rest
    loss = mean over b of ‖b - α A f‖²,   f = f_θ(b),   α = f·b / f·A f

The loss is 1 for a useless direction and 0 for A⁻¹ b, whatever its length. Low modes, at which conjugate gradients are
slow, have the greater weight; a random b would hold little of them.

Source: Kaneda et al., "A deep conjugate direction method for iteratively solving linear systems", ICML 2023, section 4.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import TrainingError
from fredholm.solvers.lanczos import RitzPairs
from fredholm.solvers.linear_operator import LinearOperator
from fredholm.training.display import Display


class RitzSampler:
    """Random unit vectors in the span of Ritz vectors.

    Args:
        ritz: values ascending and vectors.
        low_fraction: share of the Ritz vectors, lowest first, that have the greater weight.
        low_weight: w.

    >>> from fredholm.solvers.lanczos import RitzPairs
    >>> sampler = RitzSampler(RitzPairs(torch.ones(2), torch.eye(2)))
    >>> sampler.draw(5, torch.Generator().manual_seed(0)).norm(dim=1).allclose(torch.ones(5))
    True
    """

    def __init__(self, ritz: RitzPairs, low_fraction: float = 0.55, low_weight: float = 9.0) -> None:
        self.vectors = ritz.vectors.float()
        self.weights = torch.ones(len(ritz.values))
        self.weights[: round(low_fraction * len(ritz.values))] = low_weight

    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, "n *cells"]:
        """Unit vectors, float32."""
        coefficients = self.weights * torch.randn(n, len(self.weights), generator=generator)
        drawn = coefficients @ self.vectors.flatten(1)
        drawn = drawn / drawn.norm(dim=1, keepdim=True)
        return drawn.reshape(n, *self.vectors.shape[1:])


def direction_loss(
    direction: Float[Tensor, "batch *cells"],
    b: Float[Tensor, "batch *cells"],
    A: LinearOperator,  # noqa: N803
) -> Float[Tensor, ""]:
    """Mean ‖b - α A f‖² over a batch of unit vectors b; α is differentiated through.

    >>> from fredholm.solvers.linear_operator import MatrixOperator
    >>> b = torch.tensor([[0.6, 0.8]])
    >>> A = MatrixOperator(torch.diag(torch.tensor([1.0, 2.0])))
    >>> float(direction_loss(torch.tensor([[6.0, 4.0]]), b, A)) < 1e-12
    True
    """
    image = A(direction).flatten(1)
    flat, target = direction.flatten(1), b.flatten(1)
    energy = (flat * image).sum(1, keepdim=True)
    step = (flat * target).sum(1, keepdim=True) / energy.clamp_min(1e-30)
    return (target - step * image).square().sum(1).mean()


@dataclass(frozen=True)
class DirectionTraining:
    """How long and how fast: Adam with a cosine from `peak` to `floor`, gradients clipped to norm 1."""

    steps: int = 900
    batch: int = 8
    peak: float = 1e-3
    floor: float = 1e-5
    seed: int = 0


def train_directions(
    network: nn.Module,
    A: LinearOperator,  # noqa: N803
    sampler: RitzSampler,
    training: DirectionTraining,
    device: str | torch.device = "cpu",
    watch: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train in place; the loss of every step. `watch` is told step and loss, instead of a progress bar.

    Raises TrainingError for a loss that is not finite.
    """
    generator = torch.Generator().manual_seed(training.seed)
    network.to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), training.peak)
    losses: list[float] = []
    with Display(training.steps, 0, shown=watch is None) as display:
        for step in range(training.steps):
            share = (1 + math.cos(math.pi * step / training.steps)) / 2
            rate = training.floor + (training.peak - training.floor) * share
            for group in optimiser.param_groups:
                group["lr"] = rate
            b = sampler.draw(training.batch, generator).to(device)
            loss = direction_loss(network(b), b, A)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                raise TrainingError(f"the loss of step {step} is {losses[-1]}: take a lower learning rate")
            display.update(step + 1, losses[-1], rate)
            if watch is not None:
                watch(step + 1, losses[-1])
    network.eval()
    return losses
