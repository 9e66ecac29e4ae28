"""The tutorials on problems, operators and pictures: their code is what the command writes, and runs as it stands."""

import ast
from pathlib import Path

import pytest

from fredholm.scaffolds import write_project
from test_readme import ROOT, examples, run

PAGES = {"problem": "rod", "operator": "low_rank"}
FEWER = {
    "iterations=300": "iterations=2",
    "iterations=400": "iterations=2",
    "iterations=200": "iterations=2",
    "Rod(points=32)": "Rod(points=16)",
    "seconds=3": "seconds=3, frames=3",
}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_shows_what_the_command_writes(kind: str, tmp_path: Path) -> None:
    module, tests, _ = examples(f"docs/new-{kind}.md")
    write_project(kind, PAGES[kind], tmp_path)
    assert module == (tmp_path / f"{PAGES[kind]}.py").read_text(encoding="utf-8")
    assert tests == (tmp_path / f"test_{PAGES[kind]}.py").read_text(encoding="utf-8")
    assert f"fredholm new {kind} {PAGES[kind]}" in (ROOT / f"docs/new-{kind}.md").read_text(encoding="utf-8")


def test_an_operator_and_its_tests_are_sixty_lines() -> None:
    module, tests, _ = examples("docs/new-operator.md")
    assert lines_of_code(module) + lines_of_code(tests) <= 60


def test_the_pages_code_runs(tmp_path: Path) -> None:
    for kind, name in PAGES.items():
        write_project(kind, name, tmp_path)
        (tmp_path / "README.md").unlink()
        (tmp_path / "train.py").unlink()
    code = "\n".join([*(examples(f"docs/new-{kind}.md")[-1] for kind in PAGES), *examples("docs/pictures.md")])
    for full, few in FEWER.items():
        assert full in code
        code = code.replace(full, few)
    assert "relative L2 error" in run(code, tmp_path)
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures >= {"rod.png", "median.png", "sample.png", "states.png", "answer.png", "methods.png", "worst.png"}
    assert (tmp_path / "film.gif").exists()


def test_tutorials_are_found_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    section = navigation[navigation.index("- Tutorials:") : navigation.index("- Problems:")]
    for page in ("first-steps", "your-own-solver", "your-own-files", "new-problem", "new-operator", "cluster"):
        assert f"{page}.md" in section
        assert f"({page}.md)" in (ROOT / "docs/index.md").read_text(encoding="utf-8")


def lines_of_code(source: str) -> int:
    """Lines that are neither empty nor docstrings, comments or imports."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    strings = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and ast.get_docstring(node)]
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    skipped = {line for node in [*strings, *imports] for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in skipped
        for number, line in enumerate(source.splitlines(), 1)
    )
