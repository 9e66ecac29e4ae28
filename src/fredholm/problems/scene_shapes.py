"""Scenes in two and three dimensions, as meshes whose boundary has named surfaces.

`Blocks` is a box less boxes: rectangles, cubes, L-shapes and rooms with furniture; `Disc` and `Dome` are round;
`MeshFile` is anything. A shape makes a mesh with cells of a given size; round walls are inscribed polygons. Lengths are
in m.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise, product
from typing import Any, Literal

import numpy as np

from fredholm.errors import DataError, MissingExtraError

_AXES = "xyz"
_CORE = 0.35  # of the radius: half the side of the cube in the middle of a round mesh


@dataclass(frozen=True)
class Blocks:
    """The box [0, Lx] x [0, Ly] (x [0, Lz]) less boxes of lower and upper corners, such as furniture.

    Surfaces: `x_min`, `x_max`, ... of the outer box, `blocks` of the boxes that are missing.

    >>> shape = Blocks((2.0, 1.0), missing=(((1.0, 0.5), (2.0, 1.0)),))
    >>> sorted(shape.mesh(0.5).boundaries)
    ['blocks', 'x_max', 'x_min', 'y_max', 'y_min']
    """

    lengths: tuple[float, ...] = (2.0, 2.0)
    missing: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()
    kind: Literal["blocks"] = "blocks"

    def __post_init__(self) -> None:
        if len(self.lengths) not in (2, 3) or not all(0 < length < float("inf") for length in self.lengths):
            raise ValueError(f"a scene has two or three positive lengths in m, got {self.lengths}")
        for lower, upper in self.missing:
            if not len(lower) == len(upper) == len(self.lengths) or not all(
                0 <= a < b <= length for a, b, length in zip(lower, upper, self.lengths, strict=True)
            ):
                raise ValueError(f"the box from {lower} to {upper} m does not lie in a room of {self.lengths} m")

    def mesh(self, size: float) -> Any:
        """Cells no longer than `size`, which end at every face."""
        import skfem

        axes = []
        for axis, length in enumerate(self.lengths):
            ends = {0.0, length, *(corner[axis] for box in self.missing for corner in box)}
            axes.append(_divided(sorted(ends), size))
        mesh: Any = (skfem.MeshQuad if len(axes) == 2 else skfem.MeshHex).init_tensor(*axes)
        centres = mesh.p[:, mesh.t].mean(1)
        solid = np.zeros(centres.shape[1], bool)
        for lower, upper in self.missing:
            solid |= ((centres.T - lower > 0) & (centres.T - upper < 0)).all(1)
        if solid.all():
            raise ValueError(f"the boxes leave nothing of a room of {self.lengths} m")
        if solid.any():
            mesh = mesh.restrict(np.flatnonzero(~solid))
        middles = mesh.p[:, mesh.facets[:, mesh.boundary_facets()]].mean(1)
        named, rest = {}, np.ones(middles.shape[1], bool)
        for axis, length in enumerate(self.lengths):
            for end, value in (("min", 0.0), ("max", length)):
                on = np.abs(middles[axis] - value) < 1e-9 * length
                named[f"{_AXES[axis]}_{end}"] = mesh.boundary_facets()[on]
                rest &= ~on
        named["blocks"] = mesh.boundary_facets()[rest]
        return mesh.with_boundaries({name: facets for name, facets in named.items() if len(facets)})


@dataclass(frozen=True)
class Disc:
    """A disc, its centre at the origin; surface: `wall`.

    >>> round(float(Disc(1.0).mesh(0.1).boundary_facets().size), 0)
    64.0
    """

    radius: float = 1.5
    kind: Literal["disc"] = "disc"

    def __post_init__(self) -> None:
        _require_radius(self.radius)

    def mesh(self, size: float) -> Any:
        """A square middle and four sides that are bent to the circle."""
        import skfem

        mesh = _merged(_ball_blocks(self.radius, size, dimension=2), skfem.MeshQuad)
        return mesh.with_boundaries({"wall": mesh.boundary_facets()})


@dataclass(frozen=True)
class Dome:
    """Half a ball on a round drum, the floor's centre at the origin; surfaces: `floor`, `drum`, `dome`.

    >>> sorted(Dome(3.0, drum=1.0).mesh(1.5).boundaries)
    ['dome', 'drum', 'floor']
    """

    radius: float = 3.0
    drum: float = 1.0
    kind: Literal["dome"] = "dome"

    def __post_init__(self) -> None:
        _require_radius(self.radius)
        if not 0 <= self.drum < float("inf"):
            raise ValueError(f"the drum's height must be 0 m or more, got {self.drum}")

    def mesh(self, size: float) -> Any:
        """Half of a ball of bent cubes; the drum continues its cells downwards."""
        import skfem

        blocks = _ball_blocks(self.radius, size, dimension=3)
        cells = [corners + np.array([0.0, 0.0, self.drum]) for corners in blocks]
        if self.drum:
            levels = _divided([0.0, self.drum], size)
            for corners in _ball_blocks(self.radius, size, dimension=2):
                for low, high in pairwise(levels):
                    flat = [np.dstack([corners, np.full(corners.shape[:2], z)]) for z in (low, high)]
                    # the last reference axis is the fastest: (x, y) corners, each low and high
                    cells.append(np.stack(flat, axis=2).reshape(len(corners), 8, 3))
        mesh = _merged(cells, skfem.MeshHex)
        outer = mesh.boundary_facets()
        heights = mesh.p[2, mesh.facets[:, outer]]
        floor, drum = (heights < 1e-9).all(0), (heights <= self.drum * (1 + 1e-9)).all(0)
        named = {"floor": outer[floor], "drum": outer[drum & ~floor], "dome": outer[~drum & ~floor]}
        return mesh.with_boundaries({name: facets for name, facets in named.items() if len(facets)})


@dataclass(frozen=True)
class MeshFile:
    """A mesh of triangles, quadrilaterals, tetrahedra or hexahedra in any format that meshio reads, in m.

    Surfaces are the file's named groups of facets. The cells are taken as they are, triangles as three and tetrahedra
    as four smaller ones; none may be longer than the scene asks for.
    """

    path: str
    kind: Literal["mesh_file"] = "mesh_file"

    def mesh(self, size: float) -> Any:
        """The file's mesh; raises DataError for a file that holds none, or one whose cells are longer than `size`."""
        import skfem

        from fredholm.solvers.tensor_cells import tensor_cells

        if find_spec("meshio") is None:  # scikit-fem reads with it
            raise MissingExtraError("meshio", extra="meshes")
        try:
            mesh = tensor_cells(_flat(skfem.Mesh.load(self.path)))
        except (OSError, SystemExit, KeyError, NotImplementedError, AttributeError, StopIteration, ValueError) as error:
            raise DataError(f"{self.path} is no mesh that can be read: {error or type(error).__name__}") from error
        longest = _longest_edge(mesh)
        if longest > size * (1 + 1e-6):
            raise DataError(
                f"{self.path} has a cell of {longest:.3g} m, simplices split; {size:.3g} m is the longest that can "
                "resolve the scene's highest frequency: use a finer mesh, or a lower frequency"
            )
        return mesh


