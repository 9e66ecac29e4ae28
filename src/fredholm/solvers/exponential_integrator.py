"""Exponential time differencing of fourth order (ETDRK4) for stiff equations with a diagonal linear part.

    v' = L v + N(v)

L is treated exactly and N by a Runge-Kutta method of four stages, whose weights are functions of z = h L such as
(eᶻ - 1) / z. Evaluated as written they lose all digits near z = 0, so each is the mean of its values on a circle around
z (Cauchy's integral formula by the trapezoidal rule, which converges exponentially). Exact where N is constant;
otherwise fourth order in h, as long as N resolves its own time scales: L puts no limit on h.

Sources: Cox, Matthews, "Exponential time differencing for stiff systems", J. Comput. Phys. 176 (2002), equations
26-29; Kassam, Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005), section 3.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Complex, Float
from numpy import ndarray

_CIRCLE = np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)  # the mean over it has every digit of float64

Values = Float[ndarray, "b m"] | Complex[ndarray, "b m"]


class ETDRK4:
    """Steps of length h for a batch of states (b, m), real or complex.

    Args:
        symbol: the diagonal (m,) of L.
        slope: N, from states (b, m) to states (b, m); it may keep nothing of its argument.
        step: h.

    >>> decay = ETDRK4(np.array([-1e3]), np.ones_like, step=0.5)  # v' = 1 - 1000 v
    >>> round(float(decay.advance(np.array([[7.0]]))[0, 0]), 12)
    0.001
    """

    def __init__(
        self,
        symbol: Float[ndarray, " m"] | Complex[ndarray, " m"],
        slope: Callable[[Values], Values],
        step: float,
    ) -> None:
        self.slope, self.step = slope, step
        z = step * symbol
        around = z[:, None] + _CIRCLE
        e = np.exp(around)
        weights = {
            "half": (np.exp(around / 2) - 1) / around,
            "first": (-4 - around + e * (4 - 3 * around + around**2)) / around**3,
            "middle": 2 * (2 + around + e * (around - 2)) / around**3,
            "last": (-4 - 3 * around - around**2 + e * (4 - around)) / around**3,
        }
        means = {name: step * values.mean(1) for name, values in weights.items()} | {
            "decay": np.exp(z),
            "half_decay": np.exp(z / 2),
        }
        self._real = not np.iscomplexobj(symbol)
        self._weights = {name: values.real.copy() if self._real else values for name, values in means.items()}

    def advance(self, states: Values) -> Values:
        """The states after one step."""
        weights = {name: self._fit(values, states) for name, values in self._weights.items()}
        v = self._flat(states)

        def slope(state: ndarray) -> ndarray:
            return self._flat(self.slope(state.view(states.dtype)))

        at_start = slope(v)
        decayed = weights["half_decay"] * v
        first = decayed + weights["half"] * at_start
        at_first = slope(first)
        second = weights["half"] * at_first
        second += decayed
        at_second = slope(second)
        third = weights["half_decay"] * first
        third += weights["half"] * (2 * at_second - at_start)
        end = weights["last"] * slope(third)
        end += weights["decay"] * v
        end += weights["first"] * at_start
        at_first += at_second
        at_first *= weights["middle"]
        end += at_first
        return end.view(states.dtype)

    def _flat(self, states: ndarray) -> ndarray:
        """Complex numbers as pairs of real ones, where the weights are real: half the arithmetic."""
        return states.view(np.float64) if self._real and np.iscomplexobj(states) else states

    def _fit(self, weights: ndarray, states: ndarray) -> ndarray:
        return np.repeat(weights, 2) if self._real and np.iscomplexobj(states) else weights
