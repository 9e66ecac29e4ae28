"""Simplicial meshes: triangles in the plane, tetrahedra in space.

Quadrature is the vertex rule (lumped mass): each simplex gives volume / (d + 1) to each of its vertices, which is
exact for functions that are linear on every simplex. Interpolation is barycentric, that is, by those functions.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fredholm.errors import DataError
from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.encoding import decode_array, encode_array

_INSIDE = -1e-4  # least barycentric coordinate inside: vertices rounded to float32 do not fall off the mesh
_CANDIDATES = (8, 64)  # simplices looked at around a point, by nearest centroid, before all are
_PAIRS = 2**20  # of points and simplices examined at once, which bounds the memory


class Mesh(Domain):
    """Vertices (n, d) and simplices (k, d + 1) of vertex indices, d = 2 or 3; values live on vertices.

    Raises DataError naming a vertex that is not finite, or a simplex that is degenerate or refers to no vertex.

    >>> square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> mesh = Mesh(square, torch.tensor([[0, 1, 2], [0, 2, 3]]), names=("x", "y"))
    >>> round(mesh.weights().sum().item(), 12)
    1.0
    """

    kind = "mesh"

    def __init__(
        self,
        vertices: Float[Tensor, "n d"],
        simplices: Int[Tensor, "k corners"],
        names: tuple[str, ...],
        units: tuple[str, ...] | None = None,
    ) -> None:
        dimension = vertices.shape[1]
        if dimension not in (2, 3) or simplices.shape[1] != dimension + 1 or len(names) != dimension:
            raise DataError(
                f"a mesh has vertices (n, 2) with triangles or (n, 3) with tetrahedra, and a name for each coordinate; "
                f"got vertices {tuple(vertices.shape)}, simplices {tuple(simplices.shape)}, names {names}"
            )
        self.vertices, self.simplices = vertices.to(torch.float64), simplices.to(torch.int64)
        self.names, self.units = names, units or ("",) * dimension
        self._require_sound()

    def _require_sound(self) -> None:
        """Raise DataError naming the first vertex or simplex from which no mesh can be made."""
        if not len(self.simplices):
            raise DataError("a mesh needs at least one simplex: points without connectivity are a PointCloud")
        wild = ~torch.isfinite(self.vertices).all(-1)
        if bool(wild.any()):
            raise DataError(f"vertex {int(wild.nonzero()[0, 0])} is not finite; remove it and the simplices around it")
        count = len(self.vertices)
        lost = (self.simplices < 0) | (self.simplices >= count)
        if bool(lost.any()):
            simplex = int(lost.any(-1).nonzero()[0, 0])
            vertex = int(self.simplices[lost][0])
            raise DataError(f"simplex {simplex} refers to vertex {vertex}; the vertices are 0 to {count - 1}")
        flat = self.volumes <= 1e-12 * self.volumes.max()
        if bool(flat.any()):
            raise DataError(f"simplex {int(flat.nonzero()[0, 0])} is degenerate: it has no volume; remove or mend it")

    @property
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        lower, upper = self.vertices.min(0).values.tolist(), self.vertices.max(0).values.tolist()
        return tuple(Coordinate(*axis) for axis in zip(self.names, lower, upper, self.units, strict=True))

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.vertices),)

    @cached_property
    def volumes(self) -> Float[Tensor, " k"]:
        """Area or volume of every simplex."""
        factorial = 2.0 if self.vertices.shape[1] == 2 else 6.0
        return torch.linalg.det(self._edges).abs() / factorial

    @cached_property
    def _edges(self) -> Float[Tensor, "k d d"]:
        corners = self.vertices[self.simplices]
        return corners[:, 1:] - corners[:, :1]

    def coordinates(self) -> Float[Tensor, "n d"]:
        return self.vertices

    def weights(self) -> Float[Tensor, " n"]:
        corners = self.simplices.shape[1]
        share = (self.volumes / corners).repeat_interleave(corners)
        return torch.zeros(len(self.vertices), dtype=torch.float64).index_add_(0, self.simplices.reshape(-1), share)

    def gradients(self, values: Float[Tensor, "*batch n"]) -> Float[Tensor, "*batch k d"]:
        """Gradient of the piecewise linear function with these vertex values, constant on every simplex."""
        corners = values.to(torch.float64)[..., self.simplices]
        rise = corners[..., 1:] - corners[..., :1]
        return torch.linalg.solve(self._edges, rise.unsqueeze(-1)).squeeze(-1)

    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        return self._locate(points)[0] >= 0

    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        self.require_contains(points)
        simplex, weights = self._locate(points)
        return Stencil(self.simplices[simplex], weights)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "vertices": encode_array(self.vertices),
            "simplices": encode_array(self.simplices),
            "names": list(self.names),
            "units": list(self.units),
        }

    @classmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "Mesh":
        return cls(
            decode_array(description["vertices"]),
            decode_array(description["simplices"]),
            tuple(description["names"]),
            tuple(description["units"]),
        )

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.vertices[self.simplices].mean(1).numpy())

    def _locate(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Simplex (or -1) and barycentric coordinates of every point, from more and more candidates."""
        points = points.to(torch.float64)
        found = torch.full((len(points),), -1, dtype=torch.int64)
        weights = torch.zeros(len(points), self.simplices.shape[1], dtype=torch.float64)
        todo = torch.isfinite(points).all(-1).nonzero()[:, 0]
        for count in (*_CANDIDATES, len(self.simplices)):
            count = min(count, len(self.simplices))
            left = []
            for part in todo.split(max(1, _PAIRS // count)):
                distance, near = self._tree.query(points[part].numpy(), k=count)
                candidates = torch.from_numpy(near).reshape(len(part), count)
                barycentric = self._barycentric(points[part], candidates)
                depth, best = barycentric.min(-1).values.max(1)
                inside, rows = depth >= _INSIDE, torch.arange(len(part))
                found[part[inside]] = candidates[rows, best][inside]
                weights[part[inside]] = barycentric[rows, best][inside]
                # no simplex reaches further from its centroid than the radius: look no more beyond it
                within = torch.from_numpy(distance).reshape(len(part), count)[:, -1] <= self._radius
                left.append(part[~inside & within])
            todo = torch.cat(left)
            if not len(todo):
                break
        return found, weights

    @cached_property
    def _radius(self) -> float:
        """Greatest distance of a vertex from the centroid of its simplex, and a little more."""
        corners = self.vertices[self.simplices]
        return 1.001 * float((corners - corners.mean(1, keepdim=True)).norm(dim=-1).max())

    def _barycentric(self, points: Tensor, simplices: Tensor) -> Tensor:
        offset = points[:, None] - self.vertices[self.simplices[simplices, 0]]
        rest = torch.linalg.solve(self._edges[simplices].transpose(-1, -2), offset.unsqueeze(-1)).squeeze(-1)
        return torch.cat([1 - rest.sum(-1, keepdim=True), rest], dim=-1)
