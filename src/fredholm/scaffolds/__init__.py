"""Beginnings of projects: a problem or an operator of your own, complete, tested and runnable as written.

A template is a folder of files whose examples are called `new_problem` and `NewProblem`; writing a project is copying
it under another name. Files end in `.txt`, so that nothing takes them for modules of the toolkit.
"""

import keyword
import os
import sys
from importlib.resources import files
from pathlib import Path

from fredholm.errors import ScaffoldError, UnknownNameError

KINDS = ("problem", "operator")


def write_project(kind: str, name: str, directory: str | Path) -> list[Path]:
    """Write the project of a new problem or operator into `directory`, and answer its files.

    Args:
        kind: "problem" or "operator".
        name: of the module, such as "heat_pipe"; the class is then `HeatPipe`.
        directory: is made if need be; none of the files may be in it.

    Raises UnknownNameError for another kind, ScaffoldError for a name that no module or class can have, and where a
    file would be overwritten.

    >>> write_project("problem", "heat_pipe", "heat_pipe")[0].name  # doctest: +SKIP
    'README.md'
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of project", kind, KINDS)
    _require_module_name(name)
    _require_free_name(kind, name)
    template = sorted(files("fredholm.scaffolds").joinpath(kind).iterdir(), key=lambda file: file.name)
    texts = {
        Path(directory) / _renamed(file.name.removesuffix(".txt"), kind, name): _renamed(
            file.read_text(encoding="utf-8"), kind, name
        )
        for file in template
    }
    if taken := [path for path in texts if path.exists()]:
        raise ScaffoldError(f"{taken[0]} exists already: choose another name or --directory")
    try:
        Path(directory).mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            partial = path.with_name(path.name + ".partial")
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, path)
    except OSError as error:
        raise ScaffoldError(f"{directory} cannot be written to: {error}") from error
    return list(texts)


def class_name(name: str) -> str:
    """The class that goes with a module's name.

    >>> class_name("heat_pipe_2d")
    'HeatPipe2d'
    """
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _renamed(text: str, kind: str, name: str) -> str:
    words = {f"new_{kind}": name, f"New{kind.capitalize()}": class_name(name), f"new-{kind}": name.replace("_", "-")}
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _require_module_name(name: str) -> None:
    if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise ScaffoldError(f"{name!r} is no name for a module: take letters, digits and _, such as heat_pipe")
    if name != name.lower() or name.strip("_") != name:
        raise ScaffoldError(f"{name!r} is no name for a module: write it in small letters, such as {_snake(name)}")
    if name in sys.stdlib_module_names or name in ("fredholm", "numpy", "torch", "train", "conftest", "pytest"):
        raise ScaffoldError(f"{name!r} is the name of another module: choose one of your own")


def _require_free_name(kind: str, name: str) -> None:
    """Raise ScaffoldError for a name that a problem, or a class of an operator, of the toolkit has."""
    if kind == "problem":
        from fredholm.problems import PROBLEMS

        taken = name.replace("_", "-") in PROBLEMS
    else:
        from fredholm.layers.architecture import described_types
        from fredholm.operators.catalogue import OPERATORS

        taken = name.replace("_", "-") in OPERATORS or class_name(name) in described_types()
    if taken:
        article = "an" if kind == "operator" else "a"
        raise ScaffoldError(
            f"the toolkit has {article} {kind} named {name!r} or {class_name(name)!r}: choose another name"
        )


def _snake(name: str) -> str:
    apart = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return apart.strip("_").replace("__", "_")
