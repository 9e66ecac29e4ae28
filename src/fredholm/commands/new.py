"""`fredholm new problem NAME` and `fredholm new operator NAME`."""

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="Name of the module, such as heat_pipe.")]
Directory = Annotated[Path | None, typer.Option("--directory", "-d", help="Where to write; default: NAME.")]

new_app = typer.Typer(help="Begin a problem or an operator of your own.", no_args_is_help=True)


@new_app.command("problem")
def new_problem(name: Name, directory: Directory = None) -> None:
    """Write a problem with its solver, its tests and a training script; edit, and run `pytest`."""
    _write("problem", name, directory or Path(name))


@new_app.command("operator")
def new_operator(name: Name, directory: Directory = None) -> None:
    """Write an operator with its tests and a training script; edit, and run `pytest`."""
    _write("operator", name, directory or Path(name))


def _write(kind: str, name: str, directory: Path) -> None:
    from fredholm.scaffolds import write_project

    for path in write_project(kind, name, directory):
        typer.echo(f"wrote {path}")
    typer.echo(f"next: cd {directory} && pytest && python train.py")
