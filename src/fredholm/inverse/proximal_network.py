"""Learned proximal networks: the gradient of a convex network is exactly the proximal operator of some R.

    f = ∇ψ = prox_R,  ψ convex        R(f(y)) = ⟨y, f(y)⟩ - ‖f(y)‖² / 2 - ψ(y)

A map is the proximal operator of a function, convex or not, exactly if it is the gradient of a convex ψ. So R can be
told where the network answers, up to a constant, and anywhere else in its range by inverting it, which is convex:

    f⁻¹(x) = argmin_y ψ(y) - ⟨x, y⟩

Sources: Gribonval, Nikolova, "A characterization of proximity operators", 2020; Fang, Buchanan, Sulam, "What's in a
prior? Learned proximal networks for inverse problems", 2024.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fredholm.inverse.input_convex import InputConvexNetwork
from fredholm.inverse.proximal import ProximalOperator
from fredholm.layers.architecture import Described


@dataclass(frozen=True)
class Inversion:
    """y with f(y) ≈ x, ‖f(y) - x‖ of each sample, and which are at most the tolerance.

    Outside the range of f there is no y: then values run away, and `converged` is False.
    """

    values: Float[Tensor, "*batch_and_shape"]
    residuals: Float[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]
    iterations: int


@dataclass(frozen=True)
class PriorValues:
    """R at given points, up to a constant that all points share, and how well the points were met."""

    values: Float[Tensor, "*batch"]
    residuals: Float[Tensor, "*batch"]
    converged: Bool[Tensor, "*batch"]


class LearnedProximalNetwork(nn.Module, ProximalOperator, Described):
    """f = ∇ψ of a convex network, with its regulariser.

    >>> from fredholm.inverse import InputConvexMLP
    >>> network = LearnedProximalNetwork(InputConvexMLP((3,), width=8, alpha=0.1))
    >>> y = torch.tensor([[0.2, -1.0, 0.5]])
    >>> bool(network.invert(network(y)).converged)
    True
    """

    def __init__(self, convex: InputConvexNetwork) -> None:
        super().__init__()
        self.convex = convex

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the fields for which the prior was made."""
        return self.convex.shape

    def forward(self, y: Float[Tensor, "*batch_and_shape"]) -> Float[Tensor, "*batch_and_shape"]:
        """f(y); raises InverseProblemError for fields of another shape. Gradients flow if they are wanted."""
        wanted = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            at = y if wanted and y.requires_grad else y.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(self.convex(at).sum(), at, create_graph=wanted)
        return gradient

    def value(
        self, y: Float[Tensor, "*batch_and_shape"], x: Float[Tensor, "*batch_and_shape"], axes: int = -1
    ) -> Float[Tensor, "*batch"]:
        """R(x) for x = f(y)."""
        first = y.ndim - len(self.shape)
        with torch.no_grad():
            products = (x * y - x.square() / 2).flatten(first).sum(-1)
            return products - self.convex(y)

    def project_(self) -> None:
        """Make the convex network convex again after a step of an optimiser."""
        self.convex.project_()

    def invert(self, x: Float[Tensor, "*batch_and_shape"], tolerance: float = 1e-4, iterations: int = 100) -> Inversion:
        """Minimise ψ(y) - ⟨x, y⟩ by Newton's method, whose equations are solved by conjugate gradients.

        Args:
            x: where f is to arrive.
            tolerance: largest ‖f(y) - x‖ / (1 + ‖x‖) that counts as converged.
            iterations: steps of Newton at most.
        """
        batch = x.shape[: x.ndim - len(self.shape)]
        target = x.detach().reshape(-1, *self.shape)
        y, bound = target.clone(), tolerance * (1 + target.flatten(1).norm(dim=1))
        done = 0
        for done in range(iterations + 1):
            gradient, direction = self._newton(y, target, bound)
            residuals = gradient.flatten(1).norm(dim=1)
            if done == iterations or bool((residuals <= bound).all()):
                break
            slope = (gradient * direction).flatten(1).sum(1)
            y = y + self._step(y, target, direction, slope, residuals > bound) * direction
        met = (residuals <= bound) & y.flatten(1).isfinite().all(1)
        return Inversion(y.reshape(x.shape), residuals.reshape(batch), met.reshape(batch), done)

    def prior(
        self, x: Float[Tensor, "*batch_and_shape"], tolerance: float = 1e-4, iterations: int = 100
    ) -> PriorValues:
        """R(x), by inversion; where that did not converge the value is R at f(y), the nearest point it came to."""
        found = self.invert(x, tolerance, iterations)
        values = self.value(found.values, self(found.values).detach())
        return PriorValues(values, found.residuals, found.converged)

    def _newton(self, y: Tensor, target: Tensor, bound: Tensor) -> tuple[Tensor, Tensor]:
        """∇ = f(y) - x, and d with (J + ε I) d ≈ -∇: J is symmetric, so that products with it are gradients."""
        with torch.enable_grad():
            at = y.detach().requires_grad_()
            answer = self(at)
        gradient = (answer - target).detach()
        size = _dot(gradient, gradient).sqrt()
        shift = 1e-3 * size.clamp_max(1.0) + 1e-12
        direction, residual = torch.zeros_like(y), -gradient
        search, energy = residual, size.square()
        goal = (0.1 * size.clamp_max(1.0).sqrt() * size).square() * (size > bound)
        for _ in range(min(50, 2 * gradient[0].numel())):
            going = energy > goal
            if not bool((going & (size > bound)).any()):
                break
            (product,) = torch.autograd.grad(answer, at, search, retain_graph=True)
            product = product + _wide(shift, y) * search
            curvature = _dot(search, product)
            length = torch.where(going & (curvature > 0), energy / curvature, 0.0)
            direction = direction + _wide(length, y) * search
            residual = residual - _wide(length, y) * product
            before, energy = energy, _dot(residual, residual)
            search = residual + _wide(torch.where(before > 0, energy / before, 0.0), y) * search
        return gradient, direction

    @torch.no_grad()
    def _step(self, y: Tensor, target: Tensor, direction: Tensor, slope: Tensor, going: Tensor) -> Tensor:
        """The largest of 1, 1/2, 1/4, ... that lowers the sum enough, for each sample; zero, if it is done."""

        def merit(at: Tensor) -> Tensor:
            return self.convex(at) - (target * at).flatten(1).sum(1)

        before = merit(y)
        slack = 4 * torch.finfo(y.dtype).eps * (1 + before.abs())
        step = going.to(y.dtype)
        for _ in range(30):
            after = merit(y + _wide(step, y) * direction)
            high = ~(after <= before + 1e-4 * step * slope + slack)
            if not bool(high.any()):
                break
            step = torch.where(high, step / 2, step)
        return _wide(torch.where(high, 0.0, step), y)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(1)


def _wide(numbers: Tensor, like: Tensor) -> Tensor:
    return numbers.reshape(-1, *[1] * (like.ndim - 1))
