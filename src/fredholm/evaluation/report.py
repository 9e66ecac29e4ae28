"""Evaluation: an operator on samples it has not seen, beside honest baselines and the solver at equal accuracy."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fredholm.data.cluster import Cluster
from fredholm.data.dataset import Dataset
from fredholm.errors import DataError, UnknownNameError
from fredholm.evaluation.baselines import BASELINES, Baseline
from fredholm.evaluation.diagnostics import Diagnostics, diagnose
from fredholm.evaluation.diagnostics_section import diagnostics_section
from fredholm.evaluation.machine import machine, versions
from fredholm.evaluation.metrics import Answers, Errors, measure, window_edges
from fredholm.evaluation.page import Page, Section, Table, figure_png, write_text
from fredholm.evaluation.speed import Speed, TrainingCost, honest_speed
from fredholm.fields.domain import Coordinate
from fredholm.fields.field import Field
from fredholm.fields.html_table import html_table
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem
from fredholm.training.history import History

if TYPE_CHECKING:
    from fredholm.fields.pictures import Picture


@dataclass(frozen=True)
class Row:
    """One method: mean relative L2, RMSE in the output's units, and the bytes it stores; or why it does not apply."""

    name: str
    relative_l2: float | None
    rmse: float | None
    stored_bytes: int | None
    obstacle: str | None = None


@dataclass(frozen=True)
class Windows:
    """The windows of one coordinate, the last of the output, by which errors are told."""

    axis: Coordinate
    edges: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Example:
    """One sample as the solver and as the operator answer it."""

    title: str
    truth: Field
    prediction: Field


@dataclass(frozen=True)
class Report:
    """What was measured. `rows[0]` is the operator; the others are baselines in the same run.

    >>> report.plot_fields("worst").savefig("worst.png")  # doctest: +SKIP
    """

    title: str
    units: str
    rows: tuple[Row, ...]
    errors: Errors
    windows: Windows
    speed: Speed | None = None
    cost: TrainingCost | None = None
    history: History | None = None
    examples: tuple[Example, ...] = ()
    diagnostics: Diagnostics = field(default_factory=Diagnostics)

    @property
    def better(self) -> list[Row]:
        """The baselines with a smaller error than the operator's."""
        own = self.rows[0].relative_l2
        return [
            row for row in self.rows[1:] if row.relative_l2 is not None and own is not None and row.relative_l2 < own
        ]

    @property
    def verdict(self) -> str:
        """Errors, rivals and speed in a few sentences."""
        own = self.rows[0]
        text = (
            f"{own.name}: relative L2 error {_percent(own.relative_l2)}, RMSE {own.rmse:.3g} {self.units}".rstrip()
            + ". "
        )
        if self.better:
            rivals = "; ".join(f"{r.name} ({_percent(r.relative_l2)}, {_size(r.stored_bytes)})" for r in self.better)
            text += f"It loses to {rivals}, and stores {_size(own.stored_bytes)} itself. "
        else:
            text += f"No baseline is better; it stores {_size(own.stored_bytes)}. "
        for slopes in self.diagnostics.slopes:
            if slopes.error is not None:
                text += f"Its derivative by {slopes.name} is {_percent(slopes.error)} off. "
        return text + (_speed_sentence(self.speed) if self.speed else "")

    def accuracy(self) -> dict[str, Any]:
        """What an artifact says of its accuracy."""
        own = self.rows[0]
        speed = asdict(self.speed) if self.speed else {}
        return {"relative_l2": own.relative_l2, "rmse": own.rmse, "method": own.name, "speed": speed}

    def to_json(self) -> dict[str, Any]:
        """Everything but the figures."""
        return {
            "title": self.title,
            "verdict": self.verdict,
            "units": self.units,
            "methods": [asdict(row) for row in self.rows],
            "samples": {
                "relative_l2": self.errors.relative_l2.tolist(),
                "rmse": self.errors.rmse.tolist(),
                "largest": self.errors.largest.tolist(),
            },
            "windows": [
                {"from": a, "to": b, "relative_l2": float(error)}
                for (a, b), error in zip(self.windows.edges, self.errors.windows.mean(0), strict=False)
            ],
            "speed": asdict(self.speed) if self.speed else None,
            "cost": asdict(self.cost) if self.cost else None,
            "diagnostics": self.diagnostics.to_json(),
            "machine": machine(),
            "versions": versions(),
        }

    def plot_errors(self) -> "Picture":
        """The sorted errors of the samples, and the mean error by window of the last coordinate."""
        from fredholm.evaluation.figures import errors_by_sample

        return errors_by_sample(self.errors, self.windows.edges, self.windows.axis)

    def plot_methods(self) -> "Picture":
        """The error of the operator, above those of the baselines that apply."""
        from fredholm.evaluation.figures import errors_by_method

        return errors_by_method({row.name: row.relative_l2 for row in self.rows if row.relative_l2 is not None})

    def plot_fields(self, which: str = "median") -> "Picture":
        """Reference, prediction and difference for the "best", the "median" or the "worst" sample.

        Raises UnknownNameError for another one, and where outputs are at points of each sample's own.
        """
        from fredholm.evaluation.figures import comparison

        examples = {example.title.split()[0]: example for example in self.examples}
        if which not in examples:
            raise UnknownNameError("example", which, examples)
        return comparison(examples[which].truth, examples[which].prediction, examples[which].title)

    def plot_training(self) -> "Picture":
        """Loss and validation error by iteration; raises DataError where no history was given to `evaluate`."""
        if self.history is None:
            raise DataError("the report has no training curves: pass history=fit(...) to evaluate")
        return self.history.plot()

    def _figures(self) -> Iterator[tuple[str, list["Picture"]]]:
        if self.history is not None and self.history.losses:
            yield "Training", [self.plot_training()]
        yield "Errors by sample and by window", [self.plot_errors()]
        if self.examples:
            yield "Fields", [self.plot_fields(example.title.split()[0]) for example in self.examples]

    def _repr_html_(self) -> str:
        rows = [
            [row.name, _percent(row.relative_l2), _size(row.stored_bytes)] for row in self.rows if row.obstacle is None
        ]
        return html_table(self.title, ["method", "relative L2", "stores"], rows) + f"<p>{escape(self.verdict)}</p>"

    def write(self, directory: str | Path) -> None:
        """Write report.json and a self-contained report.html."""
        directory = Path(directory)
        write_text(directory / "report.json", json.dumps(self.to_json(), indent=2))
        write_text(directory / "report.html", self.page().html())

    def page(self) -> Page:
        """The report as a page."""
        rows = [
            [r.name, _percent(r.relative_l2), f"{r.rmse:.3g}" if r.rmse is not None else "", _size(r.stored_bytes)]
            if r.obstacle is None
            else [r.name, "does not apply", r.obstacle, ""]
            for r in self.rows
        ]
        table = Table(("method", "relative L2", f"RMSE, {self.units}".rstrip(", "), "stores"), rows, self.rows[0].name)
        sections = [Section("Beside the baselines", tables=[table])]
        sections += [Section(title, figures=list(map(figure_png, found))) for title, found in self._figures()]
        if (found := diagnostics_section(self.diagnostics)) is not None:
            sections.append(found)
        if self.speed:
            sections.append(Section("Speed, honestly", [_speed_sentence(self.speed)]))
        facts = {name.replace("_", " "): str(value) for name, value in {**machine(), **versions()}.items()}
        return Page(self.title, self.verdict, sections, good=not self.better, facts=facts)


