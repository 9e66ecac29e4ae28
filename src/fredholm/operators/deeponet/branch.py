"""Branches: from input functions to the coefficients b₁(u), ..., b_w(u) of an expansion.

Sources: Lu et al. 2021 (stacked and unstacked branches); Jin, Meng, Lu 2022, "MIONet" (products of branches).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.sensors import Sensors


class Branch(nn.Module, Described, ABC):
    """Inputs of a signature to `width` coefficients."""

    width: int

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        """The coefficients."""


class NetworkBranch(Branch):
    """A network on the features of `sensors`: the unstacked branch."""

    def __init__(self, sensors: Sensors, network: nn.Module, width: int) -> None:
        super().__init__()
        self.sensors, self.network, self.width = sensors, network, width

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        coefficients: Tensor = self.network(self.sensors(inputs))
        return coefficients


class LinearBranch(Branch):
    """b(u) = u W without bias: exactly linear in the inputs, hence superposition holds.

    W starts at zero; `operators.deeponet.closed_form` fits it by ridge regression.
    """

    def __init__(self, sensors: Sensors, width: int) -> None:
        super().__init__()
        self.sensors, self.width = sensors, width
        self.weight = nn.Parameter(torch.zeros(sensors.width, width))

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        features: Tensor = self.sensors(inputs)
        return features @ self.weight


class StackedBranch(Branch):
    """`width` networks of their own, each with one output: bₖ(u) = cₖ · σ(Wₖ u + θₖ) + dₖ.

    Evaluated together as batched matrix products.
    """

    def __init__(self, sensors: Sensors, hidden: Sequence[int], width: int, activation: nn.Module) -> None:
        super().__init__()
        self.sensors, self.width, self.activation = sensors, width, activation
        sizes = [sensors.width, *hidden, 1]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for a, b in pairwise(sizes):
            self.weights.append(torch.randn(width, a, b) * (2 / (a + b)) ** 0.5)
            self.biases.append(torch.zeros(width, 1, b))

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        h = self.sensors(inputs).expand(self.width, -1, -1)
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)
            if i < len(self.weights) - 1:
                h = self.activation(h)
        coefficients: Tensor = h[..., 0].T
        return coefficients


class ProductBranch(Branch):
    """Product of branches, coefficient by coefficient: one branch for each input function (MIONet)."""

    def __init__(self, branches: list[Branch]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.width = _common_width(branches)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        product: Tensor
        product, *others = [branch(inputs) for branch in self.branches]
        for other in others:
            product = product * other
        return product


class SumBranch(Branch):
    """Sum of branches, coefficient by coefficient."""

    def __init__(self, branches: list[Branch]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.width = _common_width(branches)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        return torch.stack([branch(inputs) for branch in self.branches]).sum(0)


class JoinedBranch(Branch):
    """Coefficients of several branches one after the other: independent branches for several outputs."""

    def __init__(self, branches: list[Branch]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.width = sum(branch.width for branch in branches)

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        return torch.cat([branch(inputs) for branch in self.branches], dim=-1)


def _common_width(branches: Sequence[Branch]) -> int:
    widths = {branch.width for branch in branches}
    if len(widths) != 1:
        raise ValueError(f"branches that are merged need one width, got {sorted(widths)}")
    return widths.pop()
