"""Modes of fields in space and time, in hierarchical form: functions of space, functions of time, and what joins them.

    φₖ(x, t) = Σ_{a, b} C[k, a, b] S_a(x) T_b(t),    S_a(x) = Σ_{i, j, ...} G[a, i, j, ...] X_i(x₁) Y_j(x₂) ...

A Tucker core has as many entries as all ranks multiplied: in three dimensions and time that is most of a model, and
most of the work at a point. A wave has far fewer functions of space than there are products of factors, and joining
them with time apart from the axes of space makes a room of three dimensions several times smaller.

Source: Grasedyck, "Hierarchical singular value decomposition of tensors", SIAM J. Matrix Anal. Appl. 2010, with the
tree {{x, y, ...}, {t}}.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.fields.domain import Domain
from fredholm.fields.grid import Grid
from fredholm.fields.product import Product
from fredholm.operators.deeponet.continuation import continued
from fredholm.operators.deeponet.modes import FactoredModes, grid_axes, interpolated, leading, outer_product


class SpaceTimeModes(FactoredModes):
    """Modes in hierarchical form on a tensor-product grid of at least four points an axis; the last axis is time.

    Args:
        domain: a product of a grid of space and one axis of time.
        ranks: number of one-dimensional factors along every axis.
        spaces: number of functions of space.
        rank: number of modes.
    """

    space: Tensor

    def __init__(self, domain: Domain, ranks: Sequence[int], spaces: int, rank: int) -> None:
        *of_space, of_time = ranks
        super().__init__(domain, ranks, (rank, spaces, of_time))
        self.register_buffer("space", torch.zeros(spaces, *of_space))

    @classmethod
    def of(cls, domain: Domain, values: Float[Tensor, "rank n"], tolerance: float) -> "SpaceTimeModes":
        """Truncated hierarchical SVD: relative error at most `tolerance` in the Frobenius norm of `values`.

        Points of no quadrature weight, such as those outside a mask, do not count; there the modes are continued.
        Raises ValueError for a domain that is no space x time.
        """
        if not is_space_time(domain):
            raise ValueError(f"a {domain.kind} of shape {domain.shape} is no grid of space x time: use SeparableModes")
        axes = grid_axes(domain)
        shape = tuple(axis.size for axis in axes)
        inside = (domain.weights() > 0).reshape(shape)
        fields = values.double().reshape(-1, *shape)
        allowed = tolerance * float((fields * inside).norm()) / math.sqrt(len(shape) + 1)
        core, factors = continued(fields, inside, axes), []
        for axis in range(1, len(shape) + 1):
            factor = leading(core.movedim(axis, 0).flatten(1), allowed)
            factors.append(factor)
            core = torch.tensordot(core, factor, dims=([axis], [0])).movedim(-1, axis)
        *of_space, of_time = core.shape[1:]
        unfolded = core.movedim(0, -2).reshape(-1, len(core) * of_time)  # places in space x (mode, time)
        spaces = leading(unfolded, allowed)
        modes = cls(domain, core.shape[1:], spaces.shape[1], len(core))
        modes.space = spaces.T.reshape(-1, *of_space).to(values.dtype).contiguous()
        modes.core = (spaces.T @ unfolded).unflatten(1, (-1, of_time)).movedim(0, 1).to(values.dtype).contiguous()
        for i, factor in enumerate(factors):
            setattr(modes, f"factor{i}", factor.to(values.dtype).contiguous())
        return modes

    def on_domain(self) -> Float[Tensor, "n rank"]:
        spaces = self.space
        for i in range(len(self.axes) - 1):
            spaces = torch.tensordot(spaces, self._factor(i), dims=([1], [1]))  # axis i goes last: the order is kept
        in_time = self.core @ self._factor(len(self.axes) - 1).T
        return torch.einsum("an,kat->ntk", spaces.flatten(1), in_time).flatten(0, 1)

    def _expanded(self, core: Float[Tensor, "k spaces time"], points: Float[Tensor, "m d"]) -> Float[Tensor, "m k"]:
        """Functions by their cores, at points: places in space first, then one product with all cores, then time."""
        *rows, time = [interpolated(self._factor(i), axis, points[:, i]) for i, axis in enumerate(self.axes)]
        spaces = outer_product(rows, time) @ self.space.flatten(1).T
        partial = spaces @ core.movedim(1, 0).flatten(1)
        return (partial.unflatten(-1, (-1, time.shape[-1])) * time.unsqueeze(-2)).sum(-1)


def is_space_time(domain: Domain) -> bool:
    """Whether a domain is a grid of space, of two axes or more, times one axis.

    >>> from fredholm.fields.grid import Axis
    >>> is_space_time(Grid(Axis("x", 0, 1, 8), Axis("y", 0, 1, 8)) * Grid(Axis("t", 0, 1, 8)))
    True
    """
    return (
        isinstance(domain, Product)
        and isinstance(domain.first, Grid)
        and isinstance(domain.second, Grid)
        and domain.first.dimension > 1
        and domain.second.dimension == 1
    )