SceneShape = Blocks | Disc | Dome | MeshFile


def l_shape(length: float = 3.0, height: float | None = None) -> Blocks:
    """A square less its upper right quarter, with a height as a room."""
    half, top = length / 2, () if height is None else (height,)
    return Blocks((length, length, *top), (((half, half, *(0.0 for _ in top)), (length, length, *top)),))


def furnished_plan() -> Blocks:
    """A plan of 3 m x 3 m with a block of 1 m x 0.6 m at the bottom and three notches of 0.3 m at the top.

    Source: Borrel-Jensen et al., PNAS 2024, the furnished room of the two-dimensional study.
    """
    notches = [(0.5, 0.8), (1.25, 1.75), (2.2, 2.5)]  # from the right
    top = tuple(((3.0 - far, 2.7), (3.0 - near, 3.0)) for near, far in notches)
    return Blocks((3.0, 3.0), (((1.0, 0.0), (2.0, 0.6)), *top))


def furnished_room() -> Blocks:
    """A room of 3 m x 3 m x 2.4 m with a table's block, a wardrobe and a shelf."""
    return Blocks(
        (3.0, 3.0, 2.4),
        (((1.0, 0.0, 0.0), (2.0, 0.6, 0.8)), ((0.0, 2.2, 0.0), (0.6, 3.0, 1.6)), ((2.2, 2.6, 1.6), (3.0, 3.0, 2.4))),
    )


