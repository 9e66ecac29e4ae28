"""The posterior density of a latent vector, given observations of the solution and an equation that it obeys.

    V(z) = Σₖ (u(xₖ; β) - yₖ)² / 2 (σ² + σₘ²) + λ/2 Σⱼ rⱼ(β)² - log p(z),    β = tanh z

u and a are decoded from β, the rⱼ are weak residuals at random places, "observed" to be zero with precision λ.
σ is the deviation of the noise, σₘ that of the operator's own error. Points stay where they are while z moves, so that
trunks and their derivatives are evaluated once.

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025).
"""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.inverse.observations import Observations
from fredholm.operators.latent_generative import LatentGenerativeOperator
from fredholm.training.physics.weak_form import LocalFields, WeakForm


@dataclass(frozen=True)
class VirtualObservations:
    """Weak residuals that are observed to vanish.

    Args:
        form: the equation, and how many places.
        precision: λ, one over the variance of a residual in its unit.
        seed: of the places, and of the noise of a two-phase coefficient.
    """

    form: WeakForm
    precision: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.precision < float("inf"):
            raise InverseProblemError(f"the precision of residuals must be positive and finite, got {self.precision}")


class LatentTarget:
    """V, in double precision.

    Args:
        operator: trained, with a decoder of its input.
        observations: of its solution.
        equation: virtual observations; none by default.
        model_error: σₘ, in units of the solution.

    Raises InverseProblemError for an operator that generates no input, OutsideDomainError for points beyond its domain.
    """

    def __init__(
        self,
        operator: LatentGenerativeOperator,
        observations: Observations,
        equation: VirtualObservations | None = None,
        model_error: float = 0.0,
    ) -> None:
        if not isinstance(operator, LatentGenerativeOperator):
            raise InverseProblemError(
                f"{type(operator).__name__} has no latent vector to look for: take a LatentGenerativeOperator"
            )
        if operator.coefficient is None:
            raise InverseProblemError("this operator generates no input: build it with a `coefficient`")
        if not 0 <= model_error < float("inf"):
            raise InverseProblemError(f"the operator's error must not be negative or infinite, got {model_error}")
        observations.require_inside(operator.solution.lower, operator.solution.upper)
        if equation is not None and set(equation.form.inputs) != {operator.coefficient.name}:
            raise InverseProblemError(
                f"the equation needs the inputs {sorted(equation.form.inputs)}, the operator generates "
                f"{operator.coefficient.name!r} alone"
            )
        self.operator = copy.deepcopy(operator).double().requires_grad_(False).eval()
        self.width, self.prior, self.equation = operator.prior.width, self.operator.prior, equation
        points, values = observations.kept
        self.values, self.variance = values.double(), observations.noise.std**2 + model_error**2
        with torch.no_grad():
            self._observed = self.operator.solution.basis(points.double())
            self._prepare(equation)

    def _prepare(self, equation: VirtualObservations | None) -> None:
        if equation is None:
            return
        assert self.operator.coefficient is not None
        generator = torch.Generator().manual_seed(equation.seed)
        points = equation.form.draw(generator).double()
        # one draw at each node for all vectors, lest V change from one evaluation to the next
        self._noise = self.operator.coefficient.law.noise((len(points),), generator)
        self._nodes, self._solution = points, self.operator.solution.basis_with_derivatives(points)
        self._input = self.operator.coefficient.decoder.basis(points)
        self._flux = [decoder.basis(points) for decoder in self.operator.flux]  # type: ignore[operator]

    def __call__(self, z: Float[Tensor, "c width"]) -> Float[Tensor, " c"]:
        """V of several vectors; differentiable."""
        energy = self.misfit(z) + self.prior.energy(z)
        if self.equation is None:
            return energy
        return energy + 0.5 * self.equation.precision * self.residual(torch.tanh(z)).square().sum(1)

    def misfit(self, z: Float[Tensor, "c width"]) -> Float[Tensor, " c"]:
        """-log of the likelihood of the observations, up to a constant."""
        u = self.operator.solution.coefficients(torch.tanh(z)) @ self._observed.T
        return 0.5 * (u - self.values).square().sum(1) / self.variance

    def residual(self, beta: Float[Tensor, "c width"]) -> Float[Tensor, "c r"]:
        """Weak residuals; with a flux, those of the mixed form, its constitutive ones as root mean squares of balls."""
        assert self.equation is not None
        assert self.operator.coefficient is not None
        form, coefficient = self.equation.form, self.operator.coefficient
        u, gradient = self.operator.solution.contracted(self.operator.solution.coefficients(beta), self._solution)
        a = coefficient.law.relaxed(coefficient.decoder.coefficients(beta) @ self._input.T, self._noise)
        fields = LocalFields(self._nodes, u, gradient, {coefficient.name: a})
        if not self._flux:
            return form.residual(fields)
        decoders = zip(self.operator.flux, self._flux, strict=True)
        flux = torch.stack([d.coefficients(beta) @ basis.T for d, basis in decoders], dim=-1)  # type: ignore[operator]
        off = (flux - form.law.flux(fields)).square().sum(-1).unflatten(1, (form.particles, -1)).mean(-1)
        return torch.cat([form.residual(fields, flux), (off + 1e-20).sqrt()], dim=1)
