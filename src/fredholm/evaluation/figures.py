"""Figures of reports: curves, errors by sample and by time, fields side by side. Each answers a base64 PNG."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.metrics import Errors, window_edges
from fredholm.evaluation.page import figure_png
from fredholm.training.history import History


def training_curves(history: History) -> str:
    """Loss and validation error by iteration."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 3.2))
    for label, curve in (("training loss", history.losses), ("validation error", history.validation)):
        if curve:
            axes.semilogy(*zip(*curve, strict=True), label=label)
    axes.set_xlabel("iteration")
    axes.legend(frameon=False)
    return figure_png(figure)


def curves(x_label: str, y_label: str, x: Sequence[float], series: Mapping[str, Sequence[float]]) -> str:
    """Several quantities over one, both logarithmic."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, values in series.items():
        axes.loglog(x, values, "o-", label=name)
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(frameon=False, fontsize="small")
    return figure_png(figure)


def errors_by_sample(errors: Errors, data: Dataset) -> str:
    """Sorted errors of the samples, and mean errors by window of the last coordinate."""
    pyplot = _pyplot()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.2))
    left.bar(range(len(errors.relative_l2)), (100 * errors.relative_l2.sort().values).tolist(), color="#3b6fb6")
    left.set_xlabel("test sample, sorted")
    left.set_ylabel("relative L2, %")
    axis = data.output_domain.coordinate_axes[-1]
    windows = errors.windows.shape[1]
    labels = [f"{a:.3g}-{b:.3g}" for a, b in window_edges(data, windows)]
    right.bar(labels, (100 * errors.windows.mean(0)).tolist()[: len(labels)], color="#d98b2b")
    right.set_xlabel(f"{axis.name}, {axis.units}".rstrip(", "))
    right.set_ylabel("relative L2 in window, %")
    return figure_png(figure)


def fields_side_by_side(truth: Tensor, prediction: Tensor, data: Dataset, title: str) -> str:
    """First channel of one sample: reference, prediction and difference, on slices of the last coordinate."""
    pyplot = _pyplot()
    truth, prediction = truth[0], prediction[0]
    if truth.ndim == 1:
        return _lines(truth, prediction, data, title)
    slices = _slices(truth, prediction)
    axis = data.output_domain.coordinate_axes[-1]
    figure, axes = pyplot.subplots(3, len(slices), figsize=(2.7 * len(slices), 7.2), squeeze=False)
    for column, (at, reference, predicted) in enumerate(slices):
        limit = float(reference.abs().max().clamp_min(1e-12))
        difference = predicted - reference
        own = float(difference.abs().max().clamp_min(1e-12))
        rows = ((reference, limit, "reference"), (predicted, limit, "prediction"), (difference, own, "difference"))
        for row, (values, scale, name) in enumerate(rows):
            panel = axes[row][column]
            image = panel.imshow(values.T, origin="lower", cmap="RdBu_r", vmin=-scale, vmax=scale)
            panel.set_xticks([])
            panel.set_yticks([])
            figure.colorbar(image, ax=panel, fraction=0.046)
            if column == 0:
                panel.set_ylabel(name)
        if at is not None:
            position = axis.lower + axis.extent * at / max(1, data.output_domain.shape[-1] - 1)
            axes[0][column].set_title(f"{axis.name} = {position:.3g} {axis.units}")
    figure.suptitle(title)
    return figure_png(figure)


def _slices(truth: Tensor, prediction: Tensor) -> list[tuple[int | None, Tensor, Tensor]]:
    """2-D cuts: the field itself, or four positions of the last coordinate; a third direction is cut in the middle."""
    if truth.ndim == 2:
        return [(None, truth, prediction)]
    picks = torch.linspace(0.08, 0.92, 4).mul(truth.shape[-1] - 1).round().long().tolist()
    cuts = []
    for at in picks:
        reference, predicted = truth[..., at], prediction[..., at]
        while reference.ndim > 2:
            middle = reference.shape[-1] // 2
            reference, predicted = reference[..., middle], predicted[..., middle]
        cuts.append((at, reference, predicted))
    return cuts


def _lines(truth: Tensor, prediction: Tensor, data: Dataset, title: str) -> str:
    pyplot = _pyplot()
    axis = data.output_domain.coordinate_axes[0]
    figure, axes = pyplot.subplots(figsize=(7, 3.2))
    x = torch.linspace(axis.lower, axis.upper, len(truth))
    axes.plot(x, truth, label="reference")
    axes.plot(x, prediction, "--", label="prediction")
    axes.set_xlabel(f"{axis.name}, {axis.units}".rstrip(", "))
    axes.set_title(title)
    axes.legend(frameon=False)
    return figure_png(figure)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
