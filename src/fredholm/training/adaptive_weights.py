"""Self-adaptive weights: a minimax loss, min over θ and max over w of mean (s - w ŝ_θ)².

Sources: McClenny and Braga-Neto, "Self-adaptive physics-informed neural networks", 2023, for the ascent; Borrel-Jensen,
Goswami, Engsig-Karup, Karniadakis and Jeong, "Sound propagation in realistic interactive 3D scenes with parameterized
sources using deep neural operators", 2024, for w on the prediction inside the square, its rate and its ceiling.
"""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.errors import TrainingError
from fredholm.training.hooks import Hook
from fredholm.training.losses import Loss


class SelfAdaptiveWeights(Loss, Hook):
    """mean (s - w ŝ)², where w ascends while the operator descends.

    One weight for every training sample and every bin of one coordinate (the time, say) starts at 1, takes Adam steps
    uphill and stays within [0, ceiling]. So late, weak reflections can come to count as much as the first pulse.
    The published weights belong to places in a batch, whose meaning changes with every draw; these belong to samples
    and bins.

    Args:
        data: the training set, whose samples and output domain are weighted.
        axis: name of the coordinate that is divided into bins.
        bins: number of bins, of equal length.
        rate: of the ascent.
        ceiling: largest weight.

    Raises TrainingError if the output domain has no such coordinate or a batch has no points.

    >>> loss = SelfAdaptiveWeights(data, "t", bins=25)  # doctest: +SKIP
    >>> fit(operator, data, sampler=CartesianPoints(16, 1500), loss=loss, ...)  # doctest: +SKIP
    """

    def __init__(self, data: Dataset, axis: str, bins: int = 16, rate: float = 1e-5, ceiling: float = 1000.0) -> None:
        names = [coordinate.name for coordinate in data.output_domain.coordinate_axes]
        if axis not in names:
            raise TrainingError(f"the output domain has no coordinate {axis!r} to weight along; it has {names}")
        self.coordinate, self.bins, self.ceiling = names.index(axis), bins, ceiling
        self.lower, self.upper = (float(bound[self.coordinate]) for bound in data.output_domain.bounds)
        self.weights = nn.Parameter(torch.ones(len(data), bins))
        self.optimizer = torch.optim.Adam([self.weights], lr=rate, maximize=True)

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        if batch.query is None:
            raise TrainingError("adaptive weights need a sampler of points: CartesianPoints or PairedPoints")
        index = batch.samples[:, None] * self.bins + self.bins_of(batch.query)
        # Embedding and not indexing: its gradient sums in a fixed order, so that a resumed run has the same bytes.
        weights = nn.functional.embedding(index, self.weights.view(-1, 1))
        return (batch.target - weights.movedim(-1, 1) * prediction).square().mean()

    def bins_of(self, query: Float[Tensor, "*batch points d"]) -> Int[Tensor, "*batch points"]:
        """The bin of every query point."""
        position = (query[..., self.coordinate] - self.lower) / (self.upper - self.lower)
        return (position * self.bins).long().clamp(0, self.bins - 1)

    def start(self, device: torch.device) -> None:
        self.weights.data = self.weights.data.to(device)

    def after_backward(self, step: int) -> None:
        gradient = self.weights.grad
        if gradient is not None and torch.distributed.is_initialized():
            torch.distributed.all_reduce(gradient)
            gradient /= torch.distributed.get_world_size()
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            self.weights.clamp_(0.0, self.ceiling)

    def state_dict(self) -> dict[str, Any]:
        return {"weights": self.weights.data, "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        with torch.no_grad():
            self.weights.copy_(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])

    def __repr__(self) -> str:
        rate = self.optimizer.param_groups[0]["lr"]
        return f"SelfAdaptiveWeights(coordinate {self.coordinate}, {self.bins} bins, rate {rate}, to {self.ceiling})"
