"""The baseline contract: fitted to the training set, without gradient descent, and asked for the test set."""

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Int
from torch import Tensor

from fredholm.data.dataset import Dataset


class Baseline(ABC):
    """A prediction that needs no network. `train` must fit in memory."""

    name: ClassVar[str]

    @staticmethod
    def obstacle(train: Dataset, test: Dataset) -> str | None:
        """Why this baseline does not apply to a pair of data sets; None if it does."""
        return None

    @abstractmethod
    def __init__(self, train: Dataset) -> None:
        """Fit to the training set."""

    @abstractmethod
    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        """Outputs (b, channels, *shape) for samples of a test set; only their inputs and labels are looked at."""

    @property
    @abstractmethod
    def stored_bytes(self) -> int:
        """Bytes that must be kept to predict."""


def all_outputs(train: Dataset) -> Tensor:
    """The training outputs, (n, channels, *shape)."""
    import torch

    return train.outputs(torch.arange(len(train)))


def input_vectors(data: Dataset, samples: Tensor) -> Tensor:
    """All inputs of some samples, flattened and joined, in float64."""
    import torch

    return torch.cat([values.flatten(1) for _, values in sorted(data.inputs(samples).items())], dim=1).double()
