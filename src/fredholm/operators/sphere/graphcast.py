"""Encode, process, decode: a graph network on an icosahedral multi-mesh between two views of a grid on the sphere.

    encode    messages from the grid to the mesh, and a pointwise network on the grid
    process   steps of message passing along the edges of all scales
    decode    messages from the mesh to the grid,     G(u) = Q x_grid

Every step updates the states of edges and receivers by what `MessagePassing` says; means are taken over edges.

Sources: Lam et al., "Learning skillful medium-range global weather forecasting", Science 382 (2023), here with means in
place of sums as in Benson, Bastos, Reimers, Winkler, Yang, Reichstein, "Atmospheric transport modeling of CO2 with
neural networks", Journal of Advances in Modeling Earth Systems 17 (2025).
"""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.sphere_grid import SphereGrid
from fredholm.layers.message_passing import Edges, MessagePassing, NormedPerceptron
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.sphere.multimesh import Graph, multi_mesh


class GraphCast(GridNetwork):
    """Encode-process-decode for one grid of the sphere.

    Args:
        inputs, outputs: channels.
        grid: whose points are joined to the mesh.
        width: channels of nodes and edges.
        layers: steps on the mesh.
        level: of the finest mesh, which has 10·4ˡ + 2 vertices.
        reach: how far grid points send, in longest edges of the finest mesh.
        activation: SiLU if not given.

    >>> GraphCast(1, 2, SphereGrid.equiangular(4, 8), width=4, layers=1, level=0)(torch.zeros(3, 1, 4, 8)).shape
    torch.Size([3, 2, 4, 8])
    """

    agnostic: ClassVar[bool] = False
    dimensions: ClassVar[frozenset[int]] = frozenset({2})
    points: Tensor
    vertices: Tensor

    def __init__(
        self,
        inputs: int,
        outputs: int,
        grid: SphereGrid,
        width: int = 64,
        layers: int = 4,
        level: int = 2,
        reach: float = 0.75,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.outputs, self.grid = inputs, outputs, grid
        activation = activation or nn.SiLU()
        mesh = multi_mesh(grid, level, reach)
        self.register_buffer("points", mesh.grid.float()[:, None], persistent=False)
        self.register_buffer("vertices", mesh.vertices.float()[:, None], persistent=False)
        self.into_mesh = _States(mesh.into_mesh, len(mesh.vertices), width, activation)
        self.on_mesh = _States(mesh.on_mesh, len(mesh.vertices), width, activation)
        self.out_of_mesh = _States(mesh.out_of_mesh, len(mesh.grid), width, activation)
        self.embed_points = NormedPerceptron(inputs + mesh.grid.shape[1], width, activation)
        self.embed_vertices = NormedPerceptron(mesh.vertices.shape[1], width, activation)
        self.encoder = MessagePassing(width, activation)
        self.points_update = NormedPerceptron(width, width, activation)
        self.processor = nn.ModuleList(MessagePassing(width, activation) for _ in range(layers))
        self.decoder = MessagePassing(width, activation)
        self.projection = nn.Sequential(nn.Linear(width, width), activation, nn.Linear(width, outputs))

    def forward(self, values: Float[Tensor, "batch inputs *shape"]) -> Float[Tensor, "batch outputs *shape"]:
        given = values.flatten(2).permute(2, 0, 1)
        batch = given.shape[1]
        points = self.embed_points(torch.cat([given, self.points.to(given.dtype).expand(-1, batch, -1)], dim=-1))
        vertices = self.embed_vertices(self.vertices).expand(-1, batch, -1)
        _, vertices = self.encoder(self.into_mesh.graph, self.into_mesh(), points, vertices)
        points = points + self.points_update(points)
        edges = self.on_mesh()
        for step in self.processor:
            messages, vertices = step(self.on_mesh.graph, edges, vertices, vertices)
            edges = edges + messages
        _, points = self.decoder(self.out_of_mesh.graph, self.out_of_mesh(), vertices, points)
        answer: Tensor = self.projection(points)
        return answer.permute(1, 2, 0).unflatten(2, values.shape[2:])

    def require(self, domain: Domain) -> None:
        super().require(domain)
        if domain != self.grid:
            raise SignatureError(
                f"{type(self).__name__} was joined to {self.grid!r}, and the domain is {domain!r}: pass grid=domain"
            )


class _States(nn.Module):
    """A graph and the first states of its edges, (e, 1, width), which are the same for all samples."""

    features: Tensor

    def __init__(self, graph: Graph, receivers: int, width: int, activation: nn.Module) -> None:
        super().__init__()
        self.graph = Edges(graph.edges, receivers)
        self.embed = NormedPerceptron(graph.features.shape[1], width, activation)
        self.register_buffer("features", graph.features.float()[:, None], persistent=False)

    def forward(self) -> Float[Tensor, "e 1 width"]:
        states: Tensor = self.embed(self.features)
        return states
