"""The space that a mesh fills: which points lie in it, and how far from its walls."""

from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy import ndarray
from torch import Tensor

from fredholm.solvers.spectral_elements import SpectralElements


class SceneRegion:
    """Points of the spectral elements' mesh, in coordinates that count from the lower corner of its bounding box.

    Where the mesh has surfaces of quadrilaterals, each is two triangles.
    """

    def __init__(self, space: SpectralElements) -> None:
        self.space = space
        corners = space.mesh.p[:, np.unique(space.mesh.t)]
        self.lower: ndarray = corners.min(1)
        self.lengths = tuple(float(length) for length in np.ptp(corners, axis=1))

    def inside(self, points: Float[Tensor, "m d"], margin: float = 0.0) -> Bool[Tensor, " m"]:
        """Which points lie in the scene, at least `margin` m from every wall."""
        places = points.double().numpy() + self.lower
        inside = self.space.located(places)[0] >= 0
        if margin > 0 and inside.any():
            inside[inside] = self.distance(places[inside]) >= margin - 1e-9
        return torch.from_numpy(inside)

    def distance(self, places: Float[ndarray, "m d"]) -> Float[ndarray, " m"]:
        """Distance from places, in the mesh's own coordinates, to the nearest wall, m."""
        part = max(1, 2**20 // len(self._facets))
        pieces = [_to_simplices(places[i : i + part], self._facets) for i in range(0, len(places), part)]
        return np.concatenate([piece.min(1) for piece in pieces])

    @cached_property
    def _facets(self) -> ndarray:
        """Corners (k, d, d) of the walls' segments or triangles."""
        mesh: Any = self.space.mesh
        corners = mesh.p.T[mesh.facets[:, mesh.boundary_facets()].T]
        if corners.shape[1] == 4:
            return np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
        return corners


def _to_simplices(places: ndarray, corners: ndarray) -> ndarray:
    """Distances (m, k) from places to segments or triangles."""
    if corners.shape[1] == 2:
        return _to_segments(places, corners[:, 0], corners[:, 1])
    edges = [(0, 1), (1, 2), (2, 0)]
    nearest = np.min([_to_segments(places, corners[:, a], corners[:, b]) for a, b in edges], axis=0)
    first, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(u, v)
    square = np.maximum((normal**2).sum(-1), 1e-300)
    offset = places[:, None] - first
    # the foot of the perpendicular is inside the triangle where its barycentric coordinates are
    b = (np.cross(offset, v) * normal).sum(-1) / square
    c = (np.cross(u, offset) * normal).sum(-1) / square
    height = np.abs((offset * normal).sum(-1)) / np.sqrt(square)
    within = (b >= 0) & (c >= 0) & (b + c <= 1)
    return np.where(within, np.minimum(height, nearest), nearest)


def _to_segments(places: ndarray, start: ndarray, end: ndarray) -> ndarray:
    along = end - start
    offset = places[:, None] - start
    share = np.clip((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-300), 0, 1)
    return np.linalg.norm(offset - share[..., None] * along, axis=-1)
