"""Every operator of the catalogue, in its size "small", on one common problem: error, training step, one answer.

Two-phase Darcy flow on a 32 x 32 grid: 400 training and 100 test samples, 600 steps of 20 samples, the same optimiser,
schedule, loss and seed for all. An operator for clouds sees the grid's points as a cloud. One that lives on the sphere
gets a problem there: -Δu + u = f², by spherical harmonics. Times are medians of single calls after training. The
identity, which answers the coefficient for the pressure, is left out.

    python benchmarks/catalogue.py [NAME ...] [--steps N] [--write]

`--write` puts what was measured into the package and the page of the documentation.
"""

import argparse
import datetime
import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import SignatureError
from fredholm.evaluation.machine import machine
from fredholm.fields import Domain, DomainType, Function, PointCloud, Quantity, Signature, SphereGrid
from fredholm.fields.signature import Inputs
from fredholm.operators import Operator
from fredholm.operators.catalogue import OPERATORS
from fredholm.problems import Darcy
from fredholm.problems.problem import generator_of
from fredholm.training.recipes import FromCatalogue

ROOT = Path(__file__).parents[1]
TRAIN, TEST, POINTS, SEED = 400, 100, 32, 0
PROBLEM = (
    f"Two-phase Darcy flow on {POINTS} x {POINTS} points, {TRAIN} training and {TEST} test samples, {{steps}} steps of "
    "20 samples for all; on the sphere, -Δu + u = f² on 16 x 32 points."
)


@dataclass(frozen=True)
class Sizes:
    """Training and test samples, and points along each side of the square."""

    train: int = TRAIN
    test: int = TEST
    points: int = POINTS

    @property
    def samples(self) -> int:
        return self.train + self.test


def darcy(sizes: Sizes) -> tuple[Inputs, Tensor]:
    problem = Darcy(points=sizes.points)
    inputs = problem.sample(sizes.samples, SEED)
    return inputs, problem.solve(inputs)


def sphere(samples: int) -> tuple[Domain, Inputs, Tensor]:
    """Random f of degree 8 at most, and u with -Δu + u = f², exact in spherical harmonics up to degree 16."""
    from scipy.special import sph_harm_y

    grid = SphereGrid.gauss_legendre(16, 32)
    latitude, longitude = grid.coordinates().T.numpy()
    basis, degrees = [], []
    for degree in range(13):
        for order in range(-degree, degree + 1):
            harmonic = sph_harm_y(degree, abs(order), math.pi / 2 - latitude, longitude)
            basis.append(
                torch.from_numpy(harmonic.real if order >= 0 else harmonic.imag) * (1 if order == 0 else 2**0.5)
            )
            degrees.append(degree)
    harmonics, degree_of = torch.stack(basis), torch.tensor(degrees, dtype=torch.float64)
    noise = torch.stack([torch.randn(len(degrees), generator=generator_of(SEED, i)) for i in range(samples)])
    coefficients = noise.double() * torch.where(degree_of <= 6, 2 / (1 + degree_of), 0.0)
    f = coefficients @ harmonics
    source = (f.square() * grid.weights()) @ harmonics.T
    u = (source / (degree_of * (degree_of + 1) + 1)) @ harmonics
    shape = (-1, 1, *grid.shape)
    return grid, {"f": f.float().reshape(shape)}, u.float().reshape(shape)


def settings(sizes: Sizes | None = None) -> Iterator[tuple[Dataset, Dataset]]:
    """Training and test samples on every kind of domain, the common problem first."""
    sizes = sizes or Sizes()
    problem = Darcy(points=sizes.points)
    inputs, outputs = darcy(sizes)
    yield _split(problem.signature, problem.output_domain, inputs, outputs, sizes)
    (name,) = inputs
    grid = problem.output_domain
    cloud = PointCloud(grid.coordinates(), ("x", "y"), quadrature=grid.weights())
    flat = {name: inputs[name].flatten(2)}
    for varies in (False, True):
        function = Function((Quantity("a"),), DomainType.of(cloud, varies))
        signature = Signature({name: function}, Function((Quantity("u"),), DomainType.of(cloud)))
        companions = {
            f"{name}.coordinates": cloud.coordinates().float().expand(len(outputs), -1, -1),
            f"{name}.weights": cloud.weights().float().expand(len(outputs), -1),
        }
        yield _split(signature, cloud, {**flat, **companions} if varies else flat, outputs.flatten(2), sizes)
    globe, f, u = sphere(sizes.samples)
    on_globe = DomainType.of(globe)
    signature = Signature({"f": Function((Quantity("f"),), on_globe)}, Function((Quantity("u"),), on_globe))
    yield _split(signature, globe, f, u, sizes)


