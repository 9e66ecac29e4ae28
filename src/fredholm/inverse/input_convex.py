"""Networks that are convex functions of their input.

    z₁ = s(H₁ x + b₁)    zₖ₊₁ = s(Wₖ zₖ + Hₖ x + bₖ)    ψ(x) = w z_K + h x + α ‖x‖²    Wₖ ≥ 0, w ≥ 0

s is softplus, s(t) = log(1 + e^{βt}) / β: convex and non-decreasing, so that ψ is convex whatever the signs of Hₖ, and
twice differentiable. With α > 0 the gradient of ψ is 2α-strongly monotone and has an inverse everywhere.

The weights Wₖ and w stay non-negative by projection: `project_` after every step of an optimiser.

Sources: Amos, Xu, Kolter, "Input convex neural networks", 2017; Fang, Buchanan, Sulam, "What's in a prior? Learned
proximal networks for inverse problems", 2024 (section 3, with α ‖x‖² without a factor 1/2).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import InverseProblemError
from fredholm.layers.architecture import Described


class InputConvexNetwork(nn.Module, Described, ABC):
    """A convex function ψ of fields of `shape`, one number for each of a batch.

    A subclass sets `shape`, states `potential` and names what must not be negative.
    """

    shape: tuple[int, ...]
    alpha: float
    beta: float

    @abstractmethod
    def potential(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, " batch"]:
        """ψ without α ‖x‖²."""

    @abstractmethod
    def nonnegative(self) -> Iterator[nn.Parameter]:
        """The weights W and w: of all layers but the first, and of no skip."""

    def forward(self, x: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch"]:
        """ψ(x); raises InverseProblemError for fields of another shape."""
        batch = x.shape[: x.ndim - len(self.shape)]
        if tuple(x.shape[len(batch) :]) != self.shape:
            raise InverseProblemError(
                f"this network is a function of fields of shape {self.shape}, got {tuple(x.shape)}: a prior belongs to "
                "the shape that it was trained for"
            )
        flat = x.reshape(-1, *self.shape)
        value = self.potential(flat) + self.alpha * flat.square().flatten(1).sum(1)
        return value.reshape(batch)

    @torch.no_grad()
    def project_(self) -> None:
        """Set weights below zero to zero, where convexity needs it."""
        for weight in self.nonnegative():
            weight.clamp_(min=0)

    def smooth(self, x: Tensor) -> Tensor:
        """The activation s."""
        return nn.functional.softplus(x, self.beta, threshold=40.0)


class InputConvexMLP(InputConvexNetwork):
    """Fully connected, on the entries of a field in a row.

    Args:
        shape: of one input.
        width: of every layer.
        depth: how many of them follow the first.
        beta: β; the larger, the sharper may f bend.
        alpha: α.

    >>> psi = InputConvexMLP((2,), width=8, depth=2)
    >>> a, b = torch.tensor([[-1.0, 0.5]]), torch.tensor([[2.0, 1.0]])
    >>> bool(psi((a + b) / 2) <= (psi(a) + psi(b)) / 2)
    True
    """

    def __init__(
        self, shape: Sequence[int], width: int = 64, depth: int = 3, beta: float = 10.0, alpha: float = 0.0
    ) -> None:
        super().__init__()
        _check(beta, alpha)
        self.shape, self.beta, self.alpha = tuple(shape), beta, alpha
        size = math.prod(self.shape)
        self.skips = nn.ModuleList(nn.Linear(size, width) for _ in range(depth + 1))
        self.inner = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(depth))
        self.last = nn.Linear(width, 1, bias=False)
        self.linear = nn.Linear(size, 1)
        _start(self.nonnegative())

    def nonnegative(self) -> Iterator[nn.Parameter]:
        for layer in (*self.inner, self.last):
            yield layer.weight

    def potential(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, " batch"]:
        x = x.flatten(1)
        z = self.smooth(self.skips[0](x))
        for skip, inner in zip(self.skips[1:], self.inner, strict=True):
            z = self.smooth(inner(z) + skip(x))
        return (self.last(z) + self.linear(x)).squeeze(1)


class InputConvexCNN(InputConvexNetwork):
    """Convolutions of 3 x 3 on fields (channels, rows, columns), then a mean over positions and one full layer.

    A skip is a convolution of the input, bilinearly resized to the grid of its layer; resizing is linear, so ψ stays
    convex.

    Args:
        shape: channels, rows, columns of one input.
        width: channels of every layer.
        strides: of the layers after the first; 2 halves the grid.
        beta: β.
        alpha: α.

    >>> InputConvexCNN((1, 16, 16), width=4)(torch.zeros(5, 1, 16, 16)).shape
    torch.Size([5])
    """

    def __init__(
        self,
        shape: Sequence[int],
        width: int = 64,
        strides: Sequence[int] = (2, 1, 2),
        beta: float = 10.0,
        alpha: float = 0.01,
    ) -> None:
        super().__init__()
        _check(beta, alpha)
        if len(shape) != 3:
            raise InverseProblemError(f"fields of a convolutional network are (channels, rows, columns), not {shape}")
        self.shape, self.beta, self.alpha = tuple(shape), beta, alpha
        channels = shape[0]
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.inner = nn.ModuleList(nn.Conv2d(width, width, 3, s, padding=1, bias=False) for s in strides)
        self.skips = nn.ModuleList(nn.Conv2d(channels, width, 3, s, padding=1) for s in strides)
        self.full = nn.Linear(width, width)
        self.last = nn.Linear(width, 1, bias=False)
        _start(self.nonnegative())

    def nonnegative(self) -> Iterator[nn.Parameter]:
        for layer in (*self.inner, self.full, self.last):
            yield layer.weight

    def potential(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, " batch"]:
        z = self.smooth(self.first(x))
        for skip, inner in zip(self.skips, self.inner, strict=True):
            resized = nn.functional.interpolate(x, z.shape[2:], mode="bilinear", align_corners=False)
            z = self.smooth(inner(z) + skip(resized))
        positions = z.shape[2] * z.shape[3]
        return positions * self.last(self.smooth(self.full(z.mean((2, 3))))).squeeze(1)


def _check(beta: float, alpha: float) -> None:
    if beta <= 0 or alpha < 0:
        raise InverseProblemError(f"β is positive and α not negative in a convex network, got {beta:g} and {alpha:g}")


@torch.no_grad()
def _start(weights: Iterator[nn.Parameter]) -> None:
    """Positive weights of which those of one unit sum to about 1, so that ψ neither fades nor explodes with depth."""
    for weight in weights:
        weight.copy_(torch.exp(0.1 * torch.randn_like(weight)) / weight[0].numel())
