"""The derivative of an operator: what a small change of the input does to the output.

    G'(u) v = lim (G(u + ε v) - G(u)) / ε        ⟨G'(u) v, w⟩ = ⟨v, G'(u)* w⟩        G'(u) v ≈ Σᵢ σᵢ ⟨v, vᵢ⟩ wᵢ

A field error says nothing of it: a surrogate may be near the truth everywhere and wrong in all its slopes, and it is
the slopes that optimisation, control and inversion follow. Inner products are integrals, by the quadrature weights of
the domains, so that adjoint and singular values are those of functions and keep their values under refinement.

Products with G' are by forward mode and with its adjoint by reverse mode; singular values by the Lanczos method on
both. Of a reference solver there are products by central differences, which its float32 answers allow to about 1e-3.

Source: O'Leary-Roseberry, Chen, Villa, Ghattas, "Derivative-informed neural operator", J. Comput. Phys. 496 (2024), for
what the error of the derivative is worth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Inputs
from fredholm.operators.deeponet import DeepONet
from fredholm.operators.operator import Operator


@dataclass(frozen=True)
class Derivative:
    """G'(u) of an operator with respect to one of its input functions.

    Args:
        operator: G.
        inputs: u, a batch of one sample.
        name: the input function that changes.
        domain: of that function.
    """

    operator: Operator
    inputs: Inputs
    name: str
    domain: Domain

    def apply(self, change: Float[Tensor, "n channels *shape"]) -> Float[Tensor, "n channels_out *shape_out"]:
        """G'(u) v for several v."""
        products = [torch.func.jvp(self._answer, (self._point,), (one[None],))[1] for one in change]
        return torch.cat(products).detach()

    def adjoint(self, change: Float[Tensor, "n channels_out *shape_out"]) -> Float[Tensor, "n channels *shape"]:
        """G'(u)* w for several w, zero where the input's domain has no weight."""
        weights, inverse = _weights(self.operator.output_domain), _inverse(_weights(self.domain))
        pull = torch.func.vjp(self._answer, self._point)[1]
        return torch.cat([pull(one[None] * weights)[0] for one in change]).detach() * inverse

    def leading(self, count: int) -> "SingularTriples":
        """The `count` largest singular values, or as many as there are, with input and output functions."""
        from scipy.sparse.linalg import LinearOperator, svds

        inner, outer = _weights(self.domain).sqrt(), _weights(self.operator.output_domain).sqrt()
        shape_in, shape_out = self._point.shape[1:], self._value.shape[1:]
        shrink = _inverse(inner)

        def forward(vector: np.ndarray) -> np.ndarray:
            change = torch.from_numpy(np.ascontiguousarray(vector)).float().reshape(1, *shape_in)
            return (self.apply(change * shrink) * outer).flatten().double().numpy()

        def backward(vector: np.ndarray) -> np.ndarray:
            change = torch.from_numpy(np.ascontiguousarray(vector)).float().reshape(1, *shape_out)
            return (self.adjoint(change * _inverse(outer)) * inner).flatten().double().numpy()

        size = (shape_out.numel(), shape_in.numel())
        count = min(count, min(size) - 1)
        scaled = LinearOperator(size, matvec=forward, rmatvec=backward, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(min(size))
        if not np.any(backward(forward(np.random.default_rng(1).standard_normal(size[1])))):
            return SingularTriples(
                torch.zeros(count).double(), torch.zeros(count, *shape_in), torch.zeros(count, *shape_out)
            )
        left, values, right = svds(scaled, k=count, v0=start, tol=1e-4)
        order = np.argsort(values)[::-1].copy()
        return SingularTriples(
            torch.from_numpy(values[order]),
            torch.from_numpy(right[order]).float().reshape(count, *shape_in) * shrink,
            torch.from_numpy(left.T[order]).float().reshape(count, *shape_out) * _inverse(outer),
        )

    @cached_property
    def _point(self) -> Tensor:
        return self.inputs[self.name]

    @cached_property
    def _value(self) -> Tensor:
        with torch.no_grad():
            return self._answer(self._point)

    def _answer(self, values: Tensor) -> Tensor:
        inputs = {**self.inputs, self.name: values}
        if isinstance(self.operator, DeepONet):
            coefficients = self.operator.coefficients(inputs).transpose(0, 1)
            answer = torch.matmul(coefficients, self._basis).transpose(0, 1)
            return answer.unflatten(-1, self.operator.output_domain.shape)
        answer = self.operator(inputs)
        return answer

    @cached_property
    def _basis(self) -> Tensor:
        """Of a DeepONet, (channels, terms, points), once: it does not change with the input."""
        assert isinstance(self.operator, DeepONet)
        with torch.no_grad():
            points = self.operator.output_domain.coordinates().to(self._point)
            basis = torch.cat([self.operator.basis(part) for part in points.split(16384)])
        return basis.permute(1, 2, 0).contiguous()


@dataclass(frozen=True)
class SingularTriples:
    """σ₁ ≥ σ₂ ≥ ..., input functions vᵢ and output functions wᵢ, orthonormal in the integrals' inner products."""

    values: Float[Tensor, " k"]
    inputs: Float[Tensor, "k channels *shape"]
    outputs: Float[Tensor, "k channels_out *shape_out"]


def central_difference(
    solve: Callable[[Inputs], Tensor],
    inputs: Mapping[str, Tensor],
    name: str,
    change: Float[Tensor, "n channels *shape"],
    step: float = 0.01,
) -> Float[Tensor, "n channels_out *shape_out"]:
    """(G(u + ε v) - G(u - ε v)) / 2ε of any solver at one sample u; `step` is ε ‖v‖ / ‖u‖.

    The error is of the second order in `step`, plus the solver's rounding over it.

    >>> square = lambda inputs: inputs["u"] ** 2
    >>> central_difference(square, {"u": torch.full((1, 1, 2), 3.0)}, "u", torch.ones(1, 1, 2))[0, 0]
    tensor([6.0000, 6.0000])
    """
    point = inputs[name]
    norms = change.flatten(1).norm(dim=1).clamp_min(1e-30).reshape(-1, *[1] * (change.ndim - 1))
    reach = step * point.norm().clamp_min(1e-30) / norms
    others = {key: values.expand(len(change), *values.shape[1:]) for key, values in inputs.items() if key != name}
    up, down = (solve({**others, name: point + sign * reach * change}) for sign in (1, -1))
    return (up - down) / (2 * reach.reshape(-1, *[1] * (up.ndim - 1)))


def inner(first: Tensor, second: Tensor, domain: Domain) -> Float[Tensor, " n"]:
    """⟨f, g⟩ = ∫ f · g over the domain and the channels, for each of several pairs."""
    return (first * second * _weights(domain)).flatten(1).double().sum(1)


def norm(values: Tensor, domain: Domain) -> Float[Tensor, " n"]:
    """‖f‖ of several functions."""
    return inner(values, values, domain).sqrt()


def _weights(domain: Domain) -> Tensor:
    return domain.weights().float().reshape(domain.shape)


def _inverse(weights: Tensor) -> Tensor:
    """1 / w, and 0 where a point does not belong to the domain."""
    return torch.where(weights > 0, 1 / weights.clamp_min(1e-30), 0.0)
