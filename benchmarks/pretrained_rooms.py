"""The rooms that ship with the package: solved, learned in closed form, measured on unseen sources, exported.

Sources to learn from stand on a lattice of five to a wavelength, those to measure with anywhere at random. Errors are
of whole fields at all times. Seconds are of wall-clock time.

    python benchmarks/pretrained_rooms.py [NAME ...] [--write]

`--write` puts the artifacts into the package and keeps the table in the documentation.
"""

import argparse
import datetime
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from fredholm.data import Dataset, generate
from fredholm.deploy import export, save
from fredholm.deploy.pretrained import DIRECTORY
from fredholm.evaluation import Report, TrainingCost, evaluate
from fredholm.evaluation.machine import machine, versions
from fredholm.problems import Box, RandomSources, Recording, Room, SourceLattice
from fredholm.training.recipes import PODLinear

PAGE = Path(__file__).parents[1] / "docs/results/pretrained-rooms.md"
SEED, TEST_SEED, TEST_SAMPLES = 0, 1, 24


@dataclass(frozen=True)
class Case:
    """A room with its training sources, and the recipe of its operator."""

    room: Room
    recipe: PODLinear


CASES = {
    "square": Case(Room(sources=SourceLattice(9)), PODLinear()),
    "cube": Case(
        Room(
            shape=Box((2.0, 2.0, 2.0)),
            sources=SourceLattice(5),
            highest_frequency=250.0,
            spacing=0.125,
            recording=Recording(0.03, 0.001),
            margin=0.5,
        ),
        # every point of the browser's picture costs as many operations as the modes have numbers
        PODLinear(tolerance=0.012),
    ),
}


def made(name: str, case: Case, directory: Path, scratch: Path) -> str:
    """The artifact of one room, written to `directory`; its row of the table."""
    room = case.room
    assert isinstance(room.sources, SourceLattice)
    sources = len(room.sources.points(room.shape, room.margin))
    start = time.perf_counter()
    train, test_room = generate(room, sources, SEED, scratch / f"{name}-train"), replace(room, sources=RandomSources())
    test = generate(test_room, TEST_SAMPLES, TEST_SEED, scratch / f"{name}-test")
    solved = time.perf_counter() - start
    start = time.perf_counter()
    fitted = case.recipe.fit(train, seed=SEED)
    learned = time.perf_counter() - start
    cost = TrainingCost(generation_seconds=solved, training_seconds=learned)
    report = evaluate(fitted.operator, test, train=train, problem=test_room, cost=cost)
    artifact = directory / name
    save(fitted.operator, artifact, provenance=fitted.provenance, accuracy=report.accuracy())
    print(f"{name}: {report.verdict}\n{export(artifact).summary}")
    return row(name, train, case.recipe, report, solved, learned, size_of(artifact))


def row(
    name: str, train: Dataset, recipe: PODLinear, report: Report, solved: float, learned: float, stored: int
) -> str:
    """A line of the table."""
    room, errors = CASES[name].room, report.errors
    lengths = " × ".join(f"{length:g}" for length in room.shape.lengths)
    cells = (
        f"`{name}`",
        f"{lengths} m, {room.highest_frequency:g} Hz, {1e3 * room.recording.duration:g} ms",
        f"{len(train)}",
        f"`pod-linear`, tolerance {recipe.tolerance:g}",
        f"{solved:.1f} s",
        f"{learned:.1f} s",
        f"{100 * errors.mean:.2f} %",
        f"{100 * float(errors.relative_l2.max()):.2f} %",
        f"{errors.total_rmse:.5f}",
        f"{stored / 1e6:.2f} MB",
    )
    return "| " + " | ".join(cells) + " |"


def size_of(artifact: Path) -> int:
    """Bytes of all files, graphs included."""
    return sum(file.stat().st_size for file in artifact.iterdir())


def page(rows: list[str]) -> str:
    """The table with what it was made by."""
    about, (summary, _, rest) = machine(), (__doc__ or "").partition("\n")
    header = (
        "| room | what | training sources | recipe | solving | learning | error | largest error | RMSE, Pa | files |",
        "|---|---|---|---|---|---|---|---|---|---|",
    )
    paragraph = rest.strip().partition("\n\n")[0]
    return "\n".join(
        (
            "# Rooms that ship with the package",
            "",
            "```bash",
            "python benchmarks/pretrained_rooms.py --write",
            "```",
            "",
            f"{datetime.date.today()}, {about['cores']} cores of {about['processor']}, torch {versions()['torch']}; "
            f"seed {SEED} of the training, {TEST_SEED} of the {TEST_SAMPLES} test sources.",
            "",
            summary,
            paragraph,
            "",
            *header,
            *rows,
            "",
            "`fredholm demo` opens them. Each artifact's manifest holds its errors, its recipe and the parameters of",
            "its problem.",
            "",
        )
    )


def main() -> None:
    """Make the rooms, print the page, and keep both if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(CASES), metavar="NAME")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = DIRECTORY if arguments.write else Path(scratch) / "rooms"
        text = page([made(name, CASES[name], directory, Path(scratch)) for name in arguments.names])
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
