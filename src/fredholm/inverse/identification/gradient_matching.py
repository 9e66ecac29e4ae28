"""Gradient matching: smooth what was measured, derive it, and fit the balances to that.

    min over λ  Σ |ẏ - f(y, u; λ)|² + |W_egr - Ŵ_egr|²        y, ẏ: of a smoothing spline

The oldest way, and the fastest: no state is unknown. The three balances and the flow are weighed by what is left of
each, anew in three passes. But noise in y is noise in the regressors, which does not average out, so that its estimates
are biased, the more the noisier; and its covariance knows nothing of that.

Source: Varah, "A spline least squares method for numerical parameter estimation in differential equations", SIAM J.
Sci. Stat. Comput. 3 (1982).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from scipy.interpolate import make_smoothing_spline
from scipy.optimize import least_squares
from torch import Tensor

from fredholm.inverse.identification.actuators import Actuators
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.estimate import KNOWN, Estimate, indices_of
from fredholm.inverse.identification.method import Method
from fredholm.solvers.diesel_engine import flows, rates

_SIZES = (1e5, 1e5, 5e3, 0.05)  # of three rates a second and of W_egr, to begin with
_PASSES, _LEAST = 3, 1e-9  # each weighs the four by what the last one left of them


@dataclass(frozen=True)
class GradientMatching(Method):
    """Reweighted least squares on rates; splines are smoothed by generalised cross-validation."""

    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        times = record.spacing * np.arange(record.commands.shape[1])
        splines = [make_smoothing_spline(times, row) for row in record.measured[:3].numpy()]
        values = torch.from_numpy(np.stack([spline(times) for spline in splines]))
        slopes = torch.from_numpy(np.stack([spline.derivative()(times) for spline in splines]))
        opened = actuators.states(record.commands[None], record.spacing)[0]
        oxygen = torch.full_like(values[:2], 0.2)  # on which nothing here depends
        states = torch.stack([values[0], values[1], oxygen[0], oxygen[1], values[2], *opened], -1)
        seen = record.solver.delayed(record.commands[None])[0].mT
        places = list(indices_of(unknown))

        def misses(logs: Float[ndarray, " s"]) -> Float[Tensor, "4 m"]:
            wear = _worn(start, places, logs)
            off = rates(states, seen, wear)[:, [0, 1, 4]].mT - slopes
            return torch.cat([off, (flows(states, seen, wear)["W_egr"] - record.measured[3])[None]])

        logs, size = np.zeros(len(places)), torch.tensor(_SIZES, dtype=torch.float64)[:, None]
        for _ in range(_PASSES):
            found = least_squares(lambda x, size=size: (misses(x) / size).flatten().numpy(), logs, x_scale=0.1)
            logs, size = found.x, misses(found.x).square().mean(1, keepdim=True).sqrt().clamp_min(_LEAST)
        wear = _worn(start, places, found.x)
        cylinder = flows(states, seen, wear)
        whole = torch.stack([*values, cylinder["x_r"], cylinder["T_1"]])
        return Estimate(unknown, wear[places], _covariance(found.jac, found.fun), whole, int(found.nfev))


def _worn(start: Float[Tensor, " 4"], places: list[int], logs: Float[ndarray, " s"]) -> Float[Tensor, " 4"]:
    wear = start.clone()
    wear[places] = start[places] * torch.from_numpy(logs).exp()
    return wear


def _covariance(slopes: Float[ndarray, "rows s"], misses: Float[ndarray, " rows"]) -> Float[Tensor, "s s"]:
    variance = misses @ misses / max(1, len(misses) - slopes.shape[1])
    return torch.from_numpy(np.linalg.inv(slopes.T @ slopes / variance + np.eye(slopes.shape[1]) / KNOWN**2))
