"""Fields of time on windows, as networks with one hidden layer: all weights free, or the last layer alone.

    y(t) = b + Σⱼ wⱼ h(aⱼ t + cⱼ),   h = tanh,   -1 ≤ t ≤ 1 in each window

The hidden layer begins as steps all along the window, about as wide as they are apart, so that every field that its
resolution allows can be represented at once. Networks of time alone that begin smooth do not follow an engine.

With the hidden layer frozen, values and slopes are constant matrices times heads: no network is evaluated in the loop.

Sources: Nath, Kumar, Smith, Karniadakis, "A digital twin for diesel engines: operator-infused physics-informed neural
networks with transfer learning for engine health monitoring", 2024, for heads on a frozen body.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.training.physics import jet

_MOVES = 0.2  # deviation of a hidden unit's weight and shift: a fifth of its distance to the next one

Hidden = Float[Tensor, "*w f m 2"]  # slope and shift of every unit


class TimeFields(ABC):
    """Unknown fields (w, f) at n times of windows, with their derivatives in time and in the unknowns."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Unknowns of a field in a window."""

    @property
    def precision(self) -> Float[Tensor, " p"]:
        """Of the unknowns of a field around where they start, before anything is measured: 1 / variance."""
        return torch.zeros(self.size, dtype=torch.float64)

    @abstractmethod
    def at(self, unknown: Float[Tensor, "w f p"]) -> tuple[Float[Tensor, "w f n"], Float[Tensor, "w f n"]]:
        """Values and slopes d/dt."""

    @abstractmethod
    def tangents(self, unknown: Float[Tensor, "w f p"]) -> tuple[Float[Tensor, "*w n p"], Float[Tensor, "*w n p"]]:
        """Derivatives of values and slopes in the unknowns."""


class Heads(TimeFields):
    """Heads on a frozen hidden layer: derivatives are computed once, by forward mode.

    Args:
        hidden: of every field (f, m, 2), or of every field and window (w, f, m, 2).
        times: n, in (-1, 1).
        unit: seconds of a unit of them.

    >>> heads = Heads(steps(fields=2, units=5, seed=0), torch.linspace(-1, 1, 9, dtype=torch.float64), unit=5.0)
    >>> heads.at(torch.zeros(3, 2, heads.size, dtype=torch.float64))[0].shape
    torch.Size([3, 2, 9])
    """

    def __init__(self, hidden: Hidden, times: Float[Tensor, " n"], unit: float) -> None:
        found = jet(lambda t: _features(hidden, t[:, 0]).movedim(-2, 0), times[:, None], [(0,)])
        self.values, self.slopes = found[()].movedim(0, -2), found[(0,)].movedim(0, -2) / unit

    @property
    def size(self) -> int:
        return self.values.shape[-1]

    def at(self, unknown: Float[Tensor, "w f p"]) -> tuple[Tensor, Tensor]:
        column = unknown[..., None]
        return (self.values @ column)[..., 0], (self.slopes @ column)[..., 0]

    def tangents(self, unknown: Float[Tensor, "w f p"]) -> tuple[Tensor, Tensor]:
        return self.values, self.slopes

    def fitted(self, fields: Float[Tensor, "w f n"], ridge: float) -> Float[Tensor, "w f p"]:
        """Heads for given fields, by ridge regression."""
        gram = self.values.mT @ self.values
        gram = gram + ridge * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(self.size).to(gram)
        return torch.linalg.solve(gram, self.values.mT @ fields[..., None])[..., 0]


