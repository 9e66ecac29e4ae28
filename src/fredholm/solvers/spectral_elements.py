"""Spectral elements: continuous polynomials of high degree on lines, quadrilaterals or hexahedra, with a diagonal mass.

On each cell, the image of [0, 1]ᵈ by multilinear functions of its corners, a function is a polynomial of degree N in
each reference coordinate, known at the Gauss-Lobatto points; cells share the values on their faces. Quadrature at the
same points makes the mass matrix diagonal and is exact to degree 2N - 1:

    Mᵢ = Σ wᵢ |J|,   Kᵢⱼ = Σ_q w_q |J| ∇φᵢ·∇φⱼ,   Bᵢ = Σ over the boundary's faces wᵢ |J_face|

Source: Komatitsch, Vilotte, "The spectral element method: an efficient tool to simulate the seismic response of 2D and
3D geological structures", Bull. Seismol. Soc. Am. 88 (1998).
"""

from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray
from scipy import sparse
from scipy.spatial import cKDTree

from fredholm.errors import OutsideDomainError
from fredholm.solvers.tensor_cells import tensor_cells

_INSIDE = 1e-6  # of a cell: what is this near to it counts as in it
_CANDIDATES = (4, 32)  # cells looked at around a point, by nearest centre
_NEWTON = 12


