"""Shooting: the engine is simulated whole, and its wear and first state are fitted to what was measured.

    min over λ, x(0)  Σ |ŷ(t; λ, x(0)) - y|² / σ²  +  |log λ / λ₀|²

The noise is where it is, in what is measured, and the equations hold exactly: with Gaussian noise this is the estimate
of maximum likelihood, against which the others are judged. It needs a simulator, some ten runs of it an iteration. Wear
is believed beforehand to be right to a factor of e, so that what a record does not tell stays where it was.

Source: Bock, "Recent advances in parameter identification techniques for ODE" (1983).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.inverse.identification.actuators import Actuators
from fredholm.inverse.identification.engine_record import EngineRecord, observed
from fredholm.inverse.identification.estimate import KNOWN, Estimate, indices_of
from fredholm.inverse.identification.method import Method
from fredholm.solvers.diesel_engine import flows

_FREE = (0, 1, 4)  # of the first state: pressures and turbocharger; actuators are at rest, oxygen does not matter
_STEP = 1e-4  # of logarithms, for differences
_FURTHEST = 1.5  # of a logarithm from its start
_FAR = 1e3  # deviations that a simulation which fails is off


@dataclass(frozen=True)
class Shooting(Method):
    """Gauss-Newton steps in a trust region, derivatives by differences of the compiled simulator.

    Args:
        iterations: at most.
    """

    iterations: int = 30

    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        shot = _Shot(record, list(indices_of(unknown)), start.numpy())
        count = len(unknown) + len(_FREE)
        found = least_squares(
            shot.misses,
            np.zeros(count),
            jac=shot.slopes,
            bounds=(-_FURTHEST, _FURTHEST),
            x_scale=0.05,
            max_nfev=self.iterations,
            xtol=1e-8,
            ftol=1e-8,
        )
        wear, states = shot.simulated(found.x)
        inside = flows(torch.from_numpy(states).mT, record.commands.mT, torch.from_numpy(wear))
        whole = torch.stack([*torch.from_numpy(states[list(_FREE)]), inside["x_r"], inside["T_1"]])
        covariance = torch.from_numpy(np.linalg.inv(found.jac.T @ found.jac))
        values = torch.from_numpy(wear[list(shot.places)])
        kept = len(unknown)
        return Estimate(unknown, values, covariance[:kept, :kept], whole, int(found.nfev))


def sensitivities(record: EngineRecord, unknown: tuple[str, ...], wear: Float[Tensor, " 4"]) -> Float[Tensor, " s"]:
    """Relative deviations with which a record can tell the parameters at best, whatever the method (Cramér and Rao).

    The record's measured values only serve as first state; its commands and the deviations of its noise count.
    """
    shot = _Shot(record, list(indices_of(unknown)), wear.numpy())
    slopes = shot.slopes(np.zeros(len(unknown) + len(_FREE)))
    covariance = np.linalg.inv(slopes.T @ slopes)
    return torch.from_numpy(np.sqrt(np.diag(covariance)[: len(unknown)].clip(0)))


@dataclass(frozen=True)
class _Shot:
    """Simulations for logarithms of ratios: of wear to its start, of the first state to a first guess."""

    record: EngineRecord
    places: list[int]
    start: Float[ndarray, " 4"]

    def simulated(self, logs: Float[ndarray, " n"]) -> tuple[Float[ndarray, " 4"], Float[ndarray, "8 m"]]:
        wear, first = self.start.copy(), self._first()
        wear[self.places] *= np.exp(logs[: len(self.places)])
        first[list(_FREE)] *= np.exp(logs[len(self.places) :])
        commands = self.record.commands.numpy()
        return wear, self.record.solver.simulate(commands[None], first[None], wear)[0]

    def misses(self, logs: Float[ndarray, " n"]) -> Float[ndarray, " rows"]:
        try:
            wear, states = self.simulated(logs)
        except SolverError:
            return np.full(self.record.measured.numel() + len(logs), _FAR)
        off = observed(states, self.record.commands, wear) - self.record.measured
        return np.concatenate([(off / self.record.deviations[:, None]).flatten().numpy(), logs / KNOWN])

    def slopes(self, logs: Float[ndarray, " n"]) -> Float[ndarray, "rows n"]:
        columns = []
        for k in range(len(logs)):
            by = np.zeros_like(logs)
            by[k] = _STEP
            columns.append((self.misses(logs + by) - self.misses(logs - by)) / (2 * _STEP))
        return np.stack(columns, 1)

    def _first(self) -> Float[ndarray, " 8"]:
        """At rest, but for what is measured of it: the mean of three rows."""
        first = self.record.solver.rest(self.record.commands[:, 0].numpy()[None])[0]
        first[list(_FREE)] = self.record.measured[:3, :3].mean(1).numpy()
        return first