def evaluate(
    operator: Operator,
    test: Dataset,
    *,
    train: Dataset,
    problem: Problem | None = None,
    history: History | None = None,
    cost: TrainingCost | None = None,
    title: str | None = None,
    workers: Cluster | None = None,
) -> Report:
    """Measure an operator on `test`, with every baseline that applies fitted to `train`.

    Args:
        operator: what is measured.
        test: samples it was not trained on.
        train: samples it was trained on.
        problem: its reference solver is timed at equal accuracy, and its slopes are compared, if given.
        history: for the training curves.
        cost: seconds spent on data and training, for the break-even.
        title: of the report.
        workers: a Ray cluster that shares the test samples, for the errors of the operator and of the baselines; all
            machines must see the directories of stored data sets. Speed and slopes are measured here.

    Raises SignatureError if operator and data do not fit, DataError for data that cannot be sent to a cluster.
    """
    operator.signature.require(test.signature, "the test data")
    operator.signature.require(train.signature, "the training data")
    operator.eval()
    predict = Answers(operator, test)
    errors = measure(predict, test, workers=workers)
    rows = [Row(type(operator).__name__, errors.mean, errors.total_rmse, operator.stored_bytes)]
    rows += [_baseline_row(kind, train, test, workers) for kind in BASELINES]
    speed = honest_speed(operator, problem, test, errors.mean, cost) if problem is not None else None
    units = test.signature.output.channels[0].units
    name = title or f"{type(operator).__name__} on {test.problem.get('name', 'data')}"
    windows = Windows(test.output_domain.coordinate_axes[-1], tuple(window_edges(test)))
    return Report(
        name,
        units,
        tuple(rows),
        errors,
        windows,
        speed=speed,
        cost=cost,
        history=history,
        examples=_examples(errors, test, predict),
        diagnostics=diagnose(operator, test, problem),
    )


def _baseline_row(kind: type[Baseline], train: Dataset, test: Dataset, workers: Cluster | None) -> Row:
    obstacle = kind.obstacle(train, test)
    if obstacle is None and (train.query is not None or test.query is not None):
        obstacle = "outputs are at points of each sample's own"
    if obstacle is not None:
        return Row(kind.name, None, None, None, obstacle)
    baseline = kind(train)
    errors = measure(partial(baseline.predict, test), test, workers=workers)
    return Row(kind.name, errors.mean, errors.total_rmse, baseline.stored_bytes)


def _examples(errors: Errors, test: Dataset, predict: Answers) -> tuple[Example, ...]:
    """The best, the median and the worst sample, where outputs lie on the output domain."""
    if test.query is not None:
        return ()
    order = errors.relative_l2.argsort()
    picks = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    channels = test.signature.output.channels
    return tuple(
        Example(
            f"{name} sample: {_percent(float(errors.relative_l2[index]))}",
            Field(test.outputs(index[None])[0], test.output_domain, channels),
            Field(predict(index[None])[0], test.output_domain, channels),
        )
        for name, index in picks.items()
    )


def _speed_sentence(speed: Speed) -> str:
    text = f"One field takes the solver {_time(speed.solver_seconds)}"
    if speed.equal_factor > 1:
        text += (
            f", and {_time(speed.equal_solver_seconds)} at the surrogate's accuracy (grid {speed.equal_factor:g} times "
            "as coarse)"
        )
    else:
        text += ", and no coarser version of it is as accurate as the surrogate"
    text += f"; the surrogate takes {_time(speed.surrogate_seconds)}. "
    if speed.break_even_queries is not None:
        return text + f"Data and training have paid for themselves after {speed.break_even_queries:,.0f} fields."
    if speed.equal_solver_seconds <= speed.surrogate_seconds:
        return text + "At equal accuracy the solver is as fast: for whole fields the surrogate does not pay."
    return text


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.3g} %"


def _size(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / 1e6:.3g} MB" if count >= 1e5 else f"{count / 1e3:.3g} kB"
