"""The examples of the pages on priors and deblurring say what they print."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "systems"


@pytest.mark.parametrize("page", ["learned-proximal-networks", "deblurring-stability"])
def test_examples_are_true(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8").replace("```\n", "\n")  # fences are no output
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest(text, {}, page, None, None)
    assert len(examples.examples) > 10
    found = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL).run(examples)
    assert found.failed == 0
