"""Study reports: a claim, what was measured beside a baseline and the paper's figure, and targets met or missed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from fredholm.evaluation.machine import machine, versions
from fredholm.evaluation.page import Page, Section, Table, write_text

Relation = Literal["<=", ">="]


@dataclass(frozen=True)
class Target:
    """A measured value and the bound that it has to keep.

    >>> Target("ratio", 0.5, "<=", 0.7).met
    True
    """

    name: str
    value: float
    relation: Relation
    bound: float

    @property
    def met(self) -> bool:
        """Whether the bound holds; a value that is not a number keeps none."""
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound

    def to_json(self) -> dict[str, Any]:
        """With the verdict."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True)
class StudyReport:
    """The result of a study.

    `measured` and `baseline` map what was measured to numbers; `paper` says what the paper reports; `figures` maps
    titles to base64 PNGs.
    """

    slug: str
    claim: str
    paper: str
    measured: dict[str, Any]
    baseline: dict[str, Any]
    targets: tuple[Target, ...]
    seconds: float
    seed: int
    budget: str
    figures: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether every target is met."""
        return all(target.met for target in self.targets)

    def to_json(self) -> dict[str, Any]:
        """Everything but the figures."""
        return {
            "study": self.slug,
            "claim": self.claim,
            "measured": self.measured,
            "baseline": self.baseline,
            "paper": self.paper,
            "seconds": round(self.seconds, 1),
            "seed": self.seed,
            "budget": self.budget,
            "machine": machine(),
            "versions": versions(),
            "targets": [target.to_json() for target in self.targets],
        }

    def write(self, directory: str | Path) -> None:
        """Write report.json and a self-contained report.html."""
        directory = Path(directory)
        write_text(directory / "report.json", json.dumps(self.to_json(), indent=2))
        write_text(directory / "report.html", self.page().html())

    def page(self) -> Page:
        """The report as a page."""
        missed = [target.name for target in self.targets if not target.met]
        verdict = f"Missed: {', '.join(missed)}." if missed else f"All {len(self.targets)} targets are met."
        targets = Table(
            ("target", "measured", "bound", ""),
            [
                (t.name, f"{t.value:.4g}", f"{t.relation} {t.bound:g}", "met" if t.met else "missed")
                for t in self.targets
            ],
        )
        sections = [
            Section("Claim", [self.claim, f"Paper: {self.paper}"]),
            Section("Targets", tables=[targets]),
            Section("Measured", tables=[_numbers(self.measured)]),
            Section("Baselines, in the same run", tables=[_numbers(self.baseline)]),
            *(Section(title, figures=figures) for title, figures in self.figures.items()),
        ]
        facts = {"seed": str(self.seed), "budget": self.budget, "seconds": f"{self.seconds:.0f}"}
        facts |= {name.replace("_", " "): str(value) for name, value in {**machine(), **versions()}.items()}
        return Page(f"Study: {self.slug}", verdict, sections, good=not missed, facts=facts)


def _numbers(values: dict[str, Any]) -> Table:
    rows = []
    for name, value in values.items():
        cells = value if isinstance(value, dict) else {"": value}
        rows += [(name, key, f"{item:.4g}" if isinstance(item, float) else str(item)) for key, item in cells.items()]
    return Table(("what", "quantity", "value"), rows)
