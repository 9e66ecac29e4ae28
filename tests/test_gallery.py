"""The gallery has a picture of every problem and of every operator, and each leads to its page."""

import re
from pathlib import Path

from fredholm.operators.catalogue import OPERATORS
from fredholm.problems import PROBLEMS

DOCS = Path(__file__).parents[1] / "docs"
MOST_BYTES = 1_500_000  # of all operators' pictures


def test_every_problem_and_operator_has_its_picture() -> None:
    page = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"\[!\[.*?\]\((images/.*?\.png)\)\]\((.*?)\)", page))
    assert shown == {f"images/problems/{name}.png": f"problems/{name}.md" for name in PROBLEMS} | {
        f"images/operators/{name}.png": f"operators.md#{name}" for name in OPERATORS
    }
    assert all((DOCS / picture).read_bytes().startswith(b"\x89PNG") for picture in shown)
    assert all((DOCS / target.partition("#")[0]).exists() for target in shown.values())
    assert sum((DOCS / f"images/operators/{name}.png").stat().st_size for name in OPERATORS) < MOST_BYTES
