"""Active sampling: the next simulation is one of those near which the operator errs most.

With p the density of a problem's inputs, l(x) the training loss of a simulation with inputs x, and s the share that is
steered, simulations are drawn from

    q(x) = (1 - s) p(x) + s p(x) l̂(x) / E_p[l̂]

where l̂(x) is the mean loss of the simulations nearest to x among those that were trained on. Nothing is solved for to
choose: the inputs of a pool of numbers are drawn beforehand, which are samples of p, and one of them is taken with
probability l̂ / Σ l̂.

The bias: training minimises the loss under q, not under p. Where l̂ is large its inputs count for more, by
q / p = 1 - s + s l̂ / E_p[l̂]; nowhere do they count for less than 1 - s times as much. So measure with samples of p, as
`Validation` does with any other seed.

Losses fall while the operator learns. They are told in units of the mean over recent batches, so that one from long ago
can be compared with one of now.

Source: Dymchenko, Purandare, Raffin, "MelissaDL x Breed: towards data-efficient on-line supervised training of
multi-parametric surrogates with active learning", 2024, for losses that steer the solvers of a stream, with a share of
uniform draws; there, inputs are drawn from Gaussians around those with a large loss. A pool takes their place here, in
which no input is one that the problem would not draw.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.online.places import places
from fredholm.data.online.selection import Selection
from fredholm.data.online.share import Share
from fredholm.data.online.simulations import Simulations
from fredholm.errors import DataError

_RECENT = 10  # batches in the mean that is the unit of losses, and uses in the loss of a simulation


class LossDriven(Selection):
    """A share of the simulations is taken from a pool, by their expected loss; the others come in the order of numbers.

    Of a stream of n simulations, those of uniform sampling have the numbers 0, ..., n - 1, as without steering; the
    pool is n, ..., n + pool - 1. Steering begins when `neighbours` simulations have been trained on.

    Args:
        pool: numbers to choose among, at least as many as there are simulations; ten times as many leave a choice.
        steered: s, the share of simulations that are chosen by loss, in [0, 1].
        neighbours: nearest simulations whose mean loss is that which is expected of a number.
        seed: of the choice.

    Raises ValueError for numbers out of range. The inputs of the whole pool are drawn, not solved for, when the stream
    begins; of those of more than 64 values a projection is kept.

    >>> LossDriven(pool=2000)
    LossDriven(pool=2000, steered=0.5, neighbours=4, seed=0)
    """

    wants_losses: ClassVar[bool] = True

    def __init__(self, pool: int, steered: float = 0.5, neighbours: int = 4, seed: int = 0) -> None:
        if pool < 1 or not 0 <= steered <= 1 or neighbours < 1:
            raise ValueError(
                f"pool, neighbours >= 1 and 0 <= steered <= 1 are needed, got {pool}, {neighbours} and {steered}"
            )
        self.pool, self.steered, self.neighbours, self.seed = pool, steered, neighbours, seed
        self._generator = torch.Generator().manual_seed(seed)
        self._losses: dict[int, float] = {}  # of the simulations trained on, in recent means
        self._uses: dict[int, int] = {}
        self._mean, self._batches = 0.0, 0
        self._nearest: _Nearest | None = None

    def start(self, simulations: Simulations, seed: int, count: int, share: Share) -> None:
        if self.pool < count:
            raise DataError(
                f"a pool of {self.pool} leaves no choice to a stream of {count} simulations: make it several times "
                "as large"
            )
        numbers = range(share.first, count + self.pool, share.of)
        self._share, self._uniform = share, share.count(count)
        self._nearest = _Nearest(places(simulations, seed, numbers), self.neighbours)
        for number in self._losses:
            self._nearest.add(self._row(number))

    def choose(self, chosen: Sequence[int]) -> int:
        rows = [self._row(number) for number in chosen]
        if float(torch.rand((), generator=self._generator)) < self.steered:
            expected = self.expected()[self._uniform :]
            expected[[row - self._uniform for row in rows if row >= self._uniform]] = 0.0
            if bool((expected > 0).any()):
                row = self._uniform + int(torch.multinomial(expected, 1, generator=self._generator))
                return self._number(row)
        return self._number(sum(row < self._uniform for row in rows))

    def expected(self) -> Float[Tensor, " numbers"]:
        """l̂ of this process's numbers in order, those of uniform sampling first; zero as long as too few are known."""
        assert self._nearest is not None, "the stream has not begun"
        if len(self._losses) < self.neighbours:
            return torch.zeros(len(self._nearest.places))
        return self._nearest.mean(torch.tensor(list(self._losses.values())))

    def tell(self, simulations: Sequence[int], losses: Sequence[float]) -> None:
        mean = sum(losses) / len(losses)
        if not math.isfinite(mean) or not mean > 0:
            return  # training stops for the one, and learns nothing from the other
        self._batches += 1
        self._mean += (mean - self._mean) / min(self._batches, _RECENT)
        for number, loss in zip(simulations, losses, strict=True):
            if number not in self._losses:
                self._losses[number], self._uses[number] = 0.0, 0
                if self._nearest is not None:
                    self._nearest.add(self._row(number))
            self._uses[number] += 1
            self._losses[number] += (loss / self._mean - self._losses[number]) / min(self._uses[number], _RECENT)

    def state_dict(self) -> dict[str, Any]:
        return {
            "generator": self._generator.get_state(),
            "trained_on": torch.tensor(list(self._losses), dtype=torch.int64),
            "losses": torch.tensor(list(self._losses.values()), dtype=torch.float64),
            "uses": torch.tensor(list(self._uses.values()), dtype=torch.int64),
            "mean": self._mean,
            "batches": self._batches,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._generator.set_state(state["generator"])
        trained_on = state["trained_on"].tolist()
        self._losses = dict(zip(trained_on, state["losses"].tolist(), strict=True))
        self._uses = dict(zip(trained_on, state["uses"].tolist(), strict=True))
        self._mean, self._batches = float(state["mean"]), int(state["batches"])

    def __repr__(self) -> str:
        return f"LossDriven(pool={self.pool}, steered={self.steered}, neighbours={self.neighbours}, seed={self.seed})"

    def _row(self, number: int) -> int:
        return (number - self._share.first) // self._share.of

    def _number(self, row: int) -> int:
        return self._share.first + row * self._share.of


class _Nearest:
    """For each of many places, the `count` nearest of those added."""

    def __init__(self, places: Float[Tensor, "n d"], count: int) -> None:
        self.places, self._added = places, 0
        self._distances = torch.full((len(places), count), torch.inf)
        self._which = torch.zeros(len(places), count, dtype=torch.int64)  # in the order of addition

    def add(self, row: int) -> None:
        """Add the place in `row`."""
        distances = (self.places - self.places[row]).square().sum(1)
        farthest, column = self._distances.max(1)
        nearer = distances < farthest
        where = nearer.nonzero()[:, 0], column[nearer]
        self._distances[where], self._which[where] = distances[nearer], self._added
        self._added += 1

    def mean(self, values: Float[Tensor, " added"]) -> Float[Tensor, " n"]:
        """The mean over the nearest of values of those added, of which there are `count` or more."""
        return values[self._which].mean(1)
