"""Plane strain: the patch test, the stress at a round hole, energy that converges from below, reciprocal loads."""

import math
from typing import Any

import numpy as np
import pytest

from fredholm.problems.voids import ring_points
from fredholm.solvers import PlaneStrain, ring_mesh

skfem = pytest.importorskip("skfem")


def edges(mesh: Any) -> tuple[np.ndarray, np.ndarray]:
    """Facets at the bottom and at the top."""
    bottom, top = (mesh.facets_satisfying(lambda x, y=y: np.isclose(x[1], y)) for y in (0.0, 1.0))
    return bottom, top


def plate(radius: float, around: int, outward: int) -> Any:
    return ring_mesh(ring_points(np.full((1, 8), radius), 2 * around, 2 * outward)[0])


def test_uniform_stress_is_exact_on_distorted_elements() -> None:
    """The patch test: without lateral contraction a pulled square is strained evenly."""
    ticks = np.linspace(0, 1, 5)
    square = skfem.MeshQuad.init_tensor(ticks, ticks)
    inner = square.interior_nodes()
    moved = square.p.copy()
    moved[:, inner] += np.random.default_rng(0).uniform(-0.08, 0.08, (2, len(inner)))
    mesh = skfem.MeshQuad2.from_mesh(skfem.MeshQuad(moved, square.t))
    pulled = PlaneStrain(0.0).solve(mesh, *edges(mesh), traction=(0.0, 2.0))
    np.testing.assert_allclose(pulled.stress, np.array([[0.0], [2.0], [0.0]]) + 0 * pulled.stress, atol=1e-10)
    assert pulled.energy == pytest.approx(2.0)


def test_a_round_hole_triples_the_stress() -> None:
    """Kirsch: 3 at the sides of a small hole, 3.03 where it takes a tenth of the width; -1 above it (Heywood)."""
    mesh = plate(0.05, 48, 20)
    stress = PlaneStrain(0.0).solve(mesh, *edges(mesh), traction=(0.0, 1.0)).stress.reshape(3, 48, 21)
    along = (48 // 8, 5 * 48 // 8)  # at 0 and π
    np.testing.assert_allclose(stress[1, along, 0], 3.03, rtol=0.015)
    np.testing.assert_allclose(stress[0, 3 * 48 // 8, 0], -1.0, atol=0.1)
    assert np.abs(stress[:, along, 0][[0, 2]]).max() < 0.05, "no traction at the void"


def test_energy_converges_from_below() -> None:
    meshes = [plate(0.3, *size) for size in ((16, 2), (32, 4), (64, 8))]
    energy = [PlaneStrain(0.3).solve(mesh, *edges(mesh), traction=(0.0, 1.0)).energy for mesh in meshes]
    assert energy[0] < energy[1] < energy[2], "finite elements are too stiff"
    assert energy[2] - energy[1] < 0.5 * (energy[1] - energy[0])
    assert energy[2] == pytest.approx(energy[1], rel=3e-3)


def test_loads_are_reciprocal_and_linear() -> None:
    """Betti: the work of one load along the displacements of another is that of the other along the one's."""
    mesh, solver = plate(0.25, 16, 3), PlaneStrain(0.3)
    pulled, sheared = (solver.solve(mesh, *edges(mesh), traction=t) for t in ((0.0, 1.0), (1.0, 0.0)))
    both = solver.solve(mesh, *edges(mesh), traction=(2.0, 3.0))
    np.testing.assert_allclose(both.stress, 2 * sheared.stress + 3 * pulled.stress, atol=1e-9)
    cross = both.energy - 4 * sheared.energy - 9 * pulled.energy
    assert abs(cross) < 1e-9 * both.energy, "a symmetric plate that is pulled does not move sideways on average"


def test_von_mises_stress_of_simple_states() -> None:
    solver = PlaneStrain(0.3)
    states = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]).T
    pulled = math.sqrt(1 - 0.3 + 0.3**2)
    expected = [pulled, math.sqrt(pulled**2 + 3), pulled]
    np.testing.assert_allclose(solver.von_mises(states), expected)
    np.testing.assert_allclose(PlaneStrain(0.0).von_mises(np.array([[0.0], [2.0], [0.0]])), 2.0)


def test_impossible_bodies_are_refused() -> None:
    with pytest.raises(ValueError, match="Poisson's ratio must lie in"):
        PlaneStrain(0.5)
    with pytest.raises(ValueError, match="9 nodes around must be even"):
        ring_mesh(np.zeros((2, 9, 5)))
