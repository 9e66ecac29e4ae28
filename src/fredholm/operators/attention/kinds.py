"""Kinds of attention, as objects that make the layer."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fredholm.layers.architecture import Described
from fredholm.layers.quadrature_attention import LinearAttention, QuadratureAttention, SoftmaxAttention


class AttentionKind(Described, ABC):
    """A kind of attention between functions."""

    @abstractmethod
    def layer(self, width: int, heads: int, periodic: Sequence[bool]) -> QuadratureAttention:
        """A new layer of this kind."""


class LinearKernel(AttentionKind):
    """q(x)·k(y): cost linear in the points."""

    def layer(self, width: int, heads: int, periodic: Sequence[bool]) -> LinearAttention:
        return LinearAttention(width, heads, periodic)


class SoftmaxKernel(AttentionKind):
    """exp(q(x)·k(y)), normalised: cost of all pairs of points."""

    def layer(self, width: int, heads: int, periodic: Sequence[bool]) -> SoftmaxAttention:
        return SoftmaxAttention(width, heads, periodic)
