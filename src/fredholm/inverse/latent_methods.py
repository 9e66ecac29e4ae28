"""How a posterior over latent vectors is found: its mode, a Gaussian around the mode, or draws of it.

    MAP        min_z V(z), by Adam from several starts
    Laplace    N(z*, H⁻¹),  H the Hessian of V at the mode
    HMC        Hamiltonian Monte Carlo, in coordinates w with z = z* + H^-½ w, chains starting from the Gaussian

V is any function of several vectors (c, d) to (c,), such as a `LatentTarget`.

Source: Tierney, Kadane, "Accurate approximations for posterior moments and marginal densities", JASA 81 (1986), for the
second; `fredholm.inverse.hamiltonian` for the third.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.inverse.hamiltonian import Trajectories, hamiltonian_monte_carlo

Potential = Callable[[Tensor], Tensor]

_FLATTEST = 1e-2  # of the median curvature: what a Hessian is raised to where V bends down, or not at all


@dataclass(frozen=True)
class LatentDraws:
    """What a method found.

    Args:
        z: (n, d); the mode alone, where the method finds no more.
        mode: z*.
        diagnostics: numbers by name, such as "split R-hat".
    """

    z: Float[Tensor, "n d"]
    mode: Float[Tensor, " d"]
    diagnostics: dict[str, float] = field(default_factory=dict)


class PosteriorMethod(ABC):
    """From a potential and some starts to draws; `starts` is how many it asks for."""

    starts: int

    @abstractmethod
    def draws(self, potential: Potential, starts: Float[Tensor, "c d"]) -> LatentDraws:
        """Draws of exp(-V), or what stands for them."""


@dataclass(frozen=True)
class MAP(PosteriorMethod):
    """The mode: the lowest of the minima that Adam finds.

    Args:
        steps: of Adam, whose rate is halved after each quarter of them.
        rate: its first one.
        starts: how many random starts, at once.

    >>> MAP(steps=400).draws(lambda z: (z - 3).square().sum(1), torch.zeros(1, 2)).mode.round(decimals=3).tolist()
    [3.0, 3.0]
    """

    steps: int = 400
    rate: float = 5e-2
    starts: int = 8

    def __post_init__(self) -> None:
        if self.steps < 4 or self.starts < 1 or not self.rate > 0:
            raise InverseProblemError(
                f"a mode is looked for in 4 steps or more from 1 start or more at a positive rate, got {self}"
            )

    def draws(self, potential: Potential, starts: Float[Tensor, "c d"]) -> LatentDraws:
        z = starts.detach().double().clone().requires_grad_()
        optimizer = torch.optim.Adam([z], lr=self.rate)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, self.steps // 4, 0.5)
        for _ in range(self.steps):
            optimizer.zero_grad()
            potential(z).sum().backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            values = potential(z)
        if not bool(torch.isfinite(values).any()):
            raise InverseProblemError(
                "the posterior's potential is not finite from any start: look at the observations"
            )
        best = int(values.nan_to_num(torch.inf).argmin())
        mode = z.detach()[best]
        return LatentDraws(mode[None], mode, {"potential at the mode": float(values[best])})


@dataclass(frozen=True)
class Laplace(PosteriorMethod):
    """The Gaussian at the mode: exact where the decoder is linear and the prior Gaussian.

    Args:
        samples: drawn from it.
        mode: how the mode is found.
        seed: of the draws.
    """

    samples: int = 400
    mode: MAP = field(default_factory=MAP)
    seed: int = 0

    @property
    def starts(self) -> int:  # type: ignore[override]
        return self.mode.starts

    def draws(self, potential: Potential, starts: Float[Tensor, "c d"]) -> LatentDraws:
        found = self.mode.draws(potential, starts)
        centre = newton(potential, found.mode)
        root = covariance_root(potential, centre)
        noise = torch.randn(
            self.samples, len(centre), generator=torch.Generator().manual_seed(self.seed), dtype=torch.float64
        )
        return LatentDraws(centre + noise @ root.T, centre, found.diagnostics)


@dataclass(frozen=True)
class HMC(PosteriorMethod):
    """Draws, by Hamiltonian Monte Carlo.

    Args:
        samples: of each chain, after its warm-up.
        chains: run at once.
        trajectories: length of trajectories, warm-up and acceptance.
        mode: how the mode is found.
        seed: of everything random.
    """

    samples: int = 250
    chains: int = 4
    trajectories: Trajectories = field(default_factory=Trajectories)
    mode: MAP = field(default_factory=MAP)
    seed: int = 0

    @property
    def starts(self) -> int:  # type: ignore[override]
        return self.mode.starts

    def draws(self, potential: Potential, starts: Float[Tensor, "c d"]) -> LatentDraws:
        found = self.mode.draws(potential, starts)
        centre = newton(potential, found.mode)
        root = covariance_root(potential, centre)
        generator = torch.Generator().manual_seed(self.seed)
        first = torch.randn(self.chains, len(centre), generator=generator, dtype=torch.float64)
        result = hamiltonian_monte_carlo(
            lambda w: potential(centre + w @ root.T), first, self.samples, generator, self.trajectories
        )
        z = centre + result.draws.flatten(0, 1) @ root.T
        return LatentDraws(z, centre, found.diagnostics | result.diagnostics)


def newton(potential: Potential, start: Float[Tensor, " d"], steps: int = 10) -> Float[Tensor, " d"]:
    """The minimum near `start`, by damped Newton steps that never raise V."""
    z, value = start.double(), float(potential(start.double()[None]))
    for _ in range(steps):
        place = z.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(potential(place[None]).sum(), place)
        root = covariance_root(potential, z)
        step, share = root @ (root.T @ gradient), 1.0
        while share > 1e-4:
            lower = float(potential((z - share * step)[None]))
            if lower <= value:
                break
            share /= 2
        else:
            return z
        z, gain, value = z - share * step, value - lower, lower
        if gain <= 1e-10 * max(1.0, abs(value)):
            return z
    return z


def covariance_root(potential: Potential, z: Float[Tensor, " d"]) -> Float[Tensor, "d d"]:
    """R with R Rᵀ = H⁻¹ of the Hessian at z, raised to be positive."""
    hessian = torch.func.hessian(lambda place: potential(place[None]).sum())(z)
    values, vectors = torch.linalg.eigh(0.5 * (hessian + hessian.T))
    least = _FLATTEST * float(values.abs().median())
    return vectors / values.clamp_min(max(least, 1e-12)).sqrt()
