"""Icosahedral meshes of the unit sphere, each refined from the one before, and geometry on them.

The icosahedron has 12 vertices and 20 triangles. A refinement splits every triangle in four at the midpoints of its
edges, pushed out to the sphere: 10·4ˡ + 2 vertices at level l, of which the first are those of level l - 1. At either
pole lies the centre of a triangle, so that no vertex of any level does and every vertex knows its east.

Source: Sadourny, Arakawa, Mintz, "Integration of the nondivergent barotropic vorticity equation with an
icosahedral-hexagonal grid for the sphere", Monthly Weather Review 96 (1968).
"""

from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class SphereMesh:
    """Triangles on the unit sphere, counter-clockwise as seen from outside.

    >>> mesh = icospheres(1)[-1]
    >>> tuple(mesh.vertices.shape), tuple(mesh.triangles.shape), round(float(mesh.areas().sum()), 4)
    ((42, 3), (80, 3), 12.5664)
    """

    vertices: Float[Tensor, "vertices 3"]
    triangles: Int[Tensor, "triangles 3"]

    def edges(self) -> Int[Tensor, "2 edges"]:
        """Every edge in both directions, ordered by where it goes."""
        senders, receivers = self.triangles.T.flatten(), self.triangles.roll(-1, 1).T.flatten()
        order = (receivers * len(self.vertices) + senders).argsort()
        return torch.stack([senders, receivers])[:, order]  # each triangle has one direction, its neighbour the other

    def dual_lengths(self) -> Float[Tensor, " edges"]:
        """For every edge, the distance between the centres of the two triangles beside it."""
        centres = torch.nn.functional.normalize(self.vertices[self.triangles].sum(1), dim=-1)
        beside = {}
        for number, corners in enumerate(self.triangles.tolist()):
            for i in range(3):
                beside[corners[i], corners[(i + 1) % 3]] = number
        pairs = [(beside[a, b], beside[b, a]) for a, b in self.edges().T.tolist()]
        left, right = torch.tensor(pairs).T
        return (centres[left] - centres[right]).norm(dim=-1)

    def areas(self) -> Float[Tensor, " vertices"]:
        """Every vertex's third of the spherical triangles around it; they sum to 4π."""
        a, b, c = self.vertices[self.triangles].unbind(1)
        volume = (a * torch.linalg.cross(b, c)).sum(-1)
        angles = 1 + (a * b).sum(-1) + (b * c).sum(-1) + (c * a).sum(-1)
        third = 2 * torch.atan2(volume, angles) / 3
        areas = torch.zeros(len(self.vertices), dtype=self.vertices.dtype)
        return areas.index_add_(0, self.triangles.flatten(), third.repeat_interleave(3))

    def containing(
        self, points: Float[Tensor, "points 3"]
    ) -> tuple[Int[Tensor, "points 3"], Float[Tensor, "points 3"]]:
        """Corners of the triangle that the ray to each point passes through, and its barycentric coordinates there."""
        inverses = torch.linalg.inv(self.vertices[self.triangles].transpose(1, 2))
        chosen, barycentric = [], []
        for part in points.split(max(1, 2**20 // len(self.triangles))):
            # a = V⁻¹ p has p = Σ aᵢ vᵢ; inside, all are positive
            coordinates = torch.einsum("tij,pj->pti", inverses, part)
            best = coordinates.amin(-1).argmax(-1)
            chosen.append(best)
            barycentric.append(coordinates[torch.arange(len(part)), best])
        inside = torch.cat(barycentric).clamp(min=0)
        return self.triangles[torch.cat(chosen)], inside / inside.sum(-1, keepdim=True)


def icospheres(level: int) -> list[SphereMesh]:
    """The meshes of levels 0 to `level`."""
    meshes = [_icosahedron()]
    for _ in range(level):
        meshes.append(_refined(meshes[-1]))
    return meshes


def _icosahedron() -> SphereMesh:
    golden = (1 + 5**0.5) / 2
    corners = [(0.0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    points = torch.tensor([p[i:] + p[:i] for p in corners for i in range(3)], dtype=torch.float64)
    near = torch.cdist(points, points) < 2.1
    triples = [t for t in combinations(range(12), 3) if all(near[a, b] for a, b in combinations(t, 2))]
    triangles = torch.tensor(triples)
    points = torch.nn.functional.normalize(points, dim=-1) @ _turned_up(points[triangles[0]].sum(0)).T
    a, b, c = points[triangles].unbind(1)
    inward = (a * torch.linalg.cross(b, c)).sum(-1) < 0
    triangles[inward] = triangles[inward].flip(1)
    return SphereMesh(points, triangles)


def _turned_up(direction: Float[Tensor, "3"]) -> Float[Tensor, "3 3"]:
    """A rotation that takes a direction to the north pole."""
    up = direction / direction.norm()
    east = torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0], dtype=up.dtype), up)
    east = east / east.norm()
    return torch.stack([east, torch.linalg.cross(up, east), up])


def _refined(mesh: SphereMesh) -> SphereMesh:
    count = len(mesh.vertices)
    sides = torch.stack([mesh.triangles, mesh.triangles.roll(-1, 1)], -1).sort(-1).values
    edges, number = sides.reshape(-1, 2).unique(dim=0, return_inverse=True)
    middle = torch.nn.functional.normalize(mesh.vertices[edges].sum(1), dim=-1)
    ab, bc, ca = (count + number.reshape(-1, 3)).unbind(1)
    a, b, c = mesh.triangles.unbind(1)
    corners = [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
    triangles = torch.stack([torch.stack(t, -1) for t in corners], 1).reshape(-1, 3)
    return SphereMesh(torch.cat([mesh.vertices, middle]), triangles)
