"""What MgNO costs on finer and finer grids: a V-cycle should take time linear in the points.

Four layers of width 16, one sample, as many grids as lead down to 4 x 4 points; the slope is that of the straight line
through log seconds over log points.
"""

import math
from collections.abc import Callable
from functools import partial

import torch

from fredholm.bench.side_by_side import Figure, seconds_in_turn
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
        _slope("answer to one sample", answer, rounds),
        _slope("gradient from one sample", step, max(3, rounds // 4)),
    ]


def _slope(what: str, action: Callable[[int], None], rounds: int) -> Figure:
    seconds = seconds_in_turn({str(n): partial(action, n) for n in SIDES}, rounds)
    x = torch.tensor([2 * math.log(n) for n in SIDES])
    y = torch.tensor(list(seconds.values())).log()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())
    readings = {f"{n} x {n}": 1e3 * seconds[str(n)] for n in SIDES}
    return Figure(what, slope, "is the slope of log time over log points", readings, "ms", at_most=1.1)


PARTS = {"mgno-cost": cost}
