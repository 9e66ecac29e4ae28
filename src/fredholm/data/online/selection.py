"""Selections: which simulations of a sequence a stream runs, and in which order.

A selection is asked for the next number whenever an engine has room for a simulation, and is told what the trainer has
learned of those that ran. Since simulation i depends on (seed, i) alone, a choice of numbers is a choice of inputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fredholm.data.online.share import Share
from fredholm.data.online.simulations import Simulations


class Selection(ABC):
    """Chooses numbers of simulations, none twice. Numbers below the stream's count are those of uniform sampling."""

    wants_losses: ClassVar[bool] = False

    @abstractmethod
    def start(self, simulations: Simulations, seed: int, count: int, share: Share) -> None:
        """A stream of `count` simulations of the sequence `seed` begins, of which `share` are this process's own.

        Comes after `load_state_dict`, where there is a state. Raises DataError where there is nothing to choose from.
        """

    @abstractmethod
    def choose(self, chosen: Sequence[int]) -> int:
        """The next simulation; `chosen` are all those before it, in order."""

    def tell(self, simulations: Sequence[int], losses: Sequence[float]) -> None:  # noqa: B027 - or is not interested
        """The losses of the samples in a batch, and the simulations they are of."""

    def state_dict(self) -> dict[str, Any]:
        """What the choice goes on from, beside what has been chosen."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027 - or has none
        """Go on from `state`."""

    @abstractmethod
    def __repr__(self) -> str:
        """What tells two selections apart: it is part of a run's identity."""


class InOrder(Selection):
    """0, 1, 2, ...: since all simulations are drawn alike, uniform sampling."""

    def start(self, simulations: Simulations, seed: int, count: int, share: Share) -> None:
        self._share = share

    def choose(self, chosen: Sequence[int]) -> int:
        return self._share.first + len(chosen) * self._share.of

    def __repr__(self) -> str:
        return "InOrder()"
