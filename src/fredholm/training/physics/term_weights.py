"""Weights of the terms of a physics-informed loss: fixed, ascending, or by the tangent kernel.

    L = Σₖ mean over samples and points of λₖ rₖ²

Equations and conditions differ in units and in stiffness, so that a plain sum trains one of them and not the others.

    fixed        λₖ are given, such as the squared inverse of what rₖ is measured in
    ascending    λₖ(y) climbs along ∂L/∂λ while the operator descends, up to a ceiling, and stops after a while: weights
                 without bounds chase noise
    kernel       λₖ = Σⱼ tr Kⱼ / tr Kₖ,  Kₖ = (∂rₖ/∂θ)(∂rₖ/∂θ)ᵀ: all terms then fall at the same rate at first

Traces are estimated by random signs v (Hutchinson): E |∂(vᵀ rₖ)/∂θ|² = tr Kₖ.

Sources: McClenny, Braga-Neto, "Self-adaptive physics-informed neural networks", 2023; Wang, Yu, Perdikaris, "When and
why PINNs fail to train: a neural tangent kernel perspective", 2022.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.data.batch import Batch
from fredholm.errors import TrainingError
from fredholm.training.hooks import Hook
from fredholm.training.losses import Loss


class FixedTermWeights(Loss):
    """Σₖ λₖ mean (rₖ - target)², k counting channels.

    >>> batch = Batch({}, None, torch.zeros(1, 2, 3), torch.ones(3), torch.zeros(1, dtype=torch.long))
    >>> float(FixedTermWeights([1.0, 10.0])(torch.ones(1, 2, 3), batch))
    11.0
    """

    def __init__(self, weights: Sequence[float]) -> None:
        if not weights or not all(0 <= weight < float("inf") for weight in weights):
            raise ValueError(f"weights of terms are finite and not negative, got {list(weights)}")
        self.weights = tuple(weights)

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        squares = _squares(prediction, batch, len(self.weights))
        return (squares.mean((0, 2)) * torch.tensor(self.weights).to(squares)).sum()


class AscendingTermWeights(Loss, Hook):
    """Self-adaptive weights of every term at every point of the output domain.

    Args:
        terms: channels of the residual.
        points: of the output domain; a batch's points count in it.
        rate: of Adam, upwards.
        ceiling: largest weight; they start at 1.
        until: step after which they stay.
    """

    def __init__(self, terms: int, points: int, rate: float = 1e-2, ceiling: float = 100.0, until: int = 1000) -> None:
        if terms < 1 or points < 1 or ceiling < 1:
            raise ValueError(f"expected terms, points and a ceiling of 1 or more, got {terms}, {points}, {ceiling}")
        self.ceiling, self.until = ceiling, until
        self.weights = nn.Parameter(torch.ones(terms, points))
        self.optimizer = torch.optim.Adam([self.weights], lr=rate, maximize=True)

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        squares = _squares(prediction, batch, len(self.weights))
        weights = self.weights if batch.points is None else self.weights[:, batch.points]
        return (weights * squares.mean(0)).mean(1).sum()

    def start(self, device: torch.device) -> None:
        self.weights.data = self.weights.data.to(device)

    def after_backward(self, step: int) -> None:
        if step <= self.until:
            self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            self.weights.clamp_(0.0, self.ceiling)

    def observed(self) -> dict[str, float]:
        return {f"weight {k}": float(value) for k, value in enumerate(self.weights.detach().mean(1))}

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights.data, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.weights.copy_(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])


class TangentKernelWeights(Loss, Hook):
    """Weights by the traces of the tangent kernel, anew every so many steps.

    Args:
        parameters: θ, of the operator.
        terms: channels of the residual.
        every: steps between estimates.
        probes: random signs an estimate takes.
        seed: of the signs.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], terms: int, every: int = 100, probes: int = 1, seed: int = 0
    ) -> None:
        if terms < 1 or every < 1 or probes < 1:
            raise ValueError(f"expected terms, steps and probes of 1 or more, got {terms}, {every}, {probes}")
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.weights, self.every, self.probes, self.seed, self.calls = torch.ones(terms), every, probes, seed, 0

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        squares = _squares(prediction, batch, len(self.weights))
        if prediction.requires_grad:
            if self.calls % self.every == 0:
                traces = self.traces(prediction)
                self.weights = traces.sum() / traces.clamp_min(1e-12 * traces.sum())
            self.calls += 1
        return (squares.mean((0, 2)) * self.weights.to(squares)).sum()

    def traces(self, prediction: Float[Tensor, "batch terms *points"]) -> Float[Tensor, " terms"]:
        """Traces tr Kₖ / n of every channel, n being its values in a batch."""
        generator = torch.Generator().manual_seed(self.seed + self.calls)
        found = []
        for k in range(prediction.shape[1]):
            rest, total = prediction[:, k], 0.0
            for _ in range(self.probes):
                signs = 2.0 * torch.randint(2, rest.shape, generator=generator).to(rest) - 1
                slopes = torch.autograd.grad(
                    (signs * rest).sum(), self.parameters, retain_graph=True, allow_unused=True
                )
                total += sum(float(slope.square().sum()) for slope in slopes if slope is not None)
            found.append(total / (self.probes * rest.numel()))
        return torch.tensor(found)

    def observed(self) -> dict[str, float]:
        return {f"weight {k}": float(value) for k, value in enumerate(self.weights)}

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights, "calls": self.calls}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.weights, self.calls = state["weights"], int(state["calls"])


def _squares(prediction: Tensor, batch: Batch, terms: int) -> Float[Tensor, "batch terms points"]:
    if prediction.shape[1] != terms:
        raise TrainingError(f"the residual has {prediction.shape[1]} terms, and there are weights for {terms}")
    return (prediction - batch.target).square().flatten(2)