class Networks(TimeFields):
    """All weights free: (b, w, a, c) of every field and window, derivatives in closed form."""

    def __init__(self, units: int, times: Float[Tensor, " n"], unit: float) -> None:
        self.units, self.times, self.unit = units, times, unit

    @property
    def size(self) -> int:
        return 3 * self.units + 1

    @property
    def precision(self) -> Float[Tensor, " p"]:
        """Heads are free; hidden units are believed to stay about where they are, lest they chase the noise."""
        free = torch.zeros(1 + self.units, dtype=torch.float64)
        return torch.cat([free, torch.full((2 * self.units,), 1 / _MOVES**2, dtype=torch.float64)])

    def begun(self, hidden: Float[Tensor, "w f m 2"], heads: Float[Tensor, "w f p"]) -> Float[Tensor, "w f q"]:
        """The unknowns of hidden layers and heads on them."""
        return torch.cat([heads, hidden[..., 0], hidden[..., 1]], -1)

    def hidden(self, unknown: Float[Tensor, "w f q"]) -> Float[Tensor, "w f m 2"]:
        """The hidden layers among the unknowns."""
        return torch.stack(unknown[..., 1 + self.units :].split(self.units, -1), -1)

    def at(self, unknown: Float[Tensor, "w f q"]) -> tuple[Tensor, Tensor]:
        _, w, a, _ = self._parts(unknown)
        h, g = self._layer(unknown)
        return (w * h).sum(-1) + unknown[..., :1], (w * a * g).sum(-1) / self.unit

    def tangents(self, unknown: Float[Tensor, "w f q"]) -> tuple[Tensor, Tensor]:
        t, w, a, _ = self._parts(unknown)
        h, g = self._layer(unknown)
        bent, one = -2 * h * g, torch.ones_like(h[..., :1])
        values = torch.cat([one, h, w * g * t, w * g], -1)
        slopes = torch.cat([0 * one, a * g, w * (g + a * bent * t), w * a * bent], -1)
        return values, slopes / self.unit

    def _parts(self, unknown: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Times (n, 1), then w, a and c, each (w, f, 1, m)."""
        w, a, c = unknown[..., None, 1:].split(self.units, -1)
        return self.times[:, None], w, a, c

    def _layer(self, unknown: Tensor) -> tuple[Tensor, Tensor]:
        """Values tanh and slopes 1 - tanh², each (w, f, n, m)."""
        t, _, a, c = self._parts(unknown)
        h = torch.tanh(a * t + c)
        return h, 1 - h.square()


def steps(fields: int, units: int, seed: int) -> Float[Tensor, "f m 2"]:
    """Hidden layers whose units rise one after the other along a window and beyond its ends, a little out of order."""
    generator = torch.Generator().manual_seed(seed)
    apart = 2.1 / units
    places = torch.linspace(-1.05, 1.05, units, dtype=torch.float64).expand(fields, -1)
    places = places + 0.1 * apart * torch.randn(fields, units, generator=generator, dtype=torch.float64)
    slope = torch.full_like(places, 1 / apart)
    return torch.stack([slope, -slope * places], -1)


@dataclass(frozen=True)
class Body:
    """A hidden layer for every field, trained on many windows at once: each window had heads of its own.

    Args:
        hidden: (f, m, 2).
        window: s, the length of the windows it was trained on; time is its input, so that no other will do.
    """

    hidden: Float[Tensor, "f m 2"]
    window: float


def pretrained_body(
    fields: Float[Tensor, "h f n"],
    slopes: Float[Tensor, "h f n"],
    window: float,
    units: int,
    seed: int,
    iterations: int,
) -> Body:
    """Bodies that represent fields of h windows, and their slopes in seconds, with heads in closed form at every step.

    For given hidden layers the best heads are a ridge regression, through which Adam sees the hidden layers alone.
    """
    hidden = steps(fields.shape[1], units, seed).requires_grad_()
    optimizer = torch.optim.Adam([hidden], lr=3e-2)
    times = torch.linspace(-1, 1, fields.shape[-1], dtype=torch.float64)
    wanted = torch.cat([fields, slopes], -1)
    weight = torch.cat([_inverse_deviation(fields), _inverse_deviation(slopes)], -1)
    best, kept = float("inf"), hidden.detach().clone()
    for _ in range(iterations):
        optimizer.zero_grad()
        miss = _projected(hidden, times, wanted, weight, window / 2)
        if miss.item() < best:
            best, kept = miss.item(), hidden.detach().clone()
        miss.backward()
        optimizer.step()
    return Body(kept, window)


def _inverse_deviation(values: Float[Tensor, "h f n"]) -> Float[Tensor, "f n"]:
    return (1 / values.std((0, 2)).clamp_min(1e-9))[:, None].expand(-1, values.shape[-1])


def _projected(
    hidden: Tensor, times: Tensor, wanted: Float[Tensor, "h f n"], weight: Float[Tensor, "f n"], unit: float
) -> Float[Tensor, ""]:
    """Mean squared miss of the best heads, in deviations."""
    h = torch.tanh(hidden[..., None, :, 0] * times[:, None] + hidden[..., None, :, 1])
    one = torch.ones_like(h[..., :1])
    rows = torch.cat(
        [torch.cat([one, h], -1), torch.cat([0 * one, hidden[..., None, :, 0] * (1 - h**2) / unit], -1)], -2
    )
    rows, target = rows * weight[..., None], wanted * weight
    gram = rows.mT @ rows
    gram = gram + 1e-8 * gram.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] * torch.eye(gram.shape[-1]).to(gram)
    heads = torch.linalg.solve(gram, rows.mT @ target.movedim(0, -1))
    return (rows @ heads - target.movedim(0, -1)).square().mean()


def _features(hidden: Hidden, times: Float[Tensor, " n"]) -> Float[Tensor, "*w f n p"]:
    """The constant and the hidden units."""
    h = torch.tanh(hidden[..., None, :, 0] * times[:, None] + hidden[..., None, :, 1])
    return torch.cat([torch.ones_like(h[..., :1]), h], -1)
