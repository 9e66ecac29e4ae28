"""The relative error in the Sobolev norm H1, which asks for the right gradients as well as the right values.

    mean over samples of ‖s - ŝ‖₁ / ‖s‖₁,   ‖s‖₁² = Σ_channels ∫ s² + ℓ² |∇s|²

Gradients are those of the grid, in its coordinates: spectral along periodic axes (by Parseval's theorem the factor
1 + ℓ² |k|² on the Fourier coefficients), second-order differences along others, whose ends do not meet. Errors of short
waves weigh more than in L2, by their wave number.

Sources: Li, Liu-Schiaffini, Kovachki, Azizzadenesheli, Liu, Bhattacharya, Stuart, Anandkumar, "Learning chaotic
dynamics in dissipative systems", NeurIPS 2022, for Sobolev norms as losses of operators; He, Liu, Xu,
"MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024, for elliptic problems.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.errors import SignatureError
from fredholm.fields.grid import Grid
from fredholm.fields.norms import gradient
from fredholm.training.losses import _TINY, Loss


@dataclass(frozen=True)
class SobolevLoss(Loss):
    """mean over samples of ‖s - ŝ‖₁ / ‖s‖₁ on whole fields.

    Args:
        grid: where the output lives, without a mask; its axes give the spacing and say what is periodic.
        length: ℓ > 0 in the units of the axes: waves longer than 2πℓ are weighed by their values, shorter ones by their
            slopes. With the side of the box over 2π, k counts waves, as in the papers.

    Raises SignatureError for a mask, or a target that is not on the grid.

    >>> from fredholm.fields.grid import Axis
    >>> line = Grid(Axis("x", 0.0, 1.0, 101))
    >>> target = line.axes[0].points().reshape(1, 1, -1)
    >>> round(SobolevLoss(line).errors(target + 0.1, target, line.weights()).item(), 4)  # 0.1 / (1/3 + 1)^½
    0.0866
    """

    grid: Grid
    length: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.length < float("inf"):
            raise ValueError(f"a length is positive and finite, got {self.length}")
        if self.grid.mask is not None:
            raise SignatureError(f"no gradient at the points of a masked grid: {self.grid!r}; use RelativeL2")

    def __call__(self, prediction: Tensor, batch: Batch) -> Float[Tensor, ""]:
        return self.errors(prediction, batch.target, batch.weights).mean()

    def errors(
        self,
        prediction: Float[Tensor, "b channels *shape"],
        target: Float[Tensor, "b channels *shape"],
        weights: Float[Tensor, "*weights"],
    ) -> Float[Tensor, " b"]:
        """‖s - ŝ‖₁ / ‖s‖₁ of each sample, with quadrature weights (*grid.shape) of the grid's points."""
        if tuple(target.shape[2:]) != self.grid.shape:
            raise SignatureError(
                f"the target has shape {tuple(target.shape)}, and the loss wants (batch, channels, "
                f"{', '.join(map(str, self.grid.shape))}): draw WholeFields on {self.grid!r}"
            )
        error, norm = (self._squared_norms(values, weights) for values in (prediction - target, target))
        return (error / norm.clamp_min(_TINY)).sqrt()

    def _squared_norms(self, values: Tensor, weights: Tensor) -> Tensor:
        slopes = torch.stack(gradient(values, self.grid))
        density = values.square() + self.length**2 * slopes.square().sum(0)
        return (density * weights).flatten(1).sum(1)
