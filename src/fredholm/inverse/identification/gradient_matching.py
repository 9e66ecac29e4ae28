"""Gradient matching: smooth what was measured, derive it, and fit the balances to that.

    min over λ  Σ |ẏ - f(y, u; λ)|² + |W_egr - Ŵ_egr|²        y, ẏ: of a smoothing spline

The oldest way, and the fastest: no state is unknown. But noise in y is noise in the regressors, which does not average
out, so that its estimates are biased, the more the noisier; and its covariance knows nothing of that.

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

_SIZES = (1e5, 1e5, 5e3)  # of the rates a second


@dataclass(frozen=True)
class GradientMatching(Method):
    """Least squares on rates; splines are smoothed by generalised cross-validation."""

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
        size, places = torch.tensor(_SIZES, dtype=torch.float64)[:, None], list(indices_of(unknown))
        back_size = record.measured[3].square().mean().sqrt()

        def misses(logs: Float[ndarray, " s"]) -> Float[ndarray, " rows"]:
            wear = _worn(start, places, logs)
            off = (rates(states, seen, wear)[:, [0, 1, 4]].mT - slopes) / size
            back = (flows(states, seen, wear)["W_egr"] - record.measured[3]) / back_size
            return torch.cat([off.flatten(), back]).numpy()

        found = least_squares(misses, np.zeros(len(places)), x_scale=0.1)
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
