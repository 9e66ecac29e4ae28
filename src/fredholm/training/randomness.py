"""The random state of one process of a run: the generator of its batches, and torch's own, which dropout draws from."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from fredholm.problems.problem import generator_of

_OPERATOR = 2**32  # index of the sequence for torch's own generator, beyond any process


class Randomness:
    """Draws of process `rank` of the run `seed`, on `device`.

    >>> first, again = (Randomness(3, 0, torch.device("cpu")).sampler for _ in range(2))
    >>> bool(torch.rand((), generator=first) == torch.rand((), generator=again))
    True
    """

    def __init__(self, seed: int, rank: int, device: torch.device) -> None:
        self.device = device
        self.sampler = generator_of(seed, rank)
        self._start = self._seeded(generator_of(seed, _OPERATOR + rank).initial_seed())

    @contextmanager
    def own(self) -> Iterator[None]:
        """Inside, torch's own generators are the run's; afterwards they are the caller's again, as they were."""
        with torch.random.fork_rng(self._cuda()):
            torch.set_rng_state(self._start["torch"])
            for index in self._cuda():
                torch.cuda.set_rng_state(self._start["cuda"], index)
            yield

    def state(self) -> dict[str, Tensor]:
        """What the next draws depend on; to be asked for inside `own`."""
        states = {"sampler": self.sampler.get_state(), "torch": torch.get_rng_state()}
        for index in self._cuda():
            states["cuda"] = torch.cuda.get_rng_state(index)
        return states

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`, with torch's own generators once inside `own`."""
        self.sampler.set_state(state["sampler"])
        self._start = {name: state[name] for name in self._start if name in state}

    def _seeded(self, seed: int) -> dict[str, Tensor]:
        states = {"torch": torch.Generator().manual_seed(seed).get_state()}
        for index in self._cuda():
            states["cuda"] = torch.Generator(f"cuda:{index}").manual_seed(seed).get_state()
        return states

    def _cuda(self) -> list[int]:
        return [self.device.index or 0] if self.device.type == "cuda" else []
