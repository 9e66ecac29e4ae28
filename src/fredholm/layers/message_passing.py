"""Passing messages along the edges of a graph.

    m_ji = φ(e_ji, x_j, x_i),      x_i ← x_i + ψ(x_i, mean_j m_ji)

Nodes and edges stand first and channels last, (nodes, batch, channels): gathering from senders and adding up at
receivers then move whole rows, which costs next to nothing beside φ. The first layer of φ is linear in e, x_j and x_i,
so that its products with x are made once a node and not once an edge, of which there are several times as many.

Source: Gilmer, Schoenholz, Riley, Vinyals, Dahl, "Neural message passing for quantum chemistry", ICML 2017; with states
on the edges as in Battaglia et al., "Relational inductive biases, deep learning, and graph networks", 2018.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fredholm.layers.architecture import Described


class Edges(nn.Module):
    """The edges (sender, receiver) of a graph that all samples share.

    Args:
        edges: of nodes.
        receivers: number of nodes that receive; those to which no edge leads receive zero.
        weights: of the edges in the mean at their receiver; equal if not given.

    >>> ring = Edges(torch.tensor([[1, 2, 0], [0, 1, 2]]), receivers=3)
    >>> ring.mean(ring.from_senders(torch.tensor([[[5.0]], [[6.0]], [[7.0]]]))).flatten().tolist()
    [6.0, 7.0, 5.0]
    """

    senders: Tensor
    receivers: Tensor
    weights: Tensor | None
    total: Tensor

    def __init__(self, edges: Int[Tensor, "2 e"], receivers: int, weights: Float[Tensor, " e"] | None = None) -> None:
        super().__init__()
        each = torch.ones(edges.shape[1]) if weights is None else weights
        total = torch.zeros(receivers, dtype=torch.float64).index_add_(0, edges[1], each.double())
        total[total == 0] = 1.0
        self.count = receivers
        self.register_buffer("senders", edges[0].clone(), persistent=False)
        self.register_buffer("receivers", edges[1].clone(), persistent=False)
        self.register_buffer("weights", None if weights is None else weights.float()[:, None, None], persistent=False)
        self.register_buffer("total", total.float()[:, None, None], persistent=False)

    def from_senders(self, nodes: Float[Tensor, "senders batch width"]) -> Float[Tensor, "e batch width"]:
        """What stands at the sender of every edge."""
        return nodes.index_select(0, self.senders)

    def from_receivers(self, nodes: Float[Tensor, "receivers batch width"]) -> Float[Tensor, "e batch width"]:
        """What stands at the receiver of every edge."""
        return nodes.index_select(0, self.receivers)

    def mean(self, messages: Float[Tensor, "e batch width"]) -> Float[Tensor, "receivers batch width"]:
        """The weighted mean over the edges that lead to each receiver."""
        if self.weights is not None:
            messages = messages * self.weights
        received = messages.new_zeros(self.count, *messages.shape[1:]).index_add(0, self.receivers, messages)
        return received / self.total


class NormedPerceptron(nn.Module, Described):
    """x ↦ LayerNorm(W₂ σ(W₁ x + b)), the network at nodes and edges."""

    def __init__(self, inputs: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, width)
        self.activation = activation
        self.second = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "*nodes inputs"]) -> Float[Tensor, "*nodes width"]:
        return self.beyond(self.first(x))

    def beyond(self, hidden: Float[Tensor, "*nodes width"]) -> Float[Tensor, "*nodes width"]:
        """The rest of the network, from W₁ x + b on."""
        values: Tensor = self.norm(self.second(self.activation(hidden)))
        return values


class MessagePassing(nn.Module, Described):
    """One step: the messages, which are to be added to the states of edges, and the new states of receivers.

    States of edges may be common to the batch, (e, 1, width).
    """

    def __init__(self, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.message = NormedPerceptron(3 * width, width, activation)
        self.update = NormedPerceptron(2 * width, width, activation)

    def forward(
        self,
        graph: Edges,
        edges: Float[Tensor, "e _ width"],
        senders: Float[Tensor, "senders batch width"],
        receivers: Float[Tensor, "receivers batch width"],
    ) -> tuple[Float[Tensor, "e batch width"], Float[Tensor, "receivers batch width"]]:
        first = self.message.first
        of_edge, of_sender, of_receiver = first.weight.chunk(3, dim=1)
        hidden = nn.functional.linear(edges, of_edge, first.bias)
        hidden = hidden + graph.from_senders(nn.functional.linear(senders, of_sender))
        hidden = hidden + graph.from_receivers(nn.functional.linear(receivers, of_receiver))
        messages = self.message.beyond(hidden)
        received = self.update(torch.cat([receivers, graph.mean(messages)], dim=-1))
        return messages, receivers + received