class SpectralElements:
    """Polynomials of degree `order` on a mesh of scikit-fem, of any cells that `tensor_cells` takes.

    >>> import skfem
    >>> space = SpectralElements(skfem.MeshQuad.init_tensor(np.linspace(0, 2, 3), np.linspace(0, 1, 2)), order=4)
    >>> space.nodes.shape, round(float(space.mass.sum()), 12), round(float(space.walls["boundary"][1].sum()), 12)
    ((45, 2), 2.0, 6.0)
    """

    def __init__(self, mesh: Any, order: int = 4) -> None:
        if order < 1:
            raise ValueError(f"polynomials of degree 1 or more are needed, got {order}")
        self.mesh, self.order = tensor_cells(mesh), order
        self.dimension = self.mesh.p.shape[0]
        self.line, self.weights = gauss_lobatto(order)
        self._corners = type(self.mesh).init_refdom().p.T.round().astype(int)
        reference = np.array(list(product(self.line, repeat=self.dimension)))
        placed, jacobian = self._mapped(np.arange(self.mesh.t.shape[1])[:, None], reference[None])
        self._weight = np.array([np.prod(w) for w in product(self.weights, repeat=self.dimension)])
        self._inverse, self._volume = np.linalg.inv(jacobian), np.abs(np.linalg.det(jacobian))
        # copies of a node differ by rounding; the offset keeps round numbers away from the edges of the bins
        bin_width = 1e-7 * float(np.ptp(self.mesh.p, axis=1).max())
        binned = np.floor(placed.reshape(-1, self.dimension) / bin_width + 0.38196601).astype(np.int64)
        _, first, numbered = np.unique(binned, axis=0, return_index=True, return_inverse=True)
        self.nodes: ndarray = placed.reshape(-1, self.dimension)[first]
        self.numbers: ndarray = numbered.reshape(placed.shape[:2])

    @cached_property
    def mass(self) -> Float[ndarray, " n"]:
        """The diagonal of M: quadrature weights of the nodes."""
        local = self._weight * self._volume
        return np.bincount(self.numbers.ravel(), local.ravel(), minlength=len(self.nodes))

    @cached_property
    def stiffness(self) -> Any:
        """K, a symmetric sparse matrix."""
        slopes = self._slopes
        metric = np.einsum("eqai,eqbi->eqab", self._inverse, self._inverse)
        metric *= (self._weight * self._volume)[:, :, None, None]
        total = sparse.csr_matrix((len(self.nodes),) * 2)
        part = max(1, 2**22 // slopes.shape[1] ** 2)  # cells at a time, which bounds the memory
        for start in range(0, len(metric), part):
            inner = np.einsum("eqab,bqj->eaqj", metric[start : start + part], slopes)
            local = np.einsum("aqi,eaqj->eij", slopes, inner, optimize=True)
            numbers = self.numbers[start : start + part]
            rows, columns = (np.broadcast_to(side, local.shape) for side in (numbers[:, :, None], numbers[:, None, :]))
            kept = np.abs(local) > 1e-13 * np.abs(local).max()
            total = total + sparse.csr_matrix((local[kept], (rows[kept], columns[kept])), shape=total.shape)
        return total

    @cached_property
    def walls(self) -> dict[str, tuple[Int[ndarray, " m"], Float[ndarray, " m"]]]:
        """Nodes and weights B of each named part of the boundary; `boundary` is what has no name."""
        named = {} if self.mesh.boundaries is None else dict(self.mesh.boundaries)
        outer = self.mesh.boundary_facets()
        named = {name: np.intersect1d(np.asarray(facets), outer) for name, facets in named.items()}
        rest = np.setdiff1d(outer, np.concatenate([*named.values(), np.empty(0, int)]))
        return {name: self._face_weights(facets) for name, facets in {**named, "boundary": rest}.items() if len(facets)}

    def interpolation(self, points: Float[ndarray, "m d"]) -> Any:
        """Sparse matrix (m, n) from values at the nodes to values at points; raises OutsideDomainError."""
        cells, reference = self.located(points)
        if (cells < 0).any():
            first = int(np.flatnonzero(cells < 0)[0])
            where = ", ".join(f"{x:.6g}" for x in points[first])
            raise OutsideDomainError(f"point {first} at ({where}) is outside the mesh: move it inside")
        rows = np.ones((len(points), 1))
        for axis in range(self.dimension):
            values = lagrange(self.line, reference[:, axis])
            rows = (rows[:, :, None] * values[:, None, :]).reshape(len(points), -1)
        columns = self.numbers[cells]
        indices = (np.repeat(np.arange(len(points)), rows.shape[1]), columns.ravel())
        return sparse.csr_matrix((rows.ravel(), indices), shape=(len(points), len(self.nodes)))

    def located(self, points: Float[ndarray, "m d"]) -> tuple[Int[ndarray, " m"], Float[ndarray, "m d"]]:
        """The cell of each point, or -1, and its coordinates in the reference cell."""
        found, at = np.full(len(points), -1), np.zeros((len(points), self.dimension))
        count = self.mesh.t.shape[1]
        for candidates in sorted({min(count, number) for number in (*_CANDIDATES, count)}):
            todo = np.flatnonzero(found < 0)
            if not len(todo) or (candidates == count and count > _CANDIDATES[-1]):
                break  # a point that is in none of many near cells is in none
            near = self._tree.query(points[todo], k=candidates)[1].reshape(len(todo), -1)
            reference = self._inverted(near, points[todo])
            outside = np.maximum(-reference, reference - 1).max(-1)
            best = outside.argmin(1)
            rows = np.arange(len(todo))
            inside = outside[rows, best] <= _INSIDE
            found[todo[inside]] = near[rows, best][inside]
            at[todo[inside]] = np.clip(reference[rows, best][inside], 0, 1)
        return found, at

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.mesh.p[:, self.mesh.t].mean(1).T)

    @cached_property
    def _slopes(self) -> ndarray:
        """Reference derivatives (d, q, i) of the basis functions at the nodes."""
        line, same = lagrange_slopes(self.line), np.eye(self.order + 1)
        slopes = []
        for axis in range(self.dimension):
            matrix = np.ones((1, 1))
            for other in range(self.dimension):
                matrix = np.kron(matrix, line if other == axis else same)
            slopes.append(matrix)
        return np.array(slopes)

    def _mapped(self, cells: ndarray, reference: ndarray) -> tuple[ndarray, ndarray]:
        """Points (..., d) of reference points (..., d) in cells (...), and ∂x/∂ξ (..., d, d)."""
        shape = np.broadcast_shapes(cells.shape, reference.shape[:-1])
        corners = np.broadcast_to(self.mesh.p.T[self.mesh.t.T[cells]], (*shape, len(self._corners), self.dimension))
        factors = np.where(self._corners == 1, reference[..., None, :], 1 - reference[..., None, :])
        signs = np.where(self._corners == 1, 1.0, -1.0)
        points = (factors.prod(-1)[..., None] * corners).sum(-2)
        columns = []
        for axis in range(self.dimension):
            rest = np.delete(factors, axis, axis=-1).prod(-1) * signs[:, axis]
            columns.append((rest[..., None] * corners).sum(-2))
        return points, np.stack(columns, axis=-1)

    def _inverted(self, cells: ndarray, points: ndarray) -> ndarray:
        """Reference coordinates of points (m, d) in cells (m, k), by Newton's method."""
        reference = np.full((*cells.shape, self.dimension), 0.5)
        for _ in range(_NEWTON):
            mapped, jacobian = self._mapped(cells, reference)
            # outside a cell its map may be singular, which least squares of this kind survive
            squared = jacobian.mT @ jacobian
            squared += 1e-14 * np.trace(squared, axis1=-2, axis2=-1)[..., None, None] * np.eye(self.dimension)
            step = np.linalg.solve(squared, jacobian.mT @ (points[:, None] - mapped)[..., None])[..., 0]
            reference = np.clip(reference + step, -0.5, 1.5)
            if np.abs(step).max() < 1e-12:
                break
        mapped, _ = self._mapped(cells, reference)
        size = np.abs(points[:, None] - mapped).max(-1)
        lost = size > 1e-6 * float(np.ptp(self.mesh.p, axis=1).max())
        return np.where(lost[..., None], 9.0, reference)

    def _face_weights(self, facets: ndarray) -> tuple[ndarray, ndarray]:
        """Nodes of boundary faces and their quadrature weights, m^(d-1)."""
        grid = np.array(list(product(range(self.order + 1), repeat=self.dimension)))
        total = np.zeros(len(self.nodes))
        for facet in facets:
            cell = self.mesh.f2t[0, facet]
            on_face = np.isin(self.mesh.t[:, cell], self.mesh.facets[:, facet])
            flags = self._corners[on_face]
            axis = int(np.flatnonzero((flags == flags[0]).all(0))[0])
            nodes = np.flatnonzero(grid[:, axis] == (self.order if flags[0, axis] else 0))
            tangential = self._weight[nodes] / self.weights[0]
            area = self._volume[cell, nodes] * np.linalg.norm(self._inverse[cell, nodes][:, axis], axis=-1)
            np.add.at(total, self.numbers[cell, nodes], tangential * area)
        nodes = np.flatnonzero(total)
        return nodes, total[nodes]


