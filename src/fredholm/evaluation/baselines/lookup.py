"""Look-ups: the mean of the training outputs, the nearest of them, and interpolation between those around."""

from itertools import product
from typing import ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.baselines.baseline import Baseline, all_outputs, input_vectors


class PredictMean(Baseline):
    """The mean of the training outputs, whatever the input."""

    name: ClassVar[str] = "mean of training outputs"

    def __init__(self, train: Dataset) -> None:
        self.mean = all_outputs(train).mean(0, keepdim=True)

    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        return self.mean.expand(len(samples), *self.mean.shape[1:])

    @property
    def stored_bytes(self) -> int:
        return self.mean.numel() * 4


class NearestSample(Baseline):
    """The output of the training sample whose labels (inputs, if there are none) are nearest."""

    name: ClassVar[str] = "nearest training sample"

    def __init__(self, train: Dataset) -> None:
        self.outputs = all_outputs(train)
        self.train = train

    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        labelled = bool(self.train.labels) and set(self.train.labels) == set(test.labels)
        keys = _labels if labelled else input_vectors
        stored = keys(self.train, torch.arange(len(self.train)))
        return self.outputs[torch.cdist(keys(test, samples), stored).argmin(1)]

    @property
    def stored_bytes(self) -> int:
        return self.outputs.numel() * 4


class MultilinearLookup(Baseline):
    """Multilinear interpolation between the training outputs around, where their labels form a complete lattice."""

    name: ClassVar[str] = "multilinear look-up"

    @staticmethod
    def obstacle(train: Dataset, test: Dataset) -> str | None:
        if not train.labels or set(train.labels) != set(test.labels):
            return "training and test set do not have the same labels"
        if _lattice(_labels(train, torch.arange(len(train)))) is None:
            return "the labels of the training set form no complete lattice"
        return None

    def __init__(self, train: Dataset) -> None:
        keys = _labels(train, torch.arange(len(train)))
        axes = _lattice(keys)
        assert axes is not None
        self.axes = axes
        position = torch.zeros(len(keys), dtype=torch.int64)
        for column, axis in enumerate(axes):
            nearest = (keys[:, column, None] - axis).abs().argmin(1)
            position = position * len(axis) + nearest
        self.outputs = all_outputs(train)[position.argsort()]

    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        keys = _labels(test, samples)
        total = torch.zeros(len(keys), *self.outputs.shape[1:])
        cells = [self._cell(keys[:, column], axis) for column, axis in enumerate(self.axes)]
        for corner in product((0, 1), repeat=len(self.axes)):
            index, weight = torch.zeros(len(keys), dtype=torch.int64), torch.ones(len(keys), dtype=torch.float64)
            for side, axis, (lower, fraction) in zip(corner, self.axes, cells, strict=True):
                index = index * len(axis) + lower + side
                weight = weight * (fraction if side else 1 - fraction)
            total += weight.float().reshape(-1, *[1] * (total.ndim - 1)) * self.outputs[index]
        return total

    @property
    def stored_bytes(self) -> int:
        return self.outputs.numel() * 4

    @staticmethod
    def _cell(values: Tensor, axis: Tensor) -> tuple[Tensor, Tensor]:
        lower = (torch.searchsorted(axis, values.contiguous(), right=True) - 1).clamp(0, len(axis) - 2)
        return lower, (values - axis[lower]) / (axis[lower + 1] - axis[lower])


def _labels(data: Dataset, samples: Tensor) -> Tensor:
    """The labels of some samples, flattened and joined, in float64."""
    return torch.cat([values[samples].flatten(1) for _, values in sorted(data.labels.items())], 1).double()


def _lattice(keys: Tensor) -> list[Tensor] | None:
    """The axes of the lattice that the rows of `keys` fill, or None if they fill none."""
    axes = [_distinct(column) for column in keys.T]
    size = 1
    for axis in axes:
        size *= len(axis)
    complete = size == len(keys) and all(len(axis) > 1 for axis in axes)
    return axes if complete else None


def _distinct(values: Tensor) -> Tensor:
    """Distinct values, ascending; those closer than rounding count as one."""
    ordered = values.sort().values
    apart = ordered.diff() > 1e-6 * (ordered[-1] - ordered[0]).clamp_min(1e-30)
    return torch.cat([ordered[:1], ordered[1:][apart]])
