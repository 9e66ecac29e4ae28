"""Branch and trunk of a MultiONet: products of several layers, not of the last alone.

    G(u)(y) ≈ (1/l) Σ_{i=D-l+1..D} ωᵢ ⟨hᵢ(y), aᵢ(u)⟩ + b₀

hᵢ and aᵢ are the activated layers of trunk and branch, equally many and equally wide; the ωᵢ are trained and start at
0, so that an untrained operator answers 0. With l = 1 and ω = 1 it is a DeepONet. The sum over layers and features is
one inner product of longer vectors, so that the operator is a `DeepONet` of these two parts, with all its queries:

    DeepONet(signature, domain, LayerwiseBranch(sensors, LayerwiseMLP(...)), LayerwiseTrunk(LayerwiseMLP(...)))

Source: Zang, Koutsourelakis, "DGenNO: a novel physics-aware neural operator for solving forward and inverse PDE
problems based on deep, generative probabilistic modeling", J. Comput. Phys. 538 (2025), 114137.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.perceptron import LayerwiseMLP
from fredholm.layers.sensors import Sensors
from fredholm.operators.deeponet.branch import Branch
from fredholm.operators.deeponet.trunk import Trunk


class LayerwiseBranch(Branch):
    """ωᵢ aᵢ(u) / l, the layers one after the other.

    Args:
        sensors: what the network sees.
        network: aᵢ.
        channels: of the output, each with weights ω of its own over the same layers; contract with `SplitBranch`.
    """

    def __init__(self, sensors: Sensors, network: LayerwiseMLP, channels: int = 1) -> None:
        super().__init__()
        self.sensors, self.network = sensors, network
        self.width = channels * network.last * network.width
        self.omega = nn.Parameter(torch.zeros(channels, network.last))

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch width"]:
        layers = torch.stack(self.network(self.sensors(inputs)), dim=1)
        weighed = layers.unsqueeze(1) * (self.omega / self.network.last).unsqueeze(-1)
        return weighed.flatten(1)


class LayerwiseTrunk(Trunk):
    """hᵢ(features(scaling(y))), the layers one after the other."""

    def __init__(
        self, network: LayerwiseMLP, scaling: nn.Module | None = None, features: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.network, self.width = network, network.last * network.width
        self.scaling, self.features = scaling or nn.Identity(), features or nn.Identity()

    def forward(self, points: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch width"]:
        return torch.cat(self.network(self.features(self.scaling(points))), dim=-1)
