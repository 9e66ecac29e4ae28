"""Mass fixers: the least change of a predicted increment after which a total is kept.

    shift:  δ' = δ - g,          g = Σ w δ / Σ w
    scale:  δ' = δ - g (c + δ),  g = Σ w δ / Σ w (c + δ),   that is c + δ' = (c + δ) Σ w c / Σ w (c + δ)

c is the state and δ its increment by a network, w the mass of air of every cell, so that Σ w c is the mass of tracer;
sums are over channels and points of one sample. The shift knows no zero of c; the scale keeps what is positive so. Both
are written for the increment, since c + δ has lost to rounding what its total must be right to: a shift of all cells by
the same small number is rounded alike in all of them.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from fredholm.layers.architecture import Described


class MassFixer(Described, ABC):
    """A correction of increments that keeps Σ w c.

    Args:
        weights: name of the input function w, with one channel or as many as the state.
    """

    def __init__(self, weights: str) -> None:
        self.weights = weights

    def __call__(
        self,
        increment: Float[Tensor, "batch channels *shape"],
        state: Float[Tensor, "batch channels *shape"],
        weights: Float[Tensor, "batch _ *shape"],
    ) -> Float[Tensor, "batch channels *shape"]:
        """The increment δ' of the state, with Σ w δ' = 0 in every sample."""
        share = weights.expand_as(state)
        dims = tuple(range(1, state.ndim))
        return self.fixed(increment, state, share / share.sum(dims, keepdim=True), dims)

    @abstractmethod
    def fixed(self, increment: Tensor, state: Tensor, share: Tensor, dims: tuple[int, ...]) -> Tensor:
        """δ', with weights that sum to one over `dims`."""


class Shift(MassFixer):
    """The same number off all values: constants and differences are kept.

    >>> import torch
    >>> Shift("w")(torch.tensor([[[1.0, 3.0]]]), torch.zeros(1, 1, 2), torch.ones(1, 1, 2)).tolist()
    [[[-1.0, 1.0]]]
    """

    def fixed(self, increment: Tensor, state: Tensor, share: Tensor, dims: tuple[int, ...]) -> Tensor:
        return increment - (share * increment).sum(dims, keepdim=True)


class Scale(MassFixer):
    """All values times the same number: signs and ratios are kept. For states whose total is not zero."""

    def fixed(self, increment: Tensor, state: Tensor, share: Tensor, dims: tuple[int, ...]) -> Tensor:
        after = state + increment
        gain = (share * increment).sum(dims, keepdim=True) / (share * after).sum(dims, keepdim=True)
        return increment - gain * after
