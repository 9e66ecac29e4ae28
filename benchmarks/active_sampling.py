"""Does it pay to choose simulations by their loss? Errors on uniform samples, beside the order of numbers.

    PYTHONPATH=benchmarks python benchmarks/active_sampling.py

As many simulations, as many steps, the same first weights; the engine is the serial one. Three families of which the
answer differs: one that is hard in a small region of its parameters, one that is equally hard everywhere, and one of
which a small region is noise, where there is nothing to learn.
"""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fredholm.data import WholeFields
from fredholm.data.dataset import Dataset
from fredholm.data.online import (
    Frames,
    InOrder,
    LossDriven,
    Reservoir,
    Selection,
    Serial,
    Simulations,
    Stepwise,
    collected,
    stream,
)
from fredholm.fields import Axis, Domain, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.operators.operator import Operator, Query
from fredholm.problems import Heat
from fredholm.training import Settings, adam, fit

COUNT, POOL, UNSEEN, BATCH, WIDTH = 300, 3000, 400, 10, 64
SEEDS = range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
SHARES = (0.25, 0.5, 0.75)
POINTS = 64
LINE = Grid(Axis("x", 0.0, 1.0, POINTS, periodic=True))
X = LINE.axes[0].points().numpy()
SIGNATURE = Signature(
    {"place": Parameter((Quantity("a"), Quantity("b")))}, Function((Quantity("u"),), DomainType.of(LINE))
)


def draw(random: np.random.Generator) -> dict[str, Any]:
    return {"place": random.random(2)}


def in_corner(b: float) -> float:
    """1 at b = 0.9, and below 1/e from a tenth away on."""
    return float(np.exp(-(((b - 0.9) / 0.1) ** 2)))


def waves(parameters: Mapping[str, Any], random: np.random.Generator) -> Iterator[tuple[dict[str, Any], Any]]:
    a, b = parameters["place"]
    yield {"place": (a, b)}, a * np.sin(2 * np.pi * X) + 3 * in_corner(b) * np.sin(2 * np.pi * (X + 2 * a))


def noise(parameters: Mapping[str, Any], random: np.random.Generator) -> Iterator[tuple[dict[str, Any], Any]]:
    a, b = parameters["place"]
    yield {"place": (a, b)}, a * np.sin(2 * np.pi * (X + b)) + 3 * in_corner(b) * random.standard_normal(POINTS)


class Perceptron(Operator):
    """All parameters to the values on the whole grid."""

    queries = frozenset({Query.DOMAIN})

    def __init__(self, signature: Signature, output_domain: Domain, network: nn.Module) -> None:
        super().__init__(signature, output_domain)
        self.network = network

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        given = torch.cat([inputs[name] for name in self.signature.inputs], dim=-1)
        return self.network(given).unflatten(-1, (1, *self.output_domain.shape))


def errors(source: Simulations, selection: Selection, unseen: Dataset, seed: int, uses: float) -> Tensor:
    """The root mean square error of each unseen sample, after training."""
    about = source.description
    size = sum(len(entry.components) for entry in about.signature.inputs.values() if isinstance(entry, Parameter))
    with initialised(seed):
        network = MLP([size, WIDTH, WIDTH, about.output_domain.size], nn.GELU())
    operator = Perceptron(about.signature, about.output_domain, network)
    engine = Serial(live=3, uses=uses)
    with stream(source, COUNT, seed, buffer=Reservoir(200, 40, seed), engine=engine, selection=selection) as samples:
        fit(
            operator,
            samples,
            sampler=WholeFields(BATCH),
            iterations=10**6,
            optimizer=adam(operator, 2e-3),
            settings=Settings(seed=seed, quiet=True),
        )
    every = torch.arange(len(unseen))
    with torch.no_grad():
        return (operator(unseen.inputs(every)) - unseen.outputs(every)).square().flatten(1).mean(1).sqrt()


def measured(source: Simulations, uses: float) -> Iterator[tuple[float, dict[str, tuple[float, float]]]]:
    """For each share, means over the seeds and their deviations, of errors in units of those of uniform sampling."""
    kinds: dict[str, Callable[[Tensor], float]] = {
        "mean square": lambda e: float(e.square().mean()),
        "median": lambda e: float(e.median()),
        "worst of a hundred": lambda e: float(e.quantile(0.99)),
    }
    unseen = {seed: collected(source, UNSEEN, 10_000 + seed) for seed in SEEDS}
    uniform = {seed: errors(source, InOrder(), unseen[seed], seed, uses) for seed in SEEDS}
    for share in SHARES:
        found = {s: errors(source, LossDriven(POOL, share, seed=s), unseen[s], s, uses) for s in SEEDS}
        ratios = {n: [of(found[s]) / of(uniform[s]) for s in SEEDS] for n, of in kinds.items()}
        yield share, {n: (statistics.mean(r), statistics.stdev(r) if len(r) > 1 else 0.0) for n, r in ratios.items()}


def main() -> None:
    corner, noisy = (Stepwise(run, draw, SIGNATURE, name=run.__name__) for run in (waves, noise))
    cases: dict[str, tuple[Simulations, float]] = {
        "hard in a corner, 200 uses of a sample": (corner, 200.0),
        "hard in a corner, 50 uses": (corner, 50.0),
        "noise in a corner, 50 uses": (noisy, 50.0),
        "heat, 5 uses": (Frames(Heat(points=16, times=10, temperatures=(0.0, 1.0))), 5.0),
    }
    print(f"{COUNT} simulations, a pool of {POOL}, {len(SEEDS)} seeds: errors / those of uniform sampling")
    print("| family | steered | mean square | median | worst of a hundred |\n" + "|---|" + "---|" * 4)
    for name, (source, uses) in cases.items():
        start = time.perf_counter()
        for share, ratios in measured(source, uses):
            cells = " | ".join(f"{mean:.2f} ± {deviation:.2f}" for mean, deviation in ratios.values())
            print(f"| {name} | {share:.2f} | {cells} |", flush=True)
        print(f"  ({time.perf_counter() - start:.0f} s)", file=sys.stderr)


if __name__ == "__main__":
    main()
