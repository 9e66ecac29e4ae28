"""Graphs on the points of functions: everyone hears from all points of a ball.

    mean_i m = Σ_j w_j m_ji / Σ_j w_j,      j in N_r(x_i)

with quadrature weights w, so that the mean is that of an integral over the ball, whatever samples it, and points that
stand for nothing, such as padding, are not heard. `FixedGraph` is one graph for all samples, listed once. `MovingGraph`
is made of the points that come with every sample; their union is one graph without edges between samples.

Sources: radius graphs and plain means as in Brandstetter, Worrall, Welling, "Message passing neural PDE solvers", ICLR
2022; the quadrature as in Kovachki et al., "Neural operator", JMLR 24 (2023), section 4.1.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.layers.message_passing import Edges
from fredholm.layers.radius_graph import radius_graph
from fredholm.layers.scattered_interpolation import nearest_points


class PointGraph(ABC):
    """Who hears whom. Values at nodes are (nodes, batch, width), at edges (edges, batch, width)."""

    offsets: Tensor  # (edges, 1, d): sender minus receiver, in radii

    @abstractmethod
    def gathered(self, values: Float[Tensor, "batch n width"]) -> Float[Tensor, "nodes columns width"]:
        """Values of samples at points, as values at nodes."""

    @abstractmethod
    def scattered(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "batch n width"]:
        """Inverse of `gathered`."""

    @abstractmethod
    def from_senders(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        """What stands at the sender of every edge."""

    @abstractmethod
    def from_receivers(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        """What stands at the receiver of every edge."""

    @abstractmethod
    def mean(self, messages: Float[Tensor, "edges columns width"]) -> Float[Tensor, "nodes columns width"]:
        """Mean of the messages to every node."""

    @abstractmethod
    def overall(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "..."]:
        """Mean over each sample's points, in a shape that broadcasts against nodes."""


class Ball(Described):
    """Neighbours within a radius.

    Args:
        radius: in the units of the coordinates.
        most: neighbours that are heard at most where points come with every sample: the nearest, if there are more.
        quadrature: whether means have quadrature weights; if not, all points of a ball count alike.
    """

    def __init__(self, radius: float, most: int = 24, quadrature: bool = True) -> None:
        if radius <= 0 or most < 1:
            raise ValueError(f"radius={radius}, most={most}: expected a positive radius and at least one neighbour")
        self.radius, self.most, self.quadrature = radius, most, quadrature

    def fixed(self, domain: Domain) -> "FixedGraph":
        """The graph on a domain's points; coordinates that are periodic close on themselves."""
        return FixedGraph(self, domain)

    def moving(self, points: Float[Tensor, "batch n d"], weights: Float[Tensor, "batch n"]) -> "MovingGraph":
        """The graph on points of each sample."""
        return MovingGraph(self, points, weights)


class FixedGraph(nn.Module, PointGraph):
    """The graph on a domain."""

    offsets: Tensor
    weights: Tensor

    def __init__(self, ball: Ball, domain: Domain) -> None:
        super().__init__()
        points, weights = domain.coordinates(), domain.weights()
        axes = domain.coordinate_axes
        edges = radius_graph(points, ball.radius, periods=[a.extent if a.periodic else None for a in axes])
        edges = edges[:, weights[edges[0]] > 0]
        offsets = points[edges[0]] - points[edges[1]]
        for i, axis in enumerate(axes):
            if axis.periodic:
                offsets[:, i] -= axis.extent * (offsets[:, i] / axis.extent).round()
        heard = weights[edges[0]] / weights.max()
        alike = not ball.quadrature or bool(torch.allclose(heard, heard[:1].expand(len(heard))))
        self.edges = Edges(edges, len(points), None if alike else heard)
        shares = weights if ball.quadrature else (weights > 0).double()
        self.register_buffer("offsets", (offsets / ball.radius).float()[:, None], persistent=False)
        self.register_buffer("weights", (shares / shares.sum()).float()[:, None, None], persistent=False)

    def gathered(self, values: Float[Tensor, "batch n width"]) -> Float[Tensor, "nodes columns width"]:
        return values.transpose(0, 1)

    def scattered(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "batch n width"]:
        return nodes.transpose(0, 1)

    def from_senders(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        return self.edges.from_senders(nodes)

    def from_receivers(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        return self.edges.from_receivers(nodes)

    def mean(self, messages: Float[Tensor, "edges columns width"]) -> Float[Tensor, "nodes columns width"]:
        return self.edges.mean(messages)

    def overall(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "..."]:
        return (nodes * self.weights).sum(0, keepdim=True)


class MovingGraph(PointGraph):
    """The union of the graphs on each sample's points, with batch · n nodes and one column."""

    def __init__(self, ball: Ball, points: Float[Tensor, "batch n d"], weights: Float[Tensor, "batch n"]) -> None:
        self.batch, self.points, self.most = points.shape[0], points.shape[1], ball.most
        indices, squares = nearest_points(points, weights, points, ball.most)
        heard = squares <= ball.radius**2 * (1 + 1e-6)
        rows = indices + self.points * torch.arange(self.batch, device=points.device)[:, None, None]
        self.senders = rows.flatten()
        shares = weights if ball.quadrature else (weights > 0).to(points.dtype)
        near = torch.where(heard, shares.flatten()[self.senders].reshape(squares.shape), 0.0)
        near = near / near.sum(-1, keepdim=True).clamp(min=1e-30)
        self.shares = near.reshape(-1, ball.most, 1, 1)
        self.weights = (shares / shares.sum(-1, keepdim=True)).unsqueeze(-1)
        flat = points.flatten(0, 1)
        self.offsets = (self.from_senders(flat.unsqueeze(1)) - self.from_receivers(flat.unsqueeze(1))) / ball.radius

    def gathered(self, values: Float[Tensor, "batch n width"]) -> Float[Tensor, "nodes columns width"]:
        return values.reshape(-1, 1, values.shape[-1])

    def scattered(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "batch n width"]:
        return nodes.reshape(self.batch, self.points, -1)

    def from_senders(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        return nodes.index_select(0, self.senders)

    def from_receivers(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "edges columns width"]:
        return nodes.unsqueeze(1).expand(-1, self.most, -1, -1).flatten(0, 1)

    def mean(self, messages: Float[Tensor, "edges columns width"]) -> Float[Tensor, "nodes columns width"]:
        return (messages.unflatten(0, (-1, self.most)) * self.shares).sum(1)

    def overall(self, nodes: Float[Tensor, "nodes columns width"]) -> Float[Tensor, "..."]:
        means = (self.scattered(nodes) * self.weights).sum(1, keepdim=True)
        return means.expand(-1, self.points, -1).reshape(-1, 1, means.shape[-1])
