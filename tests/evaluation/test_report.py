"""Reports say what was measured, name the rivals that win, and need no network."""

import json
import re
from pathlib import Path

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.evaluation import StudyReport, Target, TrainingCost, evaluate
from fredholm.operators import DeepONet, fit_pod_linear
from fredholm.problems import Antiderivative
from fredholm.training.recipes import sensors_of
from rooms import TEST_ROOM, TRAIN_ROOM, solved


@pytest.fixture(scope="module")
def sets() -> tuple:
    return solved(TRAIN_ROOM, 25, 0), solved(TEST_ROOM, 5, 1)


def test_report_of_a_good_operator(sets: tuple, tmp_path: Path) -> None:
    train, test = sets
    operator = fit_pod_linear(train, sensors_of(train, 8), rank=20)
    report = evaluate(operator, test, train=train, problem=TEST_ROOM, cost=TrainingCost(1.0, generation_seconds=2.0))
    report.write(tmp_path)
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["methods"][0]["relative_l2"] == pytest.approx(report.errors.mean)
    assert {row["name"] for row in saved["methods"]} >= {"nearest training sample", "multilinear look-up"}
    assert saved["speed"]["solver_seconds"] > 0
    slopes = saved["diagnostics"]["slopes"][0]
    assert f"Its derivative by initial_pressure is {100 * slopes['error']:.3g} % off." in report.verdict
    assert saved["samples"]["relative_l2"] == pytest.approx(report.errors.relative_l2.tolist())
    page = (tmp_path / "report.html").read_text()
    assert page.count("data:image/png;base64") >= 4
    assert "Slopes, structure, scales" in page
    assert not re.findall(r"https?://", page)


def test_an_operator_that_loses_says_to_whom(sets: tuple) -> None:
    train, test = sets
    operator = fit_pod_linear(train, sensors_of(train, 8), rank=1)
    report = evaluate(operator, test, train=train)
    assert report.better
    assert "It loses to" in report.verdict
    assert "multilinear look-up" in report.verdict


def test_equal_accuracy_never_trusts_a_worse_solver(sets: tuple) -> None:
    train, test = sets
    operator = fit_pod_linear(train, sensors_of(train, 8), rank=4)
    speed = evaluate(operator, test, train=train, problem=TEST_ROOM).speed
    assert speed is not None
    assert speed.equal_solver_error <= evaluate(operator, test, train=train).errors.mean
    assert speed.break_even_queries is None  # no cost was given


def test_data_of_another_problem_are_refused(sets: tuple) -> None:
    train, test = sets
    problem = Antiderivative()
    operator = fit_pod_linear(train, sensors_of(train, 8), rank=2)
    foreign = DeepONet(problem.signature, problem.line, operator.branch, operator.trunk)
    with pytest.raises(SignatureError, match="the test data does not fit: input 'initial_pressure'"):
        evaluate(foreign, test, train=train)


@pytest.mark.parametrize(
    ("value", "relation", "met"), [(1.0, "<=", True), (1.1, "<=", False), (float("nan"), ">=", False)]
)
def test_targets(value: float, relation: str, met: bool) -> None:
    assert Target("x", value, relation, 1.0).met is met  # type: ignore[arg-type]


def test_study_report_has_every_promised_entry(tmp_path: Path) -> None:
    targets = (Target("error", 0.5, "<=", 1.0), Target("gain", 0.5, ">=", 1.0))
    report = StudyReport("x", "claim", "paper", {"a": {"error": 0.5}}, {"b": 1.0}, targets, 2.0, 0, "quick")
    report.write(tmp_path)
    saved = json.loads((tmp_path / "report.json").read_text())
    promised = {"claim", "measured", "baseline", "paper", "seconds", "machine", "versions", "targets"}
    assert promised <= set(saved)
    assert saved["targets"][1] == {"name": "gain", "value": 0.5, "relation": ">=", "bound": 1.0, "met": False}
    assert not report.met
    assert "Missed: gain" in (tmp_path / "report.html").read_text()


def test_a_field_of_nothing_has_no_error_to_divide_by(sets: tuple) -> None:
    train, test = sets
    silent = type(test).from_arrays(
        test.signature,
        test.output_domain,
        test.inputs(torch.arange(2)),
        torch.zeros_like(test.outputs(torch.arange(2))),
    )
    report = evaluate(fit_pod_linear(train, sensors_of(train, 8), rank=2), silent, train=train)
    assert torch.isfinite(report.errors.relative_l2).all()
