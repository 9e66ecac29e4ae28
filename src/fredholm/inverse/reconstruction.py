"""What an iteration that reconstructs has to say: its answer, the objective on the way, and whether it came to rest."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class Reconstruction:
    """Fields and how they were reached.

    Args:
        values: the fields.
        residuals: relative change of the iterate (what must vanish at a fixed point) after each iteration.
        objective: the objective at each iterate, None where it is not known.
        converged: for each sample, whether the last residual is at most the tolerance.
    """

    values: Float[Tensor, "*batch_and_shape"]
    residuals: Float[Tensor, "iterations *batch"]
    objective: Float[Tensor, "iterations *batch"] | None
    converged: Bool[Tensor, "*batch"]

    @property
    def iterations(self) -> int:
        """How many were taken."""
        return len(self.residuals)

    @property
    def largest_rise(self) -> float:
        """Largest increase of the objective in one iteration, over its size; nought for a monotone one."""
        if self.objective is None or self.iterations < 2:
            return float("nan")
        rise = (self.objective[1:] - self.objective[:-1]) / (1 + self.objective[:-1].abs())
        return float(rise.clamp_min(0).max())

    def plot(self) -> Any:
        """Residuals, and the objective above its lowest value, by iteration: a matplotlib figure."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2))
        left.semilogy(self.residuals.reshape(self.iterations, -1).numpy())
        left.set(xlabel="iteration", ylabel="relative change")
        if self.objective is not None:
            above = self.objective - torch.min(self.objective, 0).values
            right.semilogy(above.reshape(self.iterations, -1).clamp_min(1e-16).numpy())
        right.set(xlabel="iteration", ylabel="objective above its least")
        return figure
