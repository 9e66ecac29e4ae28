"""The network of a message-passing solver: encode at points, pass messages within balls.

    f_i = ε(v_i, x_i),      m_ji = φ(f_i, f_j, v_j - v_i, x_j - x_i),      f_i ← N(f_i + ψ(f_i, mean_j m_ji))

ε, φ and ψ have two layers; N normalises by mean and deviation over the points of a sample. Differences of values are
what finite differences and fluxes are made of, and so are given, not left to be found.

Source: Brandstetter, Worrall, Welling, "Message passing neural PDE solvers", ICLR 2022, equations (8) and (9).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described
from fredholm.layers.ball_graph import Ball, PointGraph


class Processor(Described):
    """What to build: neighbourhoods and sizes.

    Args:
        ball: who hears whom.
        width: channels at points.
        layers: number of rounds of messages.
        coordinates: whether ε sees places in the box; without them the network commutes with translations.
        activation: SiLU if not given.
    """

    def __init__(
        self,
        ball: Ball,
        width: int = 64,
        layers: int = 4,
        coordinates: bool = True,
        activation: nn.Module | None = None,
    ) -> None:
        self.ball, self.width, self.layers, self.coordinates = ball, width, layers, coordinates
        self.activation = activation or nn.SiLU()

    def network(self, values: int, dimension: int) -> "MessagePassingNetwork":
        """A new network for so many values at a point and coordinates."""
        return MessagePassingNetwork(self, values, dimension)


class MessagePassingNetwork(nn.Module):
    """Values at points to features there, by a graph."""

    def __init__(self, processor: Processor, values: int, dimension: int) -> None:
        super().__init__()
        width, activation = processor.width, processor.activation
        self.places = processor.coordinates
        given = values + (dimension if processor.coordinates else 0)
        self.encoder = nn.Sequential(nn.Linear(given, width), activation, nn.Linear(width, width), activation)
        self.rounds = nn.ModuleList(_Round(values, dimension, width, activation) for _ in range(processor.layers))

    def forward(
        self, values: Float[Tensor, "batch n values"], places: Float[Tensor, "batch n d"], graph: PointGraph
    ) -> Float[Tensor, "batch n width"]:
        values = graph.gathered(values)
        given = torch.cat([values, graph.gathered(places)], dim=-1) if self.places else values
        features = self.encoder(given)
        for one in self.rounds:
            features = one(features, values, graph)
        return graph.scattered(features)


class _Round(nn.Module):
    def __init__(self, values: int, dimension: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        # φ's first layer is linear in all that it sees: products with f and v are made at nodes, not at edges
        self.of_receiver = nn.Linear(width, width)
        self.of_sender = nn.Linear(width, width, bias=False)
        self.of_values = nn.Linear(values, width, bias=False)
        self.of_offset = nn.Linear(dimension, width, bias=False)
        self.message = nn.Linear(width, width)
        self.update = nn.Sequential(nn.Linear(2 * width, width), activation, nn.Linear(width, width), activation)
        self.activation = activation
        self.scale, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, features: Tensor, values: Tensor, graph: PointGraph) -> Tensor:
        of_values = self.of_values(values)
        hidden = graph.from_receivers(self.of_receiver(features) - of_values) + self.of_offset(graph.offsets)
        hidden = hidden + graph.from_senders(self.of_sender(features) + of_values)
        received = graph.mean(self.activation(self.message(self.activation(hidden))))
        features = features + self.update(torch.cat([features, received], dim=-1))
        centred = features - graph.overall(features)
        return centred * (self.scale * torch.rsqrt(graph.overall(centred.square()) + 1e-5)) + self.shift
