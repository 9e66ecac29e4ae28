"""Linear elasticity of a long body whose section does not change: plane strain, by biquadratic finite elements.

    div σ = 0,   σ = λ tr(ε) I + 2μ ε,   ε = (∇u + ∇uᵀ) / 2,   u = 0 on the clamped part of the boundary,
    σ n = t on the loaded part, σ n = 0 elsewhere

with Young's modulus 1, so that μ = 1 / (2 (1 + ν)) and λ = ν / ((1 + ν)(1 - 2ν)); stresses do not depend on it, and
displacements are in units of t over it. Stress at a vertex is the mean of the stresses that the elements around it have
there, second order in the elements' size.

Sources: Hughes, "The finite element method" (1987), sections 2.7 and 4.5; Gustafsson, McBain, "scikit-fem: a Python
package for finite element assembly", J. Open Source Softw. 5 (2020), for the assembly.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

if TYPE_CHECKING:
    import skfem

_ORDER = 5  # of the quadrature: 3 × 3 points, exact for the stiffness of parallelograms


@dataclass(frozen=True)
class Deformation:
    """What a load does: displacements at the basis' degrees of freedom, energy, and stress at the vertices.

    `energy` is the elastic energy ½ ∫ σ:ε of a body of unit thickness; `stress` are σxx, σyy and σxy.
    """

    displacement: Float[ndarray, " dofs"]
    energy: float
    stress: Float[ndarray, "3 vertices"]


@dataclass(frozen=True)
class PlaneStrain:
    """Solver of plane strain on meshes of scikit-fem.

    Args:
        poisson_ratio: ν, in [0, ½).

    >>> import skfem
    >>> mesh = skfem.MeshQuad2.from_mesh(skfem.MeshQuad.init_tensor(np.linspace(0, 1, 4), np.linspace(0, 1, 4)))
    >>> low, high = (mesh.facets_satisfying(lambda x, y=y: np.isclose(x[1], y)) for y in (0.0, 1.0))
    >>> pulled = PlaneStrain(poisson_ratio=0.0).solve(mesh, clamped=low, loaded=high, traction=(0.0, 1.0))
    >>> bool(np.allclose(pulled.stress, [[0.0], [1.0], [0.0]])), round(pulled.energy, 12)
    (True, 0.5)
    """

    poisson_ratio: float

    def __post_init__(self) -> None:
        if not 0 <= self.poisson_ratio < 0.5:
            raise ValueError(f"Poisson's ratio must lie in [0, 0.5), got {self.poisson_ratio}")

    def solve(
        self,
        mesh: "skfem.MeshQuad2",
        clamped: Int[ndarray, " f"],
        loaded: Int[ndarray, " g"],
        traction: tuple[float, float],
    ) -> Deformation:
        """The deformation with u = 0 on the facets `clamped` and σ n = `traction` on the facets `loaded`."""
        import skfem
        from scipy.sparse.linalg import splu
        from skfem.helpers import ddot, div, sym_grad

        stretch, shear = self._moduli
        element = skfem.ElementVector(skfem.ElementQuad2())
        body = skfem.Basis(mesh, element, intorder=_ORDER)
        edge = skfem.FacetBasis(mesh, element, facets=loaded, intorder=_ORDER)
        stiffness = skfem.BilinearForm(
            lambda u, v, w: stretch * div(u) * div(v) + 2 * shear * ddot(sym_grad(u), sym_grad(v))
        ).assemble(body)
        load = skfem.LinearForm(lambda v, w: traction[0] * v[0] + traction[1] * v[1]).assemble(edge)
        matrix, right, displacement, free = skfem.condense(stiffness, load, D=body.get_dofs(clamped))
        # a symmetric definite matrix needs no pivoting, and fills least when ordered by its own graph
        factors = splu(
            matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
        displacement[free] = factors.solve(right)
        return Deformation(displacement, 0.5 * float(load @ displacement), self._stress(mesh, displacement))

    def von_mises(self, stress: Float[ndarray, "3 *points"]) -> Float[ndarray, "*points"]:
        """(½ ((σx - σy)² + (σy - σz)² + (σz - σx)²) + 3 σxy²)^½, with σz = ν (σx + σy)."""
        across, along, shear = stress
        normal = self.poisson_ratio * (across + along)
        squares = (across - along) ** 2 + (along - normal) ** 2 + (normal - across) ** 2
        return np.sqrt(0.5 * squares + 3 * shear**2)

    @property
    def _moduli(self) -> tuple[float, float]:
        """Lamé's λ and μ."""
        nu = self.poisson_ratio
        return nu / ((1 + nu) * (1 - 2 * nu)), 0.5 / (1 + nu)

    def _stress(self, mesh: "skfem.MeshQuad2", displacement: ndarray) -> Float[ndarray, "3 vertices"]:
        import skfem

        corners = np.array([[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 1.0]])  # of the reference element, in mesh.t's order
        element = skfem.ElementVector(skfem.ElementQuad2())
        sampled = skfem.Basis(mesh, element, quadrature=(corners, np.full(4, 0.25)))
        slope = sampled.interpolate(displacement).grad
        stretch, shear = self._moduli
        pressure = stretch * (slope[0, 0] + slope[1, 1])
        at_corners = (
            pressure + 2 * shear * slope[0, 0],
            pressure + 2 * shear * slope[1, 1],
            shear * (slope[0, 1] + slope[1, 0]),
        )
        vertex = mesh.t.T.ravel()
        count = np.bincount(vertex)
        return np.stack([np.bincount(vertex, weights=values.ravel()) / count for values in at_corners])


def ring_mesh(nodes: Float[ndarray, "2 around outward"]) -> "skfem.MeshQuad2":
    """Biquadratic quadrilaterals on a grid of nodes that closes on itself around, and is counter-clockwise.

    Every second node, from the first, is a vertex: an even number of nodes around, an odd number outward. The mesh's
    vertices are in the grid's order.
    """
    import skfem

    _, around, outward = nodes.shape
    if around % 2 or not outward % 2:
        raise ValueError(f"{around} nodes around must be even, {outward} outward odd: every second one is a vertex")
    index = np.arange(around * outward).reshape(around, outward)
    index = np.concatenate([index, index[:1]])

    def shifted(j: int, i: int) -> ndarray:
        return index[j : j + around - 1 : 2, i : i + outward - 2 : 2].ravel()

    corners = [(0, 0), (0, 2), (2, 2), (2, 0)]
    middles = [(0, 1), (1, 2), (2, 1), (1, 0), (1, 1)]
    return skfem.MeshQuad2(nodes.reshape(2, -1), np.stack([shifted(*offset) for offset in corners + middles]))
