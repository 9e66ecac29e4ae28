"""What a request asks of an operator, and what is answered; questions of one kind can be put as one.

Samples of a batch are answered independently, G(u₁, u₂)(y) = (G(u₁)(y), G(u₂)(y)). So questions at the same points, for
the same band, with samples of the same shape may be stacked, and their answer cut again.
"""

import hashlib
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from fredholm.fields.signature import Inputs


@dataclass(frozen=True)
class Question:
    """Inputs (batch, ...), a query as an operator takes it, and the level of a band, if one is wanted."""

    inputs: Inputs
    query: Tensor | None = None
    level: float | None = None
    simultaneous: bool = False

    @cached_property
    def batch(self) -> int:
        """Number of samples."""
        return len(next(iter(self.inputs.values())))

    @cached_property
    def kind(self) -> Hashable:
        """Equal for questions that can be stacked."""
        shapes = tuple((name, values.shape[1:]) for name, values in sorted(self.inputs.items()))
        return shapes, self._points, self.level, self.simultaneous

    @property
    def _points(self) -> Hashable:
        if self.query is None:
            return None
        if self.query.ndim == 3:
            return self.query.shape[1:]
        return tuple(self.query.shape), hashlib.sha256(self.query.contiguous().numpy().tobytes()).digest()


def stacked(questions: Sequence[Question]) -> Question:
    """Questions of one kind as one."""
    first = questions[0]
    if len(questions) == 1:
        return first
    inputs = {name: torch.cat([question.inputs[name] for question in questions]) for name in first.inputs}
    query = first.query
    if query is not None and query.ndim == 3:
        query = torch.cat([question.query for question in questions if question.query is not None])
    return Question(inputs, query, first.level, first.simultaneous)


@dataclass(frozen=True)
class Answer:
    """Values (batch, channels, ...), with the ends of a band where one was asked for."""

    values: Tensor
    lower: Tensor | None = None
    upper: Tensor | None = None

    @property
    def parts(self) -> dict[str, Tensor]:
        """The tensors that there are, by name."""
        return {name: tensor for name, tensor in vars(self).items() if tensor is not None}

    def cut(self, sizes: Sequence[int]) -> Iterator["Answer"]:
        """The answers to the questions that were stacked, of these batch sizes."""
        first = 0
        for size in sizes:
            yield Answer(**{name: tensor[first : first + size] for name, tensor in self.parts.items()})
            first += size
