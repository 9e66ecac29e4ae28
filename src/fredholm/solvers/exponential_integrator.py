"""Exponential time differencing of fourth order (ETDRK4) for stiff equations with a diagonal linear part.

    v' = L v + F N(v),   L and F diagonal

L is treated exactly and F N by a Runge-Kutta method of four stages, whose weights are functions of z = h L such as
(eᶻ - 1) / z. Evaluated as written they lose all digits near z = 0, so each is the mean of its values on a circle around
z (Cauchy's integral formula by the trapezoidal rule, which converges exponentially). Exact where N is constant;
otherwise fourth order in h, as long as N resolves its own time scales: L puts no limit on h.

Sources: Cox, Matthews, "Exponential time differencing for stiff systems", J. Comput. Phys. 176 (2002), equations
26-29; Kassam, Trefethen, "Fourth-order time-stepping for stiff PDEs", SIAM J. Sci. Comput. 26 (2005), section 3.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Complex, Float
from torch import Tensor

_ON_CIRCLE = 64  # points around z: their mean has every digit of float64

Values = Float[Tensor, "b m"] | Complex[Tensor, "b m"]


class ETDRK4:
    """Steps of length h for a batch of states (b, m) in double precision.

    Args:
        symbol: the diagonal (m,) of L, of the states' type, real or complex.
        slope: N, from states (b, m) to states (b, m).
        step: h.
        factor: the diagonal (m,) of F; ones, if None.

    >>> decay = ETDRK4(torch.tensor([-1e3], dtype=torch.float64), torch.ones_like, step=0.5)  # v' = 1 - 1000 v
    >>> round(float(decay.advance(torch.tensor([[7.0]], dtype=torch.float64))), 12)
    0.001
    """

    def __init__(
        self,
        symbol: Float[Tensor, " m"] | Complex[Tensor, " m"],
        slope: Callable[[Values], Values],
        step: float,
        factor: Float[Tensor, " m"] | Complex[Tensor, " m"] | None = None,
    ) -> None:
        self.slope = slope
        angles = 2 * math.pi * (torch.arange(_ON_CIRCLE, dtype=torch.float64, device=symbol.device) + 0.5) / _ON_CIRCLE
        z = step * symbol
        around = z[:, None] + torch.polar(torch.ones_like(angles), angles)
        e = around.exp()
        inner = ((around / 2).exp() - 1) / around
        first = (-4 - around + e * (4 - 3 * around + around**2)) / around**3
        middle = 2 * (2 + around + e * (around - 2)) / around**3
        last = (-4 - 3 * around - around**2 + e * (4 - around)) / around**3
        means = [step * values.mean(1) for values in (inner, first, middle, last)]
        self._inner, self._first, self._middle, self._last = (
            (mean if symbol.is_complex() else mean.real) * (1.0 if factor is None else factor) for mean in means
        )
        self._decay, self._half_decay = z.exp(), (z / 2).exp()

    def advance(self, states: Values) -> Values:
        """The states after one step."""
        decayed = self._half_decay * states
        at_start = self.slope(states)
        halfway = torch.addcmul(decayed, self._inner, at_start)
        at_half = self.slope(halfway)
        again = self.slope(torch.addcmul(decayed, self._inner, at_half))
        beyond = self.slope(torch.addcmul(self._half_decay * halfway, self._inner, torch.lerp(at_start, again, 2.0)))
        end = torch.addcmul(self._decay * states, self._first, at_start)
        return end.addcmul_(self._middle, at_half + again).addcmul_(self._last, beyond)
