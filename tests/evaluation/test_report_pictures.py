"""A report draws what it measured: errors, methods, fields and training, each by one call."""

import pytest
import torch

from fredholm.data import Dataset
from fredholm.errors import DataError, UnknownNameError
from fredholm.evaluation import Report, evaluate
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.operators import Operator
from fredholm.training import History

LINE = Grid(Axis("x", 0.0, 1.0, 16, "m"))
SIGNATURE = Signature(
    {"u": Function((Quantity("u"),), DomainType.of(LINE))}, Function((Quantity("s", "Pa"),), DomainType.of(LINE))
)


@pytest.fixture(scope="module")
def report() -> Report:
    u = torch.rand(12, 1, 16, generator=torch.Generator().manual_seed(0)) + 0.5
    data = Dataset.from_arrays(SIGNATURE, LINE, {"u": u}, 2 * u)
    train, test = data.split(8, 4, seed=0)
    history = History(20, 1.0, losses=[(10, 0.5), (20, 0.25)])
    return evaluate(Operator.build(SIGNATURE, "fno/tiny"), test, train=train, history=history)


def test_errors_are_drawn_sorted_and_by_window(report: Report) -> None:
    samples, windows = report.plot_errors().axes
    heights = [bar.get_height() for bar in samples.patches]
    assert heights == pytest.approx((100 * report.errors.relative_l2.sort().values).tolist())
    assert windows.get_xticklabels()[0].get_text().startswith("0-")
    assert windows.get_xlabel() == "x, m"


def test_the_operator_stands_above_the_baselines(report: Report) -> None:
    (axes,) = report.plot_methods().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    applied = {row.name: row.relative_l2 for row in report.rows if row.relative_l2 is not None}
    assert names == list(applied)
    assert names[0] == "GridOperator"
    assert [bar.get_width() / 100 for bar in axes.patches] == pytest.approx(list(applied.values()))


def test_fields_are_those_of_the_sample(report: Report) -> None:
    (axes,) = report.plot_fields("worst").axes
    reference, prediction = axes.get_lines()
    example = report.examples[-1]
    torch.testing.assert_close(torch.as_tensor(reference.get_ydata()).float(), example.truth.values[0])
    torch.testing.assert_close(torch.as_tensor(prediction.get_ydata()).float(), example.prediction.values[0])
    assert axes.get_title() == f"worst sample: {100 * float(report.errors.relative_l2.max()):.3g} %"
    with pytest.raises(UnknownNameError, match="did you mean 'worst'"):
        report.plot_fields("wurst")


def test_training_is_drawn_where_there_is_a_history(report: Report) -> None:
    (line,) = report.plot_training().axes[0].get_lines()
    assert list(line.get_ydata()) == [0.5, 0.25]
    silent = Report("t", "Pa", report.rows, report.errors, report.windows)
    with pytest.raises(DataError, match="pass history="):
        silent.plot_training()


def test_a_notebook_shows_the_verdict_and_the_methods(report: Report) -> None:
    said = report._repr_html_()
    assert "<td>GridOperator</td>" in said
    assert f"relative L2 error {100 * report.errors.mean:.3g} %" in said
