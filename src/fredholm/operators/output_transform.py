"""Output transforms: affine maps of what an operator answers, such as a normaliser's inverse or a hard constraint."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class OutputTransform(nn.Module, Described, ABC):
    """An affine map of the output, v ↦ factor(y) v + offset(y), that may depend on where it is asked for."""

    @abstractmethod
    def factor(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Factor a channel, or one for all."""

    @abstractmethod
    def offset(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        """Offset a channel, or one for all."""


class Rescaled(OutputTransform):
    """v ↦ scale v + shift, channel by channel: the inverse of a normaliser of the output."""

    scale: Tensor
    shift: Tensor

    def __init__(self, scale: Sequence[float], shift: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32), persistent=False)
        self.register_buffer("shift", torch.tensor(shift, dtype=torch.float32), persistent=False)

    @classmethod
    def of(cls, outputs: Float[Tensor, "samples channels *shape"]) -> "Rescaled":
        """What takes values of mean zero and deviation one, channel by channel, to those of training outputs."""
        by_channel = outputs.double().transpose(0, 1).flatten(1)
        return cls(by_channel.std(1, correction=0).tolist(), by_channel.mean(1).tolist())

    def factor(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        return self.scale.expand(*points.shape[:-1], -1)

    def offset(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        return self.shift.expand(*points.shape[:-1], -1)


class Anchored(OutputTransform):
    """v ↦ value + (yₐ - at) v: the output equals `value` where coordinate a is `at`, whatever the network."""

    def __init__(self, axis: int, at: float, value: float = 0.0) -> None:
        super().__init__()
        self.axis, self.at, self.value = axis, at, value

    def factor(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        return points[..., self.axis : self.axis + 1] - self.at

    def offset(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        return torch.full_like(points[..., :1], self.value)


class Vanishing(OutputTransform):
    """v ↦ Π (y_a - at) / unit_a v: the output is zero on every plane y_a = at that is named, whatever the network.

    Args:
        planes: pairs of an axis and a coordinate on it.
        units: of the axes, such as the lengths of a box, by which distances are divided.

    >>> ends = Vanishing([(0, 0.0), (0, 1.0)], units=[1.0, 1.0])
    >>> ends.factor(torch.tensor([[0.5, 0.3], [1.0, 0.3]])).flatten().tolist()
    [-0.25, 0.0]
    """

    def __init__(self, planes: Sequence[tuple[int, float]], units: Sequence[float]) -> None:
        super().__init__()
        self.planes, self.units = [(int(axis), float(at)) for axis, at in planes], list(units)

    def factor(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        product = torch.ones_like(points[..., :1])
        for axis, at in self.planes:
            product = product * (points[..., axis : axis + 1] - at) / self.units[axis]
        return product

    def offset(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch c"]:
        return torch.zeros_like(points[..., :1])
