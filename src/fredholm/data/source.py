"""Sources: where a data set's numbers lie. The one in memory; the one on disk is `data.store`.

A source answers for rows, counted in its own order; a `Dataset` chooses which rows it shows.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from hashlib import sha256

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from fredholm.fields.signature import Inputs


class Source(ABC):
    """Rows of inputs, outputs and labels, read when asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def labels(self) -> Mapping[str, Tensor]:
        """Small numbers of every row, by name."""

    @property
    @abstractmethod
    def query(self) -> Tensor | None:
        """Stored query points (n, m, d), or None where outputs lie on the output domain."""

    @abstractmethod
    def inputs(self, rows: Int[Tensor, " b"]) -> Inputs:
        """Input tensors (b, ...), float32."""

    @abstractmethod
    def outputs(self, rows: Int[Tensor, " b"]) -> Tensor:
        """Outputs (b, channels, ...), float32."""

    @abstractmethod
    def outputs_at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Tensor:
        """Outputs (b, channels, m) at flat point indices, float32."""

    @abstractmethod
    def identity(self) -> str:
        """Text that differs wherever the numbers differ."""


def gather(
    values: Shaped[Tensor, "n channels size"], rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]
) -> Shaped[Tensor, "b channels m"]:
    """values[rows[i], :, points[i, j]], or points[j] where all rows share them."""
    channels, size = values.shape[1:]
    start = (rows[:, None] * channels + torch.arange(channels)) * size
    return torch.take(values, start[:, :, None] + points[..., None, :])


class ArraySource(Source):
    """Tensors in memory."""

    def __init__(self, inputs: Inputs, outputs: Tensor, query: Tensor | None, labels: Mapping[str, Tensor]) -> None:
        self._inputs = {name: values.float() for name, values in inputs.items()}
        self._outputs = outputs.float().contiguous()
        self._query = None if query is None else query.float()
        self._labels = dict(labels)

    def __len__(self) -> int:
        return len(self._outputs)

    @property
    def labels(self) -> Mapping[str, Tensor]:
        return self._labels

    @property
    def query(self) -> Tensor | None:
        return self._query

    def inputs(self, rows: Int[Tensor, " b"]) -> Inputs:
        return {name: values[rows] for name, values in self._inputs.items()}

    def outputs(self, rows: Int[Tensor, " b"]) -> Tensor:
        return self._outputs[rows]

    def outputs_at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b c m"]:
        return gather(self._outputs.flatten(2), rows, points)

    def identity(self) -> str:
        digest = sha256()
        named = {**self._inputs, "output": self._outputs}
        if self._query is not None:
            named["query"] = self._query
        for name, values in sorted(named.items()):
            digest.update(f"{name}{tuple(values.shape)}".encode())
            digest.update(values.contiguous().numpy().tobytes())
        return digest.hexdigest()
