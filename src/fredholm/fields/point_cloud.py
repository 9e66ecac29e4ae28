"""Scattered points without connectivity.

Interpolation is inverse-distance (Shepard) over the nearest points, which is exact at the points themselves and of
first order between them; one neighbour makes it nearest-point look-up.
"""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.fields.domain import Coordinate, Domain, Stencil
from fredholm.fields.encoding import decode_array, encode_array


class PointCloud(Domain):
    """n points in ℝᵈ. Without quadrature weights each point stands for an equal share of the bounding box.

    A batch whose samples have different clouds is padded to one length with points of weight zero.

    >>> cloud = PointCloud(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), names=("x", "y"))
    >>> cloud.shape
    (2,)
    """

    kind = "cloud"

    def __init__(
        self,
        points: Float[Tensor, "n d"],
        names: tuple[str, ...],
        units: tuple[str, ...] | None = None,
        quadrature: Float[Tensor, " n"] | None = None,
        neighbours: int = 4,
    ) -> None:
        if points.shape[1] != len(names):
            raise ValueError(f"points have {points.shape[1]} coordinates, but {len(names)} names: {names}")
        if not bool(torch.isfinite(points).all()):
            raise ValueError("a point of the cloud is not finite")
        self.points = points.to(torch.float64)
        self.names = names
        self.units = units or ("",) * len(names)
        self.quadrature = None if quadrature is None else quadrature.to(torch.float64)
        self.neighbours = min(neighbours, len(points))

    @property
    def coordinate_axes(self) -> tuple[Coordinate, ...]:
        lower, upper = self.points.min(0).values.tolist(), self.points.max(0).values.tolist()
        return tuple(Coordinate(*axis) for axis in zip(self.names, lower, upper, self.units, strict=True))

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.points),)

    def coordinates(self) -> Float[Tensor, "n d"]:
        return self.points

    def weights(self) -> Float[Tensor, " n"]:
        if self.quadrature is not None:
            return self.quadrature
        volume = (self.points.max(0).values - self.points.min(0).values).clamp_min(1e-300).prod()
        return torch.full((len(self.points),), float(volume) / len(self.points), dtype=torch.float64)

    def contains(self, points: Float[Tensor, "m d"]) -> Bool[Tensor, " m"]:
        lower, upper = self.bounds
        slack = 1e-9 * (upper - lower)
        inside: Tensor = (points >= lower - slack) & (points <= upper + slack)
        return inside.all(-1)

    def stencil(self, points: Float[Tensor, "m d"]) -> Stencil:
        from scipy.spatial import cKDTree

        self.require_contains(points)
        distance, indices = cKDTree(self.points.numpy()).query(points.numpy(), k=self.neighbours)
        near = torch.from_numpy(distance).reshape(len(points), -1)
        weights = 1.0 / near.clamp_min(1e-12 * (1 + float(near.max()))) ** 2
        return Stencil(torch.from_numpy(indices).reshape(len(points), -1), weights / weights.sum(-1, keepdim=True))

    def to_json(self) -> dict[str, Any]:
        description = {
            "kind": self.kind,
            "points": encode_array(self.points),
            "names": list(self.names),
            "units": list(self.units),
            "neighbours": self.neighbours,
        }
        if self.quadrature is not None:
            description["quadrature"] = encode_array(self.quadrature)
        return description

    @classmethod
    def _from_json(cls, description: Mapping[str, Any]) -> "PointCloud":
        return cls(
            decode_array(description["points"]),
            tuple(description["names"]),
            tuple(description["units"]),
            decode_array(description["quadrature"]) if "quadrature" in description else None,
            int(description["neighbours"]),
        )
