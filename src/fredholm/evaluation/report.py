"""Evaluation: an operator on samples it has not seen, beside honest baselines and the solver at equal accuracy."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.baselines import BASELINES
from fredholm.evaluation.diagnostics import Diagnostics, diagnose
from fredholm.evaluation.diagnostics_section import diagnostics_section
from fredholm.evaluation.machine import machine, versions
from fredholm.evaluation.metrics import Errors, measure, window_edges
from fredholm.evaluation.page import Page, Section, Table, write_text
from fredholm.evaluation.speed import Speed, TrainingCost, honest_speed
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem
from fredholm.training.history import History


@dataclass(frozen=True)
class Row:
    """One method: mean relative L2, RMSE in the output's units, and the bytes it stores; or why it does not apply."""

    name: str
    relative_l2: float | None
    rmse: float | None
    stored_bytes: int | None
    obstacle: str | None = None


@dataclass(frozen=True)
class Report:
    """What was measured. `rows[0]` is the operator; the others are baselines in the same run."""

    title: str
    units: str
    rows: tuple[Row, ...]
    errors: Errors
    speed: Speed | None
    cost: TrainingCost | None
    windows: tuple[tuple[float, float], ...]
    figures: dict[str, list[str]] = field(default_factory=dict)
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
                for (a, b), error in zip(self.windows, self.errors.windows.mean(0), strict=False)
            ],
            "speed": asdict(self.speed) if self.speed else None,
            "cost": asdict(self.cost) if self.cost else None,
            "diagnostics": self.diagnostics.to_json(),
            "machine": machine(),
            "versions": versions(),
        }

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
        sections += [Section(title, figures=figures) for title, figures in self.figures.items()]
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

    Raises SignatureError if operator and data do not fit.
    """
    operator.signature.require(test.signature, "the test data")
    operator.signature.require(train.signature, "the training data")
    operator.eval()

    def predict(samples: Tensor) -> Tensor:
        query = None if test.query is None else test.query[samples]
        with torch.inference_mode():
            values: Tensor = operator(test.inputs(samples), query)
        return values

    errors = measure(predict, test)
    rows = [Row(type(operator).__name__, errors.mean, errors.total_rmse, operator.stored_bytes)]
    rows += [_baseline_row(kind, train, test) for kind in BASELINES]
    speed = honest_speed(operator, problem, test, errors.mean, cost) if problem is not None else None
    units = test.signature.output.channels[0].units
    name = title or f"{type(operator).__name__} on {test.problem.get('name', 'data')}"
    figures = _figures(errors, test, predict, history)
    found = diagnose(operator, test, problem)
    return Report(name, units, tuple(rows), errors, speed, cost, tuple(window_edges(test)), figures, found)


def _baseline_row(kind: Any, train: Dataset, test: Dataset) -> Row:
    obstacle = kind.obstacle(train, test)
    if obstacle is None and (train.query is not None or test.query is not None):
        obstacle = "outputs are at points of each sample's own"
    if obstacle is not None:
        return Row(kind.name, None, None, None, obstacle)
    baseline = kind(train)
    errors = measure(lambda samples: baseline.predict(test, samples), test)
    return Row(kind.name, errors.mean, errors.total_rmse, baseline.stored_bytes)


def _figures(errors: Errors, test: Dataset, predict: Any, history: History | None) -> dict[str, list[str]]:
    from fredholm.evaluation.figures import errors_by_sample, fields_side_by_side, training_curves

    figures: dict[str, list[str]] = {}
    if history is not None and history.losses:
        figures["Training"] = [training_curves(history)]
    figures["Errors by sample and by window"] = [errors_by_sample(errors, test)]
    if test.query is None:
        order = errors.relative_l2.argsort()
        picks = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
        figures["Fields"] = [
            fields_side_by_side(
                test.outputs(index[None])[0],
                predict(index[None])[0],
                test,
                f"{name} sample: {_percent(float(errors.relative_l2[index]))}",
            )
            for name, index in picks.items()
        ]
    return figures


def _speed_sentence(speed: Speed) -> str:
    text = (
        f"One field takes the solver {_time(speed.solver_seconds)}, and {_time(speed.equal_solver_seconds)} at the "
        f"surrogate's accuracy (grid {speed.equal_factor:g} times as coarse); the surrogate takes "
        f"{_time(speed.surrogate_seconds)}. "
    )
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
