"""`fredholm study`: papers' claims as experiments."""

from pathlib import Path
from typing import Annotated

import typer

from fredholm.commands.printing import AsJson, Seed, console, listing

study_app = typer.Typer(help="Papers' claims as experiments.", no_args_is_help=True)


@study_app.command("list")
def study_list(as_json: AsJson = False) -> None:
    """List the studies."""
    from fredholm.studies import STUDIES, study_named

    rows = [{"name": slug, "claim": study_named(slug).claim} for slug in sorted(STUDIES)]
    listing("Studies", rows, as_json)


@study_app.command("show")
def study_show(name: Annotated[str, typer.Argument(help="Name of the study.")]) -> None:
    """Show a study's paper and claim, and how to run it."""
    from fredholm.studies import study_named

    study = study_named(name)
    console().print(f"[b]{study.slug}[/b]\n{study.paper}\n\n{study.claim}\n\n  fredholm study run {study.slug}")


@study_app.command("run")
def study_run(
    name: Annotated[str, typer.Argument(help="Name of the study.")],
    budget: Annotated[str, typer.Option(help="quick (ten minutes on two cores) or full.")] = "quick",
    seed: Seed = 0,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: reports/NAME.")] = None,
) -> None:
    """Run a study and write report.html and report.json; exits with 1 if a target is missed."""
    from fredholm.studies import run_study, study_named

    directory = output or Path("reports") / study_named(name).slug
    report = run_study(name, budget, seed, directory, console().print)
    listing("Targets", [target.to_json() for target in report.targets], as_json=False)
    console().print(f"report: {directory / 'report.html'}")
    if not report.met:
        raise typer.Exit(1)
