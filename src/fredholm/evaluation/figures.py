"""Figures of reports: curves, errors by sample, by time and by method, fields side by side."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.metrics import Errors
from fredholm.evaluation.page import figure_png
from fredholm.fields.domain import Coordinate
from fredholm.fields.field import Field
from fredholm.fields.pictures import Picture, channel_of, draw, limits_of, states_of, with_unit


def curves(x_label: str, y_label: str, x: Sequence[float], series: Mapping[str, Sequence[float]]) -> str:
    """Several quantities over one, both logarithmic, as base64 PNG."""
    picture = Picture(figsize=(7, 4), layout="constrained")
    axes = picture.subplots()
    for name, values in series.items():
        axes.loglog(x, values, "o-", label=name)
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(frameon=False, fontsize="small")
    return figure_png(picture)


def errors_by_sample(errors: Errors, windows: Sequence[tuple[float, float]], axis: Coordinate) -> Picture:
    """Sorted errors of the samples, and mean errors by window of the last coordinate, `axis`."""
    picture = Picture(figsize=(10, 3.2), layout="constrained")
    left, right = picture.subplots(1, 2)
    left.bar(range(len(errors.relative_l2)), (100 * errors.relative_l2.sort().values).tolist(), color="#3b6fb6")
    left.set_xlabel("test sample, sorted")
    left.set_ylabel("relative L2, %")
    labels = [f"{a:.3g}-{b:.3g}" for a, b in windows]
    right.bar(labels, (100 * errors.windows.mean(0)).tolist()[: len(labels)], color="#d98b2b")
    right.set_xlabel(with_unit(axis))
    right.set_ylabel("relative L2 in window, %")
    return picture


def errors_by_method(methods: Mapping[str, float]) -> Picture:
    """Relative L2 error of the operator, which comes first, and of every baseline that applies."""
    picture = Picture(figsize=(7, 0.6 + 0.4 * len(methods)), layout="constrained")
    axes = picture.subplots()
    colours = ["#3b6fb6"] + ["#9aa5b5"] * (len(methods) - 1)
    axes.barh(list(methods), [100 * error for error in methods.values()], color=colours)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("relative L2, %")
    return picture


def fields_side_by_side(truth: Tensor, prediction: Tensor, data: Dataset, title: str) -> str:
    """`comparison` of one sample's values (channels, *shape) on a data set's output domain, as base64 PNG."""
    quantities = data.signature.output.channels
    reference = Field(truth, data.output_domain, quantities)
    return figure_png(comparison(reference, Field(prediction, data.output_domain, quantities), title))


def comparison(truth: Field, prediction: Field, title: str) -> Picture:
    """First channel of one sample: reference, prediction and difference, at some times if there are times.

    In 1-D two curves; else a row each, the difference with colours of its own.
    """
    truth, prediction = (channel_of(field, field.quantities[0].name) for field in (truth, prediction))
    if truth.domain.dimension == 1:
        return _two_curves(truth, prediction, title)
    difference = Field(prediction.values - truth.values, truth.domain, truth.quantities)
    rows = {"reference": states_of(truth), "prediction": states_of(prediction), "difference": states_of(difference)}
    columns = len(rows["reference"])
    picture = Picture(figsize=(3.1 * columns, 7.2), layout="constrained")
    grid = picture.subplots(3, columns, squeeze=False)
    for row, (name, states) in enumerate(rows.items()):
        limits = limits_of((difference if name == "difference" else truth).values)
        for panel, (place, state) in zip(grid[row], states.items(), strict=True):
            bar = picture.colorbar(draw(panel, state, limits), ax=panel)
            panel.set_title(f"{name} {place}".rstrip(), fontsize="medium")
        bar.set_label(with_unit(truth.quantities[0]))
    picture.suptitle(title)
    return picture


def _two_curves(truth: Field, prediction: Field, title: str) -> Picture:
    picture = Picture(figsize=(7, 3.2), layout="constrained")
    axes = picture.subplots()
    draw(axes, truth)
    draw(axes, prediction)
    for line, name in zip(axes.get_lines(), ("reference", "prediction"), strict=True):
        line.set_label(name)
    axes.get_lines()[1].set_linestyle("--")
    axes.set_ylabel(with_unit(truth.quantities[0]))
    axes.set_title(title)
    axes.legend(frameon=False)
    return picture
