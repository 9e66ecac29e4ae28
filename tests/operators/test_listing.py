"""The listing and the documentation's page say what the catalogue says."""

from pathlib import Path

import pytest

from fredholm.errors import UnknownNameError
from fredholm.operators import listing
from fredholm.operators.catalogue import OPERATORS

PAGE = Path(__file__).parents[2] / "docs/operators.md"


def test_the_page_of_the_documentation_is_what_the_command_prints() -> None:
    assert PAGE.read_text(encoding="utf-8") == listing.page()


def test_every_operator_has_its_row() -> None:
    assert [row["name"] for row in listing.rows()] == list(OPERATORS)
    for name, entry in OPERATORS.items():
        (told,) = listing.details(name)
        assert told["paper"] == entry.paper
        assert {f"{name}/{preset.name}" for preset in entry.presets} <= set(told)
    with pytest.raises(UnknownNameError, match="did you mean 'mgno'"):
        listing.details("mgn")


def test_what_was_measured_is_of_operators_that_there_are() -> None:
    assert set(listing.measured()["operators"]) <= set(OPERATORS)
