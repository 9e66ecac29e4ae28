"""The command line: it parses, calls and prints. What it does lives in the packages it calls, loaded only when used."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from fredholm import __version__
from fredholm.commands.new import new_app
from fredholm.commands.printing import AsJson, Output, Seed, console, listing, progress
from fredholm.commands.sound import sound_app
from fredholm.commands.study import study_app
from fredholm.commands.twin import twin_app


class _Commands(TyperGroup):
    """Commands that Ctrl-C ends with what the interrupted work says of going on, which typer would drop."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            _fail(str(interrupt) or "interrupted", 130)


app = typer.Typer(
    name="fredholm",
    cls=_Commands,
    help="Learn operators from solvers or data, measure them honestly, and ship them.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
run_app = typer.Typer(help="Whole jobs in one command.", no_args_is_help=True)
data_app = typer.Typer(help="Files with data, yours and other people's.", no_args_is_help=True)
app.add_typer(run_app, name="run")
app.add_typer(new_app, name="new")
app.add_typer(data_app, name="data")
app.add_typer(study_app, name="study")
app.add_typer(sound_app, name="sound")
app.add_typer(twin_app, name="twin")

Host = Annotated[str, typer.Option(help="Address to bind; anything but loopback exposes the service.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to bind.")]
ClusterAddress = Annotated[str | None, typer.Option(help="Address of a Ray cluster to run on, such as auto.")]
Split = Annotated[str | None, typer.Option(help="Which part of the file, where it has several.")]
Parameters = Annotated[str, typer.Option(help="Parameters of the problem as JSON, or @FILE that holds it.")]


@run_app.command("room")
def run_room(
    output: Output = Path("runs/room"),
    operator: Annotated[str, typer.Option(help="Recipe of the operator; see `fredholm operators`.")] = "pod-linear",
    seed: Seed = 0,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    parameters: Parameters = "{}",
) -> None:
    """Solve, learn, measure, export and serve a room; drag source and listener in the browser."""
    from fredholm.studies.room_walk import RoomWalk

    walk = RoomWalk(output, operator, seed, _parameters(parameters))
    artifact = walk.prepare(console())
    walk.serve(artifact, host, port, console())


@app.command()
def problems(
    name: Annotated[str | None, typer.Argument(help="One problem: its page of the documentation.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the problems: what there is to learn, and what a sample costs the reference solver."""
    from fredholm.problems.listing import page, rows

    if name is not None:
        typer.echo(page(name), nl=False)
    else:
        listing("Problems", rows(), as_json)


@app.command()
def operators(
    name: Annotated[str | None, typer.Argument(help="One operator, with all that is known of it.")] = None,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the page of the documentation.")] = False,
) -> None:
    """List the operators: what each can do, what it costs, what it measured; and the recipes of `train`."""
    from fredholm.operators.listing import details, page, rows

    if as_markdown:
        typer.echo(page(), nl=False)
    elif name is not None:
        found = details(name)
        listing(name, found if as_json else [{"": key, name: value} for key, value in found[0].items()], as_json)
    else:
        listing("Operators", rows(), as_json)
        if not as_json:
            from fredholm.training.recipes import RECIPES

            recipes = [{"name": name, "summary": recipe.summary} for name, recipe in RECIPES.items()]
            listing("Recipes of `train`, besides any operator above", recipes, as_json)


@app.command()
def systems(as_json: AsJson = False) -> None:
    """List the published systems in scope and their state: works, partial or planned."""
    from fredholm.studies.systems import systems as all_systems

    listing("Systems", [vars(system) for system in all_systems()], as_json)


@app.command()
def generate(
    problem: Annotated[str, typer.Argument(help="Name of the problem.")],
    n: Annotated[int, typer.Option("-n", "--samples", min=1, help="Number of samples.")],
    output: Output,
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=0, help="Worker processes; default: one a core.")] = None,
    cluster: ClusterAddress = None,
    parameters: Parameters = "{}",
) -> None:
    """Run a problem's reference solver and store a data set; an interrupted run resumes."""
    import warnings

    from fredholm.data import Cluster
    from fredholm.data import generate as generate_data
    from fredholm.data.failures import told
    from fredholm.errors import SamplesLeftOut
    from fredholm.problems import problem_named

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplesLeftOut)  # told below, without a line of source code
        who = workers if cluster is None else Cluster(cluster)
        data = generate_data(problem_named(problem, _parameters(parameters)), n, seed, output, workers=who)
    if data.failures:
        console().print(f"[yellow]warning:[/yellow] {told(data.failures, n, seed)}")
    console().print(f"{len(data)} samples of [b]{problem}[/b] in {output}")


@data_app.command("inspect")
def data_inspect(
    path: Annotated[Path, typer.Argument(help="File or folder.")],
    as_json: AsJson = False,
) -> None:
    """Say what a file is: its arrays, units and splits, and the signature that it gives."""
    from fredholm.data import contents_of
    from fredholm.fields.signature_words import entries_of

    contents = contents_of(path)
    if as_json:
        typer.echo(json.dumps(contents.to_json(), indent=2, ensure_ascii=False))
        return
    console().print(f"[b]{path}[/b]: {contents.format}\n")
    rows = [{**vars(array), "shape": " x ".join(map(str, array.shape))} for array in contents.arrays]
    listing("Arrays, as stored", rows, as_json)
    for names, signature in contents.signatures():
        sizes = ", ".join(f"{name} ({len(contents.splits[name])} samples)" for name in names)
        listing(f"Signature of {sizes}", entries_of(signature), as_json)
    for note in contents.notes:
        console().print(f"- {note}", markup=False)


@data_app.command("cfdbench")
def data_cfdbench(
    output: Annotated[Path, typer.Argument(help="Root of the folders; what is there already stays.")],
    problem: Annotated[str, typer.Option(help="cavity, tube, dam or cylinder.")] = "cavity",
    subset: Annotated[list[str] | None, typer.Option(help="prop, bc, geo; all of them by default.")] = None,
    points: Annotated[int, typer.Option(help="Rows and columns of a frame.")] = 64,
    frames: Annotated[int, typer.Option(help="Frames of a case.")] = 25,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one a core.")] = None,
) -> None:
    """Solve for the cases of a CFDBench flow and write them in its folders; an interrupted run resumes."""
    from fredholm.data.cfdbench import flow_named, write_cases
    from fredholm.problems.benchmark_flow import SUBSETS

    written = write_cases(flow_named(problem, points, frames), output, subset or SUBSETS, workers=workers)
    for case, reason in written.failures.items():
        console().print(f"[yellow]warning:[/yellow] {case} is left out: {reason}")
    console().print(f"{written.cases} cases of [b]{problem}[/b] in {output}, {written.solved} of them new")


@app.command()
def train(
    data: Annotated[Path, typer.Argument(help="Data set made by `fredholm generate`, or a file that `inspect` knows.")],
    output: Output,
    operator: Annotated[str, typer.Option(help="Recipe, or operator as `fno` or `fno/small`.")] = "pod-linear",
    iterations: Annotated[int | None, typer.Option(min=1, help="Training steps; default: the recipe's.")] = None,
    seed: Seed = 0,
    split: Split = None,
) -> None:
    """Build an operator for a data set and fit it; an interrupted run resumes."""
    from fredholm.deploy import save
    from fredholm.training.recipes import recipe_named

    dataset = _opened(data, split, "train")
    fitted = recipe_named(operator).fit(dataset, seed=seed, directory=output / "training", iterations=iterations)
    save(fitted.operator, output / "artifact", provenance=fitted.provenance)
    console().print(f"operator saved in {output / 'artifact'}: {fitted.operator.parameter_count:,} parameters")


@app.command()
def evaluate(
    artifact: Annotated[Path, typer.Argument(help="Saved operator.")],
    test: Annotated[Path, typer.Argument(help="Data set the operator has not seen.")],
    training: Annotated[Path, typer.Option("--train", help="Data set it was trained on, for the baselines.")],
    output: Output = Path("reports/evaluation"),
    split: Split = None,
    cluster: ClusterAddress = None,
) -> None:
    """Measure an operator on unseen samples, beside honest baselines and the solver at equal accuracy."""
    from fredholm.data import Cluster
    from fredholm.deploy import load
    from fredholm.evaluation import TrainingCost
    from fredholm.evaluation import evaluate as evaluate_operator
    from fredholm.problems import PROBLEMS, problem_named

    tested = _opened(test, split, "test")
    about = tested.problem
    problem = problem_named(about["name"], about["parameters"]) if about.get("name") in PROBLEMS else None
    train, loaded = _opened(training, None, "train"), load(artifact)
    seconds = loaded.manifest.provenance.get("training_seconds")
    cost = TrainingCost(float(seconds), samples=len(train)) if isinstance(seconds, int | float) else None
    who = None if cluster is None else Cluster(cluster)
    with progress("measuring"):
        report = evaluate_operator(loaded.operator, tested, train=train, problem=problem, cost=cost, workers=who)
    report.write(output)
    console().print(report.verdict)
    console().print(f"report: {output / 'report.html'}")


@app.command()
def calibrate(
    artifact: Annotated[Path, typer.Argument(help="Saved operator.")],
    data: Annotated[
        Path, typer.Argument(help="Samples the operator has not seen, from where new ones will come from.")
    ],
    training: Annotated[
        Path | None, typer.Option("--train", help="Data set it was trained on, to tell which inputs are far from it.")
    ] = None,
    level: Annotated[list[float] | None, typer.Option(help="Level of a band; repeat it for several.")] = None,
    seed: Seed = 0,
    split: Split = None,
) -> None:
    """Give an operator error bars that hold, and limits beyond which to doubt it; both go into the artifact."""
    from fredholm.deploy import calibrate as calibrate_artifact

    unseen = _opened(data, split, "test")
    train = None if training is None else _opened(training, None, "train")
    calibration = calibrate_artifact(artifact, unseen, training=train, levels=level, seed=seed).error_bars
    listing("Bands", calibration.bands(), as_json=False)
    listing("Limits", [{"check": name, "at most": f"{limit:.4g}"} for name, limit in calibration.bounds.items()], False)


@app.command()
def export(
    artifact: Annotated[Path, typer.Argument(help="Saved operator.")],
) -> None:
    """Export an operator to ONNX, checked equal at export; the certificate goes into the artifact."""
    from fredholm.deploy import export as export_artifact

    certificate = export_artifact(artifact)
    console().print(certificate.summary)


@app.command()
def serve(
    models: Annotated[list[str], typer.Argument(help="Saved operator, or several as NAME=PATH.")],
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token_file: Annotated[Path | None, typer.Option(help="File with a bearer token; else FREDHOLM_TOKEN.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Take new versions as they are saved.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Samples run together; 1 answers one by one.")] = 32,
    window: Annotated[float, typer.Option(min=0, help="Milliseconds to wait for others to run with.")] = 2.0,
    requests: Annotated[int, typer.Option(min=1, help="Requests that are taken at once.")] = 128,
    seconds: Annotated[float, typer.Option(min=0.01, help="Until an answer begins.")] = 30.0,
    body_bytes: Annotated[int, typer.Option(min=1, help="Of a request.")] = 16 * 2**20,
    values: Annotated[int, typer.Option(min=1, help="Of an answer.")] = 4_000_000,
) -> None:
    """Serve operators over HTTP: typed endpoints, and the room page of a room; SIGTERM finishes what was taken."""
    from fredholm.deploy import service

    service.serve(
        service.named_paths(models),
        host=host,
        port=port,
        limits=service.Limits(body_bytes, values, seconds, requests),
        batching=service.Batching(batch, window / 1000),
        token=service.read_token(token_file),
        watch=1.0 if watch else None,
    )


@app.command()
def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")] = True,
) -> None:
    """Walk through rooms that are learned already: a cube in three dimensions, and a flat room."""
    from fredholm.deploy.pretrained import pretrained_rooms
    from fredholm.deploy.service.showing import show

    rooms = pretrained_rooms()
    pages = [f"/v1/models/{name}/room/" for name in rooms]
    show(rooms, pages, host=host, port=port, open_browser=browser, console=console())


