"""What a sample of every problem costs its reference solver; and the pages and pictures of the documentation.

    python benchmarks/problems.py [NAME ...] [--write]

A cost is the median over three batches of eight samples, divided by eight, on one process. `--write` keeps the costs
in the package and makes `docs/problems/NAME.md` and `docs/images/problems/NAME.png`.
"""

import argparse
import datetime
import json
import statistics
import time
from pathlib import Path

from fredholm.evaluation.machine import machine
from fredholm.evaluation.problem_picture import problem_picture
from fredholm.problems import PROBLEMS, Problem, listing

ROOT = Path(__file__).parents[1]
BATCH, BATCHES = 8, 3


def seconds_a_sample(problem: Problem) -> float:
    problem.solve(problem.sample(1, seed=0))  # compiles what is compiled
    times = []
    for batch in range(BATCHES):
        inputs = problem.sample(BATCH, seed=0, first=batch * BATCH)
        start = time.perf_counter()
        problem.solve(inputs)
        times.append((time.perf_counter() - start) / BATCH)
        if times[-1] > 2:
            break
    return statistics.median(times)


def write(costs: dict[str, float]) -> None:
    path = ROOT / "src/fredholm/problems/measured.json"
    kept = {**json.loads(path.read_text("utf-8"))["problems"], **costs}
    facts = {
        "command": "python benchmarks/problems.py",
        "date": datetime.date.today().isoformat(),
        "machine": "{processor}, {cores} cores".format(**machine()),
        "problems": {name: kept[name] for name in sorted(kept) if name in PROBLEMS},
    }
    path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    listing.measured.cache_clear()
    pages, pictures = ROOT / "docs/problems", ROOT / "docs/images/problems"
    pages.mkdir(parents=True, exist_ok=True)
    pictures.mkdir(parents=True, exist_ok=True)
    for name in PROBLEMS:
        (pages / f"{name}.md").write_text(listing.page(name), encoding="utf-8")
        if name in costs:
            figure = problem_picture(PROBLEMS[name]())
            figure.savefig(pictures / f"{name}.png", dpi=70, bbox_inches="tight", metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="problems; all by default")
    parser.add_argument("--write", action="store_true", help="keep costs, pages and pictures")
    arguments = parser.parse_args()
    costs = {}
    for name in arguments.names or sorted(PROBLEMS):
        costs[name] = seconds_a_sample(PROBLEMS[name]())
        print(f"{name}: {1e3 * costs[name]:.3g} ms a sample", flush=True)
    if arguments.write:
        write(costs)


if __name__ == "__main__":
    main()
