"""What a neural spectral block costs on finer and finer maps: with as many patches, time linear in the pixels.

One sample, width 32, 8 x 8 patches whatever the map; attention between pixels would be quadratic in the pixels of a
patch, and so of the map. The slope is that of the straight line through log seconds over log pixels.
"""

import torch

from fredholm.bench.side_by_side import Figure, cost_slope
from fredholm.layers.neural_spectral_block import NeuralSpectralBlock

SIDES = (64, 128, 256, 512)
PATCHES = 8  # along each axis


def cost(rounds: int) -> list[Figure]:
    torch.manual_seed(0)
    blocks = {n: NeuralSpectralBlock(32, (n // PATCHES, n // PATCHES)) for n in SIDES}
    maps = {n: torch.randn(1, 32, n, n).to(memory_format=torch.channels_last) for n in SIDES}

    def answer(n: int) -> None:
        with torch.inference_mode():
            blocks[n](maps[n])

    def step(n: int) -> None:
        blocks[n].zero_grad()
        blocks[n](maps[n].requires_grad_()).square().mean().backward()

    return [
        cost_slope("answer to one map", answer, SIDES, rounds, at_most=1.1),
        cost_slope("gradient from one map", step, SIDES, max(3, rounds // 4), at_most=1.1),
    ]


PARTS = {"lsm-cost": cost}
