"""A small network asked over and over for its own next state, in one compiled loop.

    h₁ = σ(pₖ + A xₖ),   hₗ = σ(Wₗ hₗ₋₁ + bₗ),   xₖ₊₁ = E h_L + e + c xₖ,   σ(z) = z / (1 + e⁻ᶻ)

pₖ, all of the first layer that does not depend on the state, is known beforehand.
"""

# mypy: disallow-untyped-defs=False
# numba infers the types of what it compiles

import numpy as np
from numba import njit


@njit(cache=True, fastmath=True)
def _silu(z):
    for i in range(z.size):
        z[i] = z[i] / (np.float32(1.0) + np.exp(-z[i]))


@njit(cache=True)
def chained_states(known, of_state, inner, biases, end, constant, carried, state):
    """Write h_L of every window into `known` (windows, width); `state` x₀ is left at the last window's end.

    `of_state` A (width, k), `inner` (L - 1, width, width), `biases` (L - 1, width), `end` E (k, width), `constant` e;
    `carried` c is one where the state is added to.
    """
    for k in range(known.shape[0]):
        h = known[k] + np.dot(of_state, state)
        _silu(h)
        for layer in range(inner.shape[0]):
            h = np.dot(inner[layer], h) + biases[layer]
            _silu(h)
        known[k] = h
        state[:] = np.dot(end, h) + constant + carried * state
