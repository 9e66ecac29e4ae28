"""What MgNO costs on finer and finer grids: a V-cycle should take time linear in the points.

Four layers of width 16, one sample, as many grids as lead down to 4 x 4 points; the slope is that of the straight line
through log seconds over log points.
"""

import torch

from fredholm.bench.side_by_side import Figure, cost_slope
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.multigrid import MgNO

SIDES = (64, 128, 256, 512)


def cost(rounds: int) -> list[Figure]:
    torch.manual_seed(0)
    networks = {n: MgNO(1, 1, (n, n), width=16, layers=4, cycle=VCycle(smoothings(n.bit_length() - 2))) for n in SIDES}
    fields = {n: torch.randn(1, 1, n, n) for n in SIDES}

    def answer(n: int) -> None:
        with torch.inference_mode():
            networks[n](fields[n])

    def step(n: int) -> None:
        networks[n].zero_grad()
        networks[n](fields[n]).square().mean().backward()

    return [
        cost_slope("answer to one sample", answer, SIDES, rounds, at_most=1.1),
        cost_slope("gradient from one sample", step, SIDES, max(3, rounds // 4), at_most=1.1),
    ]


PARTS = {"mgno-cost": cost}
