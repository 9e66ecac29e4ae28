"""How branch and trunk make several output channels.

Let a branch give coefficients and a trunk basis functions; with c channels and p terms each,

    SplitBoth     b: c p,  t: c p    every channel has its own coefficients and its own basis
    SplitBranch   b: c p,  t: p      channels share the basis
    SplitTrunk    b: p,    t: c p    channels share the coefficients

Entirely independent networks are `JoinedBranch` and `JoinedTrunk` under `SplitBoth`.
"""

from abc import ABC, abstractmethod

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