def _split(
    signature: Signature, domain: Domain, inputs: Inputs, outputs: Tensor, sizes: Sizes
) -> tuple[Dataset, Dataset]:
    parts = [
        Dataset.from_arrays(
            signature,
            domain,
            {name: values[part] for name, values in inputs.items()},
            outputs[part],
            input_domains=dict.fromkeys(signature.inputs, domain),
        )
        for part in (slice(0, sizes.train), slice(sizes.train, None))
    ]
    return parts[0], parts[1]


def fitting(name: str, choices: list[tuple[Dataset, Dataset]], size: str = "small") -> tuple[Dataset, Dataset]:
    """The first setting that the operator serves."""
    for train, test in choices:
        try:
            Operator.build(train.signature, f"{name}/{size}", train.output_domain)
        except SignatureError:
            continue
        return train, test
    raise SystemExit(f"{name} serves none of the settings")


def measure(name: str, train: Dataset, test: Dataset, steps: int) -> dict[str, Any]:
    operator = FromCatalogue(f"{name}/small").fit(train, seed=SEED, iterations=steps).operator
    everything = torch.arange(len(test))
    truth, weights = test.outputs(everything).flatten(2), test.output_domain.weights().float()
    with torch.inference_mode():
        batches = [operator(test.inputs(part)).flatten(2) for part in everything.split(20)]
    error = ((torch.cat(batches) - truth).square() * weights).sum((1, 2)) / (truth.square() * weights).sum((1, 2))
    return {
        "parameters": operator.parameter_count,
        "relative_l2": float(error.sqrt().mean()),
        "step_ms": 1e3 * median_seconds(_step(operator, train)),
        "answer_ms": 1e3 * median_seconds(_answer(operator, test)),
    }


def _step(operator: Operator, data: Dataset) -> Callable[[], None]:
    inputs, outputs = data.inputs(torch.arange(20)), data.outputs(torch.arange(20))
    weights = [parameter for parameter in operator.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=0.0) if weights else None

    def step() -> None:
        operator.train()
        loss = (operator(inputs) - outputs).square().mean()
        if optimizer is not None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return step


def _answer(operator: Operator, data: Dataset) -> Callable[[], None]:
    inputs = data.inputs(torch.arange(1))

    def answer() -> None:
        operator.eval()
        with torch.inference_mode():
            operator(inputs)

    return answer


def median_seconds(action: Callable[[], None], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="operators; all of the catalogue by default")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--write", action="store_true", help="keep what was measured in the package and the docs")
    arguments = parser.parse_args()
    choices = list(settings())
    results = {}
    for name in arguments.names or [name for name in OPERATORS if name != "identity"]:
        train, test = fitting(name, choices)
        results[name] = measure(name, train, test, arguments.steps)
        print(name, json.dumps(results[name]), flush=True)
    if arguments.write:
        write(results, arguments.steps)


def write(results: dict[str, Any], steps: int) -> None:
    from fredholm.operators import listing

    path = ROOT / "src/fredholm/operators/measured.json"
    kept = {**json.loads(path.read_text("utf-8"))["operators"], **results}
    facts = {
        "problem": PROBLEM.format(steps=steps),
        "command": "python benchmarks/catalogue.py",
        "date": datetime.date.today().isoformat(),
        "machine": "{processor}, {cores} cores".format(**machine()),
        "seed": SEED,
        "operators": {name: kept[name] for name in OPERATORS if name in kept},
    }
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    listing.measured.cache_clear()
    (ROOT / "docs/operators.md").write_text(listing.page(), encoding="utf-8")


if __name__ == "__main__":
    main()
