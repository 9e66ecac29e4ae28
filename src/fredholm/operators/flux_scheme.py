"""Explicit flux scheme: what comes in through the surface is added, not learnt.

    c₀ ← c₀ + a F

F is the flux during a step, c₀ the channel of the state next to the surface, and a the increment that a flux of one
makes there: for a mole fraction the length of the step over the amount of air above a unit of area.

Source: Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with neural
networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.architecture import Described


class FluxScheme(Described):
    """Increments of a state by a flux among the inputs.

    Args:
        flux: name of the input function F, of one channel.
        increment: a.
        channel: of the state, to which it is added.

    >>> FluxScheme("flux", increment=0.5)(torch.ones(1, 1, 2), channels=3)[0, :, 0].tolist()
    [0.5, 0.0, 0.0]
    """

    def __init__(self, flux: str, increment: float, channel: int = 0) -> None:
        self.flux, self.increment, self.channel = flux, increment, channel

    def __call__(self, flux: Float[Tensor, "batch 1 *shape"], channels: int) -> Float[Tensor, "batch channels *shape"]:
        """What the flux adds to each channel."""
        gained = self.increment * flux
        nothing = torch.zeros_like(gained)
        return torch.cat([gained if channel == self.channel else nothing for channel in range(channels)], dim=1)
