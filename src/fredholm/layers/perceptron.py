"""Multilayer perceptrons: plain, answering with several layers, of sines, and gated ("modified").

Sources: Glorot and Bengio 2010 (initialisation of the plain network, as DeepONets use it); Zang and Koutsourelakis 2025
(several layers); Sitzmann et al. 2020, "Implicit neural representations with periodic activation functions" (sine
networks); Wang, Teng, Perdikaris 2021 (gates).
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.affine import affine, applied, chained
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
    """x ↦ W_L h_{L-1} + b_L,  hₗ = dropout(σ(norm(Wₗ hₗ₋₁ + bₗ))),  h₀ = x: Glorot-normal weights, zero biases.

    Args:
        sizes: widths, from input to output.
        activation: σ, between layers.
        last_activation: applied to the output; none by default.
        norm: whether the features of each hidden layer are normalised (layer norm) before σ.
        dropout: probability with which a hidden feature is left out in training.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: nn.Module,
        last_activation: nn.Module | None = None,
        norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_glorot_layer(a, b) for a, b in pairwise(sizes))
        self.activation = activation
        self.last_activation = last_activation or nn.Identity()
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes[1:-1]) if norm else None
        self.dropout = nn.Dropout(dropout) if dropout else None

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> Float[Tensor, "*batch outputs"]:
        if self.norms is None and self.dropout is None:
            activations = [*[self.activation] * (len(self.layers) - 1), self.last_activation]
            return chained(list(self.layers), x, activations)
        for i in range(len(self.layers) - 1):
            x = self._hidden(i, x)
        return applied(self.layers[-1], x, self.last_activation)

    def of_pairs(
        self, features: Float[Tensor, "batch f"], points: Float[Tensor, "*batch m d"]
    ) -> Float[Tensor, "batch m outputs"]:
        """Values at all (features, point) together, without forming the pairs: W₁ [u, y] = W₁ᵘ u + W₁ʸ y."""
        first, width = self.layers[0], features.shape[-1]
        assert isinstance(first, nn.Linear)
        of_features = affine(features, first.weight[:, :width], first.bias)
        z = of_features.unsqueeze(1) + affine(points, first.weight[:, width:])
        if len(self.layers) == 1:
            values: Tensor = self.last_activation(z)
            return values
        x = self._activated(0, z)
        for i in range(1, len(self.layers) - 1):
            x = self._hidden(i, x)
        return applied(self.layers[-1], x, self.last_activation)

    def _hidden(self, i: int, x: Tensor) -> Tensor:
        if self.norms is None and self.dropout is None:
            return applied(self.layers[i], x, self.activation)
        return self._activated(i, applied(self.layers[i], x))

    def _activated(self, i: int, z: Tensor) -> Tensor:
        x: Tensor = self.activation(z if self.norms is None else self.norms[i](z))
        return x if self.dropout is None else self.dropout(x)


class LayerwiseMLP(nn.Module, Described):
    """x ↦ (h_{D-l+1}, ..., h_D),  hᵢ = σ(Wᵢ hᵢ₋₁ + bᵢ),  h₀ = x: what the last layers make, every one activated.

    Weights and biases start uniform on ±1/√(inputs of the layer), as in the published networks.

    Args:
        inputs: width of x.
        width: of every layer.
        depth: D.
        activation: σ.
        last: l; all layers if not given.

    >>> [h.shape for h in LayerwiseMLP(2, width=8, depth=3, activation=nn.Tanh(), last=2)(torch.zeros(5, 2))]
    [torch.Size([5, 8]), torch.Size([5, 8])]
    """

    def __init__(self, inputs: int, width: int, depth: int, activation: nn.Module, last: int | None = None) -> None:
        super().__init__()
        if not 1 <= (last or depth) <= depth:
            raise ValueError(f"the last {last} layers were asked for, of {depth}")
        self.width, self.last, self.activation = width, last or depth, activation
        self.layers = nn.ModuleList(nn.Linear(inputs if i == 0 else width, width) for i in range(depth))

    def forward(self, x: Float[Tensor, "*batch inputs"]) -> list[Float[Tensor, "*batch width"]]:
        made = []
        for layer in self.layers:
            x = applied(layer, x, self.activation)
            made.append(x)
        return made[-self.last :]


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
