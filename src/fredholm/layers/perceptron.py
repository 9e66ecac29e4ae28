"""Multilayer perceptrons: the plain one, the sine one, and the gated ("modified") one.

Sources: Glorot and Bengio 2010 (initialisation of the plain network, as DeepONets use it); Sitzmann et al. 2020,
"Implicit neural representations with periodic activation functions" (sine networks); Wang, Teng, Perdikaris 2021
(gates).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.affine import applied
from fredholm.layers.architecture import Described


@contextmanager
def initialised(seed: int) -> Iterator[None]:
    """Construct modules inside with weights that depend on `seed` alone; the global generator is left as it was.

    >>> with initialised(0):
    ...     first = MLP([2, 3], nn.ReLU())
    >>> with initialised(0):
    ...     second = MLP([2, 3], nn.ReLU())
    >>> torch.equal(first.layers[0].weight, second.layers[0].weight)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class MLP(nn.Module, Described):
    """x ↦ W_L σ(... σ(W₁ x + b₁) ...) + b_L, Glorot-normal weights, zero biases.

    Args:
        sizes: widths, from input to output.
        activation: σ, between layers.
        last_activation: applied to the output; none by default.
    """

    def __init__(self, sizes: Sequence[int], activation: nn.Module, last_activation: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_glorot_layer(a, b) for a, b in pairwise(sizes))
        self.activation = activation
        self.last_activation = last_activation or nn.Identity()

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        *hidden, last = self.layers
        for layer in hidden:
            x = applied(layer, x, self.activation)
        return applied(last, x, self.last_activation)


class SineMLP(nn.Module, Described):
    """MLP with sines: h₁ = sin(ω₀ W₁ x + b₁), hₗ = sin(Wₗ hₗ₋₁ + bₗ), a linear last layer.

    Args:
        sizes: widths, from input to output.
        omega: ω₀, the frequency of the first layer.
    """

    def __init__(self, sizes: Sequence[int], omega: float = 30.0) -> None:
        super().__init__()
        self.omega = omega
        self.layers = nn.ModuleList(_sine_layer(a, b, omega, first=i == 0) for i, (a, b) in enumerate(pairwise(sizes)))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        first, *middle, last = self.layers
        h = _first_sine(first, self.omega, x)
        for layer in middle:
            h = torch.sin(applied(layer, h))
        return applied(last, h)


class ModifiedMLP(nn.Module, Described):
    """The gated sine network of Borrel-Jensen et al. 2024.

        U = σ(x W_U + b_U),   V = σ(x W_V + b_V)
        h = sin(ω₀ x W₀ + b₀),   hₗ = sin(hₗ₋₁ Wₗ + bₗ),   after each:  h ← h U + (1 - h) V
        output = h W_L + b_L

    Args:
        sizes: widths, from input to output; all hidden ones are equal, as the gates need.
        omega: ω₀.
        gate: σ. The published code has a sine; the published checkpoints were made with linear gates (`nn.Identity()`).
    """

    def __init__(self, sizes: Sequence[int], omega: float = 30.0, gate: nn.Module | None = None) -> None:
        super().__init__()
        inputs, hidden = sizes[0], sizes[1]
        if any(size != hidden for size in sizes[1:-1]):
            raise ValueError(f"a gated network needs equal hidden widths, got {list(sizes[1:-1])}")
        self.omega = omega
        self.gate = gate or Sine()
        self.upper = _sine_layer(inputs, hidden, omega, first=True)
        self.lower = _sine_layer(inputs, hidden, omega, first=True)
        self.layers = nn.ModuleList(_sine_layer(a, b, omega, first=i == 0) for i, (a, b) in enumerate(pairwise(sizes)))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        upper, lower = applied(self.upper, x, self.gate), applied(self.lower, x, self.gate)
        first, *middle, last = self.layers
        h = torch.lerp(lower, upper, _first_sine(first, self.omega, x))
        for layer in middle:
            h = torch.lerp(lower, upper, torch.sin(applied(layer, h)))
        return applied(last, h)


class Sine(nn.Module, Described):
    """x ↦ sin x."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


def _glorot_layer(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _first_sine(layer: nn.Module, omega: float, x: Tensor) -> Tensor:
    """sin(ω₀ W x + b): the frequency multiplies the weights, not the bias."""
    assert isinstance(layer, nn.Linear)
    return torch.sin(omega * nn.functional.linear(x, layer.weight) + layer.bias)


def _sine_layer(inputs: int, outputs: int, omega: float, first: bool) -> nn.Linear:
    """Weights uniform on ±1/n in the first layer and ±√(6/n)/ω₀ after it, where sines then start out nearly linear."""
    layer = nn.Linear(inputs, outputs)
    bound = 1 / inputs if first else math.sqrt(6 / inputs) / omega
    nn.init.uniform_(layer.weight, -bound, bound)
    nn.init.zeros_(layer.bias)
    return layer
