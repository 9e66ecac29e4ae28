"""What commands print: tables, JSON, messages; and the options that many of them have."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Directory for results.")]


def console() -> Any:
    """Where results go: a terminal without wrapped lines, or a file."""
    from rich.console import Console

    return Console(soft_wrap=True, highlight=False)


def progress(what: str) -> Any:
    """A line that moves while something takes its time, on the stream of messages."""
    from rich.console import Console

    return Console(stderr=True).status(what)


def listing(title: str, rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows as a table, or as JSON."""
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in rows[0] if rows else ():
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console().print(table)
