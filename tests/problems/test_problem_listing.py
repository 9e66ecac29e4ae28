"""The pages, the pictures and the costs of the documentation are those of the problems that there are."""

from pathlib import Path

import pytest

from fredholm.errors import UnknownNameError
from fredholm.evaluation.problem_picture import problem_picture
from fredholm.problems import PROBLEMS, listing

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_has_its_page_and_its_picture(name: str) -> None:
    assert (DOCS / f"problems/{name}.md").read_text(encoding="utf-8") == listing.page(name)
    assert (DOCS / f"images/problems/{name}.png").read_bytes().startswith(b"\x89PNG")
    assert f"problems/{name}.md" in (DOCS.parent / "mkdocs.yml").read_text(encoding="utf-8")


def test_pages_are_of_problems() -> None:
    assert {path.stem for path in (DOCS / "problems").glob("*.md")} == set(PROBLEMS)
    assert set(listing.measured()["problems"]) == set(PROBLEMS)
    with pytest.raises(UnknownNameError, match="did you mean 'darcy'"):
        listing.page("darci")


@pytest.mark.parametrize("name", ["antiderivative", "darcy", "elasticity"])
def test_a_picture_has_a_panel_for_every_function_of_every_sample(name: str) -> None:
    problem = PROBLEMS[name]()
    figure = problem_picture(problem)
    drawn = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert len(drawn) == 2 * (len(problem.input_domains) + 1)
    assert all(axes.lines or axes.images or axes.collections for axes in drawn)
