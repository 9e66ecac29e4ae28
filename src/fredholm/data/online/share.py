"""Which simulations are a process's own, where several processes train one operator.

process r of w streams the simulations  i ≡ r (mod w)
"""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """Every `of`-th simulation, from number `first` on.

    >>> [index for index in range(7) if Share(1, of=3).holds(index)]
    [1, 4]
    """

    first: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.of:
            raise ValueError(f"a share is one of {self.of}, counted from 0; got number {self.first}")

    @classmethod
    def of_this_process(cls) -> "Share":
        """All of them, or under `torchrun` what falls to this process."""
        return cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))

    def holds(self, simulation: int) -> bool:
        """Whether a simulation is in the share."""
        return simulation % self.of == self.first

    def count(self, simulations: int) -> int:
        """How many of simulations 0, ..., `simulations` - 1 are in it."""
        return len(range(self.first, simulations, self.of))

    def __str__(self) -> str:
        return f"share {self.first + 1} of {self.of}"
