"""Benchmarks: the toolkit beside its peers and beside what the machine can do, as ratios in one run.

Every part answers one question by a list of figures. `fredholm bench` runs them.
"""

from fredholm.bench.parts import GROUPS, measure, parts_named
from fredholm.bench.result import BenchReport, PartResult
from fredholm.bench.side_by_side import Figure

__all__ = ["GROUPS", "BenchReport", "Figure", "PartResult", "measure", "parts_named"]
