"""Meshes of cells that are images of a line, a square or a cube, as spectral elements need them.

Quadrilaterals and hexahedra are such cells. Of a triangle three quadrilaterals are made, of a tetrahedron four
hexahedra: one at every corner, between its edges' middles, its faces' centres and its own. Neighbours still fit
together, and the named parts of the boundary keep their names.
"""

from itertools import combinations
from typing import Any

import numpy as np

from fredholm.errors import DataError


def tensor_cells(mesh: Any) -> Any:
    """The mesh of lines, quadrilaterals or hexahedra that a mesh of scikit-fem is, or that its simplices make.

    Raises DataError for other cells.

    >>> import skfem
    >>> cells = tensor_cells(skfem.MeshTri())
    >>> type(cells).__name__, cells.t.shape[1]
    ('MeshQuad1', 6)
    """
    import skfem

    if isinstance(mesh, skfem.MeshLine1 | skfem.MeshQuad1 | skfem.MeshHex1):
        return mesh
    if isinstance(mesh, skfem.MeshTri1):
        return _split(mesh, skfem.MeshQuad1)
    if isinstance(mesh, skfem.MeshTet1):
        return _split(mesh, skfem.MeshHex1)
    raise DataError(
        f"a mesh of {type(mesh).__name__} cannot be used: expected lines, triangles, quadrilaterals, tetrahedra or "
        "hexahedra with straight edges"
    )


def _split(mesh: Any, kind: Any) -> Any:
    """Every simplex as one cell a corner."""
    points: list[np.ndarray] = []
    number: dict[tuple[int, ...], int] = {}

    def centre(corners: tuple[int, ...]) -> int:
        key = tuple(sorted(corners))
        if key not in number:
            number[key] = len(points)
            points.append(mesh.p[:, list(key)].mean(1))
        return number[key]

    cells = []
    for simplex in mesh.t.T.tolist():
        for corner in simplex:
            others = [other for other in simplex if other != corner]
            # in this order the reference cell's corners are those that contain `corner` and a subset of `others`
            subsets = [subset for size in range(len(others) + 1) for subset in combinations(others, size)]
            cells.append([centre((corner, *subset)) for subset in subsets])
    ordered = _ordered(np.array(points).T, np.array(cells).T, kind)
    result = kind(np.array(points).T, ordered)
    return _with_boundaries(mesh, result, number)


def _ordered(points: np.ndarray, cells: np.ndarray, kind: Any) -> np.ndarray:
    """Corners in scikit-fem's order: all subsets of the axes, by size, become its reference cell's corners."""
    dimension = points.shape[0]
    axes = [set(subset) for size in range(dimension + 1) for subset in combinations(range(dimension), size)]
    reference = kind.init_refdom().p.T.round().astype(int).tolist()
    return cells[[axes.index({axis for axis in range(dimension) if corner[axis]}) for corner in reference]]


def _with_boundaries(mesh: Any, result: Any, number: dict[tuple[int, ...], int]) -> Any:
    if not mesh.boundaries:
        return result
    found = {frozenset(facet): index for index, facet in enumerate(result.facets.T.tolist())}
    named = {}
    for name, facets in mesh.boundaries.items():
        parts = []
        for corners in mesh.facets[:, np.asarray(facets)].T.tolist():
            for corner in corners:
                others = [other for other in corners if other != corner]
                subsets = [subset for size in range(len(others) + 1) for subset in combinations(others, size)]
                parts.append(found[frozenset(number[tuple(sorted((corner, *subset)))] for subset in subsets)])
        named[name] = np.array(parts)
    return result.with_boundaries(named)
