"""How branch and trunk make several output channels, and what is done to the sum afterwards.

Let a branch give coefficients and a trunk basis functions; with c channels and p terms each,

    SplitBoth     b: c p,  t: c p    every channel has its own coefficients and its own basis
    SplitBranch   b: c p,  t: p      channels share the basis
    SplitTrunk    b: p,    t: c p    channels share the coefficients

Entirely independent networks are `JoinedBranch` and `JoinedTrunk` under `SplitBoth`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class Split(Described, ABC):
    """Assigns coefficients and basis functions to channels."""

    def terms(self, branch_width: int, trunk_width: int, channels: int) -> int:
        """Number p of terms a channel; raises ValueError where the widths do not fit."""
        b, t = self.shares(channels)
        if branch_width % b or trunk_width % t or branch_width // b != trunk_width // t:
            raise ValueError(
                f"{type(self).__name__} with {channels} channels needs a branch of {b} p and a trunk of {t} p "
                f"functions, got {branch_width} and {trunk_width}"
            )
        return branch_width // b

    @abstractmethod
    def shares(self, channels: int) -> tuple[int, int]:
        """In how many parts branch and trunk are split."""


class SplitBoth(Split):
    """Every channel has its own coefficients and basis functions."""

    def shares(self, channels: int) -> tuple[int, int]:
        return channels, channels


class SplitBranch(Split):
    """Channels share the basis functions."""

    def shares(self, channels: int) -> tuple[int, int]:
        return channels, 1


class SplitTrunk(Split):
    """Channels share the coefficients."""

    def shares(self, channels: int) -> tuple[int, int]:
        return 1, channels


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
