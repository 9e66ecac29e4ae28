"""Hamiltonian Monte Carlo, several chains at once, with a step size that finds itself.

    H(q, p) = V(q) + ½ |p|²        p ← p - ½ ε ∇V(q),   q ← q + ε p,   p ← p - ½ ε ∇V(q)       (L times)

A trajectory is accepted with probability min(1, exp(H before - H after)). In the warm-up the logarithm of ε follows the
mean acceptance by dual averaging; the number of leaps varies, lest trajectories come back to where they began.

Sources: Neal, "MCMC using Hamiltonian dynamics", Handbook of Markov chain Monte Carlo (2011); Hoffman, Gelman, "The
No-U-Turn sampler", JMLR 15 (2014), section 3.2, for dual averaging; Gelman et al., "Bayesian data analysis" (2013),
section 11.4, for R-hat.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError

_SHRINKAGE, _STEADY, _FORGETTING = 0.05, 10.0, 0.75  # γ, t₀ and κ of the dual averaging
_FIRST_STEP = 0.2


@dataclass(frozen=True)
class Trajectories:
    """How they are taken.

    Args:
        leaps: L, the most; each trajectory takes a random number from half of it on.
        warm_up: trajectories before the first draw, in which the step size adapts.
        acceptance: wanted on average.
    """

    leaps: int = 10
    warm_up: int = 150
    acceptance: float = 0.8

    def __post_init__(self) -> None:
        if self.leaps < 1 or self.warm_up < 1 or not 0 < self.acceptance < 1:
            raise InverseProblemError(
                f"trajectories need 1 leap, 1 step of warm-up and an acceptance between 0 and 1, got {self}"
            )


@dataclass(frozen=True)
class Chains:
    """Draws (chains, n, d), and what tells whether to believe them."""

    draws: Float[Tensor, "chains n d"]
    diagnostics: dict[str, float]


def hamiltonian_monte_carlo(
    potential: Callable[[Tensor], Tensor],
    start: Float[Tensor, "chains d"],
    samples: int,
    generator: torch.Generator,
    trajectories: Trajectories | None = None,
) -> Chains:
    """Draws of exp(-V); `potential` takes (chains, d) to (chains,).

    >>> found = hamiltonian_monte_carlo(
    ...     lambda q: 0.5 * q.square().sum(1), torch.zeros(4, 1), 500, torch.Generator().manual_seed(0)
    ... )
    >>> bool(abs(found.draws.std() - 1) < 0.1)
    True
    """
    if samples < 2:
        raise InverseProblemError(f"a chain has 2 draws or more, got {samples}")
    how = trajectories or Trajectories()
    q = start.detach().double()
    value, gradient = _slope(potential, q)
    step, averaging, kept, rates = _FIRST_STEP, _DualAveraging(_FIRST_STEP, how.acceptance), [], []
    for iteration in range(how.warm_up + samples):
        leaps = int(torch.randint(math.ceil(how.leaps / 2), how.leaps + 1, (1,), generator=generator))
        p = torch.randn(q.shape, generator=generator, dtype=q.dtype)
        place, speed, slope = q, p, gradient
        for _ in range(leaps):
            speed = speed - 0.5 * step * slope
            place = place + step * speed
            new, slope = _slope(potential, place)
            speed = speed - 0.5 * step * slope
        change = (value + 0.5 * p.square().sum(1)) - (new + 0.5 * speed.square().sum(1))
        rate = change.nan_to_num(-torch.inf).clamp(max=0).exp()
        accepted = torch.rand(len(q), generator=generator, dtype=q.dtype) < rate
        q = torch.where(accepted[:, None], place, q)
        value = torch.where(accepted, new, value)
        gradient = torch.where(accepted[:, None], slope, gradient)
        if iteration < how.warm_up:
            step = averaging.after(float(rate.mean()), last=iteration == how.warm_up - 1)
        else:
            kept.append(q)
            rates.append(float(rate.mean()))
    draws = torch.stack(kept, dim=1)
    return Chains(draws, {"acceptance": sum(rates) / len(rates), "step": step, "split R-hat": split_r_hat(draws)})


def split_r_hat(draws: Float[Tensor, "chains n d"]) -> float:
    """The largest R-hat of any coordinate, each chain cut in halves: one where all halves agree.

    >>> split_r_hat(torch.zeros(2, 4, 1) + torch.tensor([0.0, 1.0, 0.0, 1.0])[:, None]) < 1.1
    True
    """
    half = draws.shape[1] // 2
    halves = torch.cat([draws[:, :half], draws[:, -half:]])
    within = halves.var(1).mean(0)
    between = halves.mean(1).var(0)
    return float((1 - 1 / half + between / within.clamp_min(1e-300)).sqrt().max())


def _slope(potential: Callable[[Tensor], Tensor], q: Tensor) -> tuple[Tensor, Tensor]:
    place = q.detach().requires_grad_()
    value = potential(place)
    (gradient,) = torch.autograd.grad(value.sum(), place)
    return value.detach(), gradient


class _DualAveraging:
    """log ε, led by how far acceptance has been from what is wanted."""

    def __init__(self, first: float, wanted: float) -> None:
        self.goal, self.wanted = math.log(10 * first), wanted
        self.count, self.miss, self.average = 0, 0.0, 0.0

    def after(self, acceptance: float, last: bool) -> float:
        """The next step size; the average one, after the last of the warm-up."""
        self.count += 1
        share = 1 / (self.count + _STEADY)
        self.miss = (1 - share) * self.miss + share * (self.wanted - acceptance)
        logarithm = self.goal - math.sqrt(self.count) / _SHRINKAGE * self.miss
        weight = self.count**-_FORGETTING
        self.average = weight * logarithm + (1 - weight) * self.average
        return math.exp(self.average if last else logarithm)