@app.command()
def bench(
    part: Annotated[list[str] | None, typer.Argument(help="Parts or groups; all of them by default.")] = None,
    output: Output = Path("reports/bench"),
    rounds: Annotated[int, typer.Option(min=1, help="Of each measurement, in turn.")] = 7,
    threads: Annotated[int | None, typer.Option(min=1, help="Of torch; its own choice by default.")] = None,
    as_json: AsJson = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of the documentation.")] = False,
) -> None:
    """Measure the toolkit beside its peers and the machine's limits, in one run; leave the machine alone meanwhile."""
    import torch

    from fredholm.bench import BenchReport, measure, parts_named

    if threads is not None:
        torch.set_num_threads(threads)
    results = []
    for name, measured in parts_named(part or ()).items():
        with progress(f"measuring {name}"):
            results.append(measure(name, measured, rounds))
    report = BenchReport(tuple(results), torch.get_num_threads(), rounds)
    report.write(output)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    elif as_markdown:
        typer.echo(report.markdown())
    else:
        listing("Benchmarks", report.rows(), as_json=False)
        console().print(f"report: {output / 'bench.html'}")


@app.callback(invoke_without_command=True)
def version(show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Learn operators from solvers or data, measure them honestly, and ship them."""
    if show:
        typer.echo(f"fredholm {__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point: errors of the toolkit are a message and exit code 2, Ctrl-C is 130, anything else a traceback."""
    from fredholm.errors import FredholmError

    try:
        app()
    except FredholmError as error:
        _fail(str(error), 2)


def _fail(message: str, code: int) -> NoReturn:
    from rich.console import Console

    Console(stderr=True).print(f"[red]error:[/red] {message}", highlight=False, soft_wrap=True)
    sys.exit(code)


def _opened(path: Path, split: str | None, usual: str) -> Any:
    """The data set in a file: the split asked for, or the usual one, or all there is."""
    from fredholm.data import contents_of

    contents = contents_of(path)
    return contents.split(split or (usual if usual in contents.splits else None), path)


def _parameters(text: str) -> dict[str, Any]:
    """JSON given on the command line or, behind an @, in a file."""
    from fredholm.errors import DataError

    try:
        parameters = json.loads(Path(text[1:]).read_text(encoding="utf-8") if text.startswith("@") else text)
    except (OSError, ValueError) as error:
        raise DataError(f"--parameters {text!r} is not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise DataError(f'--parameters must be a JSON object such as {{"highest_frequency": 250}}, got {text!r}')
    return parameters
