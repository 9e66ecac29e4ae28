"""Self-contained report pages: sections of text, tables and figures in one HTML file that needs no network."""

import base64
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from fredholm.errors import DataError


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; `mark` names the row to emphasise."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    mark: str | None = None


@dataclass(frozen=True)
class Section:
    """A heading, paragraphs, then tables and figures (PNG as base64)."""

    title: str
    text: Sequence[str] = ()
    tables: Sequence[Table] = ()
    figures: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """A report: its title, its verdict, and what follows."""

    title: str
    verdict: str
    sections: Sequence[Section]
    good: bool = True
    facts: dict[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """The page."""
        from jinja2 import Environment

        template = files("fredholm.evaluation").joinpath("page.html").read_text(encoding="utf-8")
        return (
            Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template).render(page=self)
        )


def figure_png(figure: Any) -> str:
    """A matplotlib figure as base64 PNG; one of pyplot's is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight", metadata={"Software": None})
    if (pyplot := sys.modules.get("matplotlib.pyplot")) is not None:
        pyplot.close(figure)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def write_text(path: Path, text: str) -> None:
    """Write a file beside and rename it; raises DataError if that cannot be."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DataError(f"{path} cannot be written: {error}") from error