def _require_radius(radius: float) -> None:
    if not 0 < radius < float("inf"):
        raise ValueError(f"a radius must be positive and finite, got {radius} m")


def _divided(ends: Sequence[float], size: float) -> np.ndarray:
    """The ends, and points between them no further apart than `size`."""
    parts = []
    for a, b in pairwise(ends):
        parts.append(np.linspace(a, b, max(1, int(np.ceil((b - a) / size - 1e-9))) + 1)[:-1])
    return np.append(np.concatenate(parts), ends[-1])


def _ball_blocks(radius: float, size: float, dimension: int) -> list[np.ndarray]:
    """Cells (k, 2ᵈ, d) of a disc, or of the upper half of a ball: a cube in the middle, its sides bent outwards.

    Corners count in the order of reference coordinates, the last one fastest.
    """
    half = _CORE * radius
    along = 2 * max(1, int(np.ceil(radius * np.pi / 4 / size)))  # cells along an edge of the cube, an even number
    outward = max(1, int(np.ceil((radius - half) / size)))
    even = np.linspace(-1.0, 1.0, along + 1)
    upper = even[along // 2 :]
    axes = [even] * (dimension - 1) + [upper if dimension == 3 else even]
    blocks = [_cells(np.stack(np.meshgrid(*(half * axis for axis in axes), indexing="ij"), -1))]
    for axis, sign in product(range(dimension), (-1.0, 1.0)):
        if dimension == 3 and axis == 2 and sign < 0:
            continue  # the lower half
        over = [values for other, values in enumerate(axes) if other != axis]
        depth = np.linspace(0.0, 1.0, outward + 1)
        grids = np.meshgrid(*over, depth, indexing="ij")
        flat = np.insert(np.stack(grids[:-1], -1), axis, sign, axis=-1)
        round_ = np.insert(np.stack([np.tan(np.pi / 4 * grid) for grid in grids[:-1]], -1), axis, sign, axis=-1)
        round_ *= radius / np.linalg.norm(round_, axis=-1, keepdims=True)
        share = grids[-1][..., None]
        blocks.append(_cells((1 - share) * half * flat + share * round_))
    return blocks


def _cells(points: np.ndarray) -> np.ndarray:
    """The corners (k, 2ᵈ, d) of the cells of a grid of points."""
    dimension = points.shape[-1]
    corners = [
        points[tuple(slice(c, n - 1 + c) for c, n in zip(corner, points.shape, strict=False))].reshape(-1, dimension)
        for corner in product((0, 1), repeat=dimension)
    ]
    return np.stack(corners, axis=1)


def _merged(blocks: list[np.ndarray], kind: Any) -> Any:
    """One mesh of cells that share the corners which lie in one place."""
    corners = np.concatenate(blocks)
    flat = corners.reshape(-1, corners.shape[-1])
    binned = np.floor(flat / (1e-7 * np.ptp(flat, axis=0).max()) + 0.38196601).astype(np.int64)
    _, first, numbers = np.unique(binned, axis=0, return_index=True, return_inverse=True)
    reference = kind.init_refdom().p.T.round().astype(int)
    order = [int("".join(map(str, corner)), 2) for corner in reference]
    return kind(flat[first].T.copy(), numbers.reshape(len(corners), -1)[:, order].T.copy())


def _longest_edge(mesh: Any) -> float:
    corners = type(mesh).init_refdom().p.T.round()
    pairs = [(a, b) for a in range(len(corners)) for b in range(a) if np.abs(corners[a] - corners[b]).sum() == 1]
    return max(float(np.linalg.norm(mesh.p[:, mesh.t[a]] - mesh.p[:, mesh.t[b]], axis=0).max()) for a, b in pairs)


def _flat(mesh: Any) -> Any:
    """A mesh in the plane z = 0 as one of two dimensions."""
    import skfem

    plane = isinstance(mesh, skfem.MeshTri1 | skfem.MeshQuad1) and mesh.p.shape[0] == 3
    if plane and np.ptp(mesh.p[2]) == 0:
        return type(mesh)(mesh.p[:2].copy(), mesh.t, _boundaries=mesh.boundaries)
    return mesh
