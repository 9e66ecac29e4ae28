"""Incremental modes: a Fourier operator begins with few frequencies, and more are added as they are needed.

    grow K by a few where   Σ_{k within K - buffer} ‖W(k)‖²  <  explained · Σ_{k within K} ‖W(k)‖²

in some layer: as long as the outermost frequencies carry weight, there is something to learn beyond them. Frequencies
not in use have zero weights, so that adding some leaves the operator as it is at that moment; steps with few
frequencies cost less. Beyond a gap in the spectrum of the data nothing is seen, and nothing added.

Source: George, Zhao, Kossaifi, Li, Anandkumar 2024, "Incremental spatial and spectral learning of neural operators for
solving large-scale PDEs" (there, frequencies are added with random weights).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from fredholm.layers.fourier_basis import FourierBasis
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_weights import Windows
from fredholm.training.hooks import Hook


class IncrementalModes(Hook):
    """Grows the frequencies of all spectral convolutions of an operator together.

    Args:
        operator: what is trained.
        first: frequencies along every axis at the start, positive and negative together.
        step: how many are added at a time; also the buffer of the rule.
        every: steps between two looks at the weights.
        explained: the share of the squared weights that the inner frequencies must hold for the number to stay.

    Raises ValueError if the operator has no spectral convolution, or `first` leaves nothing inside the buffer.

    >>> from fredholm.operators.fourier import FNO
    >>> operator = FNO(1, 1, modes=(16, 16), width=8, layers=1)
    >>> modes = IncrementalModes(operator, first=4)
    >>> modes.start(torch.device("cpu"))
    >>> operator.blocks[0].convolution.kept
    (4, 4)
    """

    def __init__(
        self, operator: nn.Module, first: int = 4, step: int = 2, every: int = 100, explained: float = 0.99
    ) -> None:
        self.convolutions = [module for module in operator.modules() if isinstance(module, SpectralConvolution)]
        if not self.convolutions:
            raise ValueError(f"{type(operator).__name__} has no spectral convolution: there are no modes to add")
        if not 0 < step < first:
            raise ValueError(f"first={first}, step={step}: expected at least one mode a step, and more to begin with")
        if every < 1 or not 0 < explained <= 1:
            raise ValueError(f"every={every}, explained={explained}: expected a number of steps, and a share in (0, 1]")
        self.first, self.step, self.every, self.explained = first, step, every, explained
        self.modes = first

    @property
    def most(self) -> int:
        """Frequencies along the axis that has most."""
        return max(max(convolution.modes) for convolution in self.convolutions)

    def start(self, device: torch.device) -> None:
        self._keep(self.first)
        for convolution in self.convolutions:
            assert convolution.kept is not None
            convolution.weights.silence(_windows(convolution, convolution.kept))

    def after_step(self, step: int) -> None:
        if step % self.every == 0 and self.modes < self.most and self._needs_more():
            self._keep(min(self.modes + self.step, self.most))

    def state_dict(self) -> dict[str, Any]:
        return {"modes": self.modes}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._keep(int(state["modes"]))

    def _keep(self, modes: int) -> None:
        self.modes = modes
        for convolution in self.convolutions:
            convolution.kept = tuple(min(modes, stored) for stored in convolution.modes)

    @torch.no_grad()
    def _needs_more(self) -> bool:
        for convolution in self.convolutions:
            strength, inner = (
                float(convolution.weights.dense(_windows(convolution, [modes] * len(convolution.modes))).square().sum())
                for modes in (self.modes, self.modes - self.step)
            )
            if inner < self.explained * strength:
                return True
        return False


def _windows(convolution: SpectralConvolution, kept: Sequence[int]) -> Windows:
    """Those of the stored frequencies that are in use, as a grid of so many points would see them."""
    return FourierBasis(convolution.weights.modes, kept).windows
