"""The page on deep conjugate directions: its examples print what it says."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/systems/deep-conjugate-direction.md"


@pytest.mark.slow
def test_the_examples_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("```python\n", "").replace("```\n", "\n")  # fences are no output
    found = doctest.DocTestParser().get_doctest(text, {}, PAGE.name, str(PAGE), 0)
    assert len(found.examples) > 25
    failed, _ = doctest.DocTestRunner(verbose=False).run(found)
    assert not failed
