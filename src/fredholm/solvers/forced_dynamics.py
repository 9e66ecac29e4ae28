"""Ordinary differential equations driven by a function of time, many at once, by the classical Runge-Kutta method.

    s' = F(s, u(t)),   s(0) = s₀

Fourth order in the step, given the force in the middle of every step too.

Source: Hairer, Nørsett, Wanner, "Solving ordinary differential equations I" (1993), section II.1.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Slope = Callable[[Float[ndarray, "d n"], Float[ndarray, " n"]], Float[ndarray, "d n"]]


def drive(
    slope: Slope, initial: Float[ndarray, "d n"], force: Float[ndarray, "n k"], step: float
) -> Float[ndarray, "d n (k+1)//2"]:
    """States of n systems of d equations at 0, h, 2h, ...

    Args:
        slope: F, from states (d, n) and forces (n,).
        initial: s₀.
        force: u at 0, h/2, h, 3h/2, ..., an odd number of values.
        step: h.

    >>> decay = drive(lambda s, u: -s, np.ones((1, 1)), np.zeros((1, 21)), step=0.1)
    >>> round(float(decay[0, 0, -1]), 6), round(float(np.exp(-1)), 6)
    (0.36788, 0.367879)
    """
    if force.shape[1] % 2 == 0:
        raise ValueError(f"the force is needed at both ends and the middle of each step, got {force.shape[1]} values")
    forces = np.ascontiguousarray(force.T)
    states = np.empty((len(forces) // 2 + 1, *initial.shape))
    states[0] = s = initial.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):  # a solution that escapes may do so; its caller looks
        for i in range(1, len(states)):
            before, middle, after = forces[2 * i - 2 : 2 * i + 1]
            first = slope(s, before)
            second = slope(s + 0.5 * step * first, middle)
            third = slope(s + 0.5 * step * second, middle)
            fourth = slope(s + step * third, after)
            states[i] = s = s + step / 6 * (first + 2 * (second + third) + fourth)
    return np.moveaxis(states, 0, -1)