def gauss_lobatto(order: int) -> tuple[Float[ndarray, " n"], Float[ndarray, " n"]]:
    """Points, ends included, and weights of Gauss-Lobatto quadrature with order + 1 points on [0, 1].

    >>> points, weights = gauss_lobatto(4)
    >>> round(float(weights @ points**7), 12), round(1 / 8, 12)
    (0.125, 0.125)
    """
    legendre = np.polynomial.legendre.Legendre.basis(order)
    inner = legendre.deriv().roots()
    points = np.concatenate([[-1.0], np.sort(inner.real), [1.0]])
    weights = 2 / (order * (order + 1) * legendre(points) ** 2)
    return (points + 1) / 2, weights / 2


def lagrange(nodes: Float[ndarray, " n"], points: Float[ndarray, " m"]) -> Float[ndarray, "m n"]:
    """Values at points of the polynomials that are one at a node and zero at the others."""
    difference = points[:, None] - nodes
    columns = []
    for i in range(len(nodes)):
        others = np.delete(np.arange(len(nodes)), i)
        columns.append((difference[:, others] / (nodes[i] - nodes[others])).prod(1))
    return np.stack(columns, axis=1)


def lagrange_slopes(nodes: Float[ndarray, " n"]) -> Float[ndarray, "n n"]:
    """Derivatives at node q of the polynomial that is one at node i, [q, i]."""
    gaps = nodes[:, None] - nodes + np.eye(len(nodes))
    products = gaps.prod(1)
    slopes = products[:, None] / products / gaps
    np.fill_diagonal(slopes, 0.0)
    np.fill_diagonal(slopes, -slopes.sum(1))
    return slopes
