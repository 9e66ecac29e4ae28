"""The study contract: baseline and method in one run, a measured figure, the paper's figure beside it, a verdict."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from fredholm.evaluation.study_report import StudyReport

Say = Callable[[str], None]


class Budget(StrEnum):
    """How much a study may spend: `quick` is ten minutes on two cores, `full` has no limit."""

    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True)
class Run:
    """One execution of a study: its budget, seed, working directory, and where to tell of progress."""

    budget: Budget
    seed: int
    directory: Path
    say: Say


class Study(ABC):
    """A paper's claim as an experiment.

    A subclass names its paper and claim and writes `run`, which measures method and baselines side by side and
    returns a report whose targets hold for any seed.
    """

    slug: ClassVar[str]
    claim: ClassVar[str]
    paper: ClassVar[str]

    @abstractmethod
    def run(self, run: Run) -> StudyReport:
        """Do the experiment and report."""
