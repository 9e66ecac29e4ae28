"""How often do error bars hold? Nominal and measured coverage on fresh samples, for three problems.

An operator that is quick to fit is calibrated on samples it has not seen and asked for bands on others. Pointwise
coverage is the share of points inside, averaged over points and samples; simultaneous coverage the share of fields that
lie inside as a whole. Half heights of the bands are relative to the fields' RMS. False alarms are fresh samples with a
score beyond its limit, which the highest level sets. Of one calibration with n samples, the simultaneous coverage has a
standard deviation of about √(level (1 - level) / n) around the nominal one.

    python benchmarks/coverage.py [NAME ...] [--calibration N] [--test N] [--seed S] [--write]

`--write` keeps the table in the documentation.
"""

import argparse
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fredholm.data import Dataset
from fredholm.evaluation import absolute_errors, fit_calibration
from fredholm.evaluation.calibration import Calibration
from fredholm.evaluation.machine import machine, versions
from fredholm.evaluation.spread import LearnedSpread, Spread
from fredholm.operators import Operator
from fredholm.problems import Antiderivative, Burgers, Darcy, Problem
from fredholm.training.recipes import recipe_named

PAGE = Path(__file__).parents[1] / "docs/results/coverage.md"
LEVELS = (0.5, 0.8, 0.9, 0.95)
ALLOWED = 0.02  # between nominal and measured coverage


@dataclass(frozen=True)
class Case:
    """A problem, the recipe of its operator, samples and steps of the training."""

    problem: Problem
    recipe: str
    samples: int
    iterations: int | None = None


CASES = {
    "antiderivative": Case(Antiderivative(), "pod-linear", 200),
    "darcy": Case(Darcy(points=16), "fno/tiny", 400, 600),
    "burgers": Case(Burgers(points=64), "fno/tiny", 400, 600),
}


def data_of(problem: Problem, count: int, seed: int) -> Dataset:
    """Solved samples of the problem's sequence `seed`, in memory."""
    parts = [problem.sample(min(500, count - first), seed, first) for first in range(0, count, 500)]
    outputs = torch.cat([problem.solve(part) for part in parts])
    inputs = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return Dataset.from_arrays(
        problem.signature, problem.output_domain, inputs, outputs, input_domains=problem.input_domains
    )


def rows_of(name: str, case: Case, calibrating: int, tested: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """Rows of both tables: coverage by spread and level, and false alarms by check."""
    problem = case.problem
    train, unseen, fresh = (
        data_of(problem, count, 10 * seed + part) for part, count in enumerate((case.samples, calibrating, tested))
    )
    operator = recipe_named(case.recipe).fit(train, seed=seed, iterations=case.iterations).operator
    samples = torch.arange(len(fresh))
    inputs, truth = fresh.inputs(samples), fresh.outputs(samples)
    with torch.inference_mode():
        answer = operator(inputs)
    spreads: dict[str, Callable[[], Spread | None]] = {
        "RMS profile": lambda: None,
        "learned": lambda: learned(operator, problem, case, seed),
    }
    rows = []
    for title, spread in spreads.items():
        calibration = fit_calibration(
            operator, unseen, training=train, problem=problem, spread=spread(), levels=LEVELS, seed=seed
        )
        with torch.inference_mode():
            rows += [
                [name, title, f"{level:g}", *measured(calibration, inputs, answer, truth, level)] for level in LEVELS
            ]
    with torch.inference_mode():
        found = calibration.examine(inputs, answer, problem)  # the same for every spread
    shares = {check: float((score > found.limits[check]).float().mean()) for check, score in found.scores.items()}
    return rows, [
        [name, check, f"{1 - LEVELS[-1]:.2f}", f"{share:.4f}", verdict(share, 1 - LEVELS[-1])]
        for check, share in shares.items()
    ]


def learned(operator: Operator, problem: Problem, case: Case, seed: int) -> LearnedSpread:
    """An operator trained on the sizes of the errors, over samples of their own."""
    sizes = absolute_errors(operator, data_of(problem, case.samples, 10 * seed + 3))
    return LearnedSpread(recipe_named("fno/tiny").fit(sizes, seed=seed, iterations=300).operator)


def measured(
    calibration: Calibration, inputs: dict[str, Tensor], answer: Tensor, truth: Tensor, level: float
) -> list[str]:
    """Coverage of both bands, and their half heights relative to the fields."""
    error, size = (answer - truth).abs(), truth.square().mean().sqrt()
    point, whole = (calibration.half_width(inputs, level=level, simultaneous=s) for s in (False, True))
    inside = float((error <= point).float().mean()), float((error <= whole).flatten(1).all(1).float().mean())
    heights = (float(half.mean() / size) for half in (point, whole))
    verdicts = [verdict(share, level) for share in inside]
    cells = [f"{share:.4f}" for share in inside], [f"{100 * height:.2f} %" for height in heights]
    return [*cells[0], *cells[1], "no" if "no" in verdicts else "yes"]


def verdict(share: float, nominal: float) -> str:
    """Whether a measured share is near the nominal one."""
    return "yes" if abs(share - nominal) <= ALLOWED else "no"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows under a header, in Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows))


def main() -> None:
    """Measure, print, and write the page if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CASES), metavar="NAME")
    parser.add_argument("--calibration", type=int, default=4000)
    parser.add_argument("--test", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    start, rows, alarms = time.perf_counter(), list[list[str]](), list[list[str]]()
    for name in arguments.names:
        covered, alarmed = rows_of(name, CASES[name], arguments.calibration, arguments.test, arguments.seed)
        rows, alarms = rows + covered, alarms + alarmed
    near = f"within {ALLOWED:g}"
    bands = [
        "problem",
        "spread",
        "level",
        "pointwise",
        "simultaneous",
        "half height",
        "half height, simultaneous",
        near,
    ]
    tables = f"{table(bands, rows)}\n\n{table(['problem', 'check', 'nominal', 'false alarms', near], alarms)}"
    print(f"{tables}\n\n{time.perf_counter() - start:.0f} s")
    if arguments.write:
        about = (
            f"{datetime.date.today()}, {machine()['processor']}, torch {versions()['torch']}; {arguments.calibration} "
            f"samples calibrate, {arguments.test} fresh ones test; seed {arguments.seed}."
        )
        command = "```bash\npython benchmarks/coverage.py --write\n```"
        meaning = (__doc__ or "").split("\n\n")[1]
        PAGE.write_text(
            f"# Coverage of error bars\n\n{command}\n\n{about}\n\n{meaning}\n\n{tables}\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
