"""The spectral-element wave solver against modes, energy balance, spherical waves, tubes, and finite differences."""

import math
from itertools import pairwise

import numpy as np
import pytest
import skfem
from jaxtyping import TypeCheckError

from fredholm.errors import CourantError, OutsideDomainError, SignatureError, UnknownNameError
from fredholm.solvers import SpectralElements, SpectralWaveSolver, WaveSolver
from fredholm.solvers.porous_layer import MikiLayer
from fredholm.solvers.rational_admittance import RationalAdmittance
from fredholm.solvers.vector_fitting import fit_admittance
from solvers.test_wall_admittance import PUBLISHED

C = 343.0


def quads(x: float, y: float, cells_x: int, cells_y: int) -> skfem.MeshQuad:
    return skfem.MeshQuad.init_tensor(np.linspace(0, x, cells_x + 1), np.linspace(0, y, cells_y + 1))


def hexes(*axes: tuple[float, int]) -> skfem.MeshHex:
    return skfem.MeshHex.init_tensor(*(np.linspace(0, length, cells + 1) for length, cells in axes))


@pytest.mark.parametrize(
    "mesh",
    [
        skfem.MeshTri().refined(1),
        skfem.MeshTet(),
        skfem.MeshQuad().refined(1),
        skfem.MeshHex(),
        skfem.MeshTri.init_symmetric(),
    ],
    ids=lambda mesh: type(mesh).__name__,
)
def test_polynomials_are_exact_on_any_cells(mesh: skfem.Mesh) -> None:
    """Volume, surface, values between nodes, and ∫ ∇u·∇v of polynomials on the unit square and cube."""
    space = SpectralElements(mesh, order=4)
    d = space.dimension
    points = np.random.default_rng(0).random((40, d))
    assert float(space.mass.sum()) == pytest.approx(1)
    assert sum(weights.sum() for _, weights in space.walls.values()) == pytest.approx(2 * d)
    cubic = lambda x: x[:, 0] ** 3 - x[:, -1] * x[:, 0] + 2  # noqa: E731
    np.testing.assert_allclose(space.interpolation(points) @ cubic(space.nodes), cubic(points), atol=1e-12)
    x, y = space.nodes[:, 0], space.nodes[:, 1]
    # exact on parallelograms; a triangle's cells have maps that are not linear
    exact = 1e-12 if isinstance(mesh, skfem.MeshQuad | skfem.MeshHex) else 3e-3
    assert float((x**3 * y) @ (space.stiffness @ (x * y))) == pytest.approx(1 / 3 + 1 / 5, rel=exact)
    np.testing.assert_allclose(space.stiffness @ np.ones(len(x)), 0, atol=1e-12)


@pytest.mark.parametrize("mesh", [skfem.MeshTri().refined(1), skfem.MeshTet().refined(1)], ids=["triangles", "tets"])
def test_surfaces_keep_their_names_when_simplices_are_split(mesh: skfem.Mesh) -> None:
    space = SpectralElements(mesh.with_boundaries({"floor": lambda x: x[-1] == 0}), order=3)
    nodes, weights = space.walls["floor"]
    assert (space.nodes[nodes, -1] == 0).all()
    assert float(weights.sum()) == pytest.approx(1)
    assert float(space.walls["boundary"][1].sum()) == pytest.approx(2 * space.dimension - 1)


@pytest.mark.parametrize(("order", "cells"), [(2, (4, 8, 16)), (4, (4, 8, 16))])
def test_convergence_to_a_mode_of_a_rigid_room(order: int, cells: tuple[int, ...]) -> None:
    """cos(2πx/2) cos(πy) cos(ωt): the error falls with the power N + 1 of the cells' size."""
    wave = math.pi * np.array([1.0, 1.0])
    times = 1e-3 * np.arange(5)
    errors = []
    for count in cells:
        solver = SpectralWaveSolver(SpectralElements(quads(2, 1, count, count // 2), order))
        mode = np.cos(solver.space.nodes * wave).prod(1)
        pressure = solver.solve(mode[None], 1e-3, 5, steps=2 * solver.steps_for(1e-3))[0]
        exact = np.cos(C * float(np.linalg.norm(wave)) * times)[:, None] * mode
        errors.append(np.abs(pressure - exact).max())
    assert all(math.log2(coarse / fine) > order + 0.7 for coarse, fine in pairwise(errors)), errors
    assert errors[-1] < (1e-2 if order == 2 else 2e-8)


def test_a_mode_of_a_rigid_shoebox_in_three_dimensions() -> None:
    solver = SpectralWaveSolver(SpectralElements(hexes((2.0, 2), (1.0, 1), (1.5, 2)), order=5))
    wave = math.pi * np.array([1 / 2, 1 / 1, 2 / 1.5])
    mode = np.cos(solver.space.nodes * wave).prod(1)
    pressure = solver.solve(mode[None], 1e-3, 4, steps=2 * solver.steps_for(1e-3))[0]
    exact = np.cos(C * float(np.linalg.norm(wave)) * 1e-3 * np.arange(4))[:, None] * mode
    np.testing.assert_allclose(pressure, exact, atol=2e-3)


def energies(solver: SpectralWaveSolver, pulse: np.ndarray, steps: int) -> np.ndarray:
    """E at every step, by the exponential series of the solver's own system."""
    n = len(solver.space.nodes)
    state = np.concatenate([np.zeros(n), pulse, np.zeros(solver.system.shape[0] - 2 * n)])
    dt, found = 0.5 / solver.radius, []
    for _ in range(steps):
        found.append(solver.energy(state[:n], state[n : 2 * n]))
        term = state
        for k in range(1, 5):
            term = dt / k * (solver.system @ term)
            state = state + term
    return np.array(found)


def warped() -> skfem.MeshQuad:
    """An L of quadrilaterals that are no rectangles."""
    mesh = quads(2, 2, 4, 4)
    kept = np.flatnonzero(~(mesh.p[:, mesh.t].mean(1) > 1).all(0))
    mesh = mesh.restrict(kept)
    x, y = mesh.p
    return skfem.MeshQuad(np.stack([x + 0.1 * np.sin(2 * y), y + 0.1 * np.sin(3 * x)]), mesh.t)


def test_rigid_rooms_conserve_energy_and_absorbing_ones_lose_it() -> None:
    space = SpectralElements(warped(), order=4)
    pulse = np.exp(-((space.nodes - [0.7, 0.8]) ** 2).sum(1) / 0.3**2)
    rigid = energies(SpectralWaveSolver(space), pulse, 600)
    np.testing.assert_allclose(rigid, rigid[0], rtol=1e-4)
    locally = energies(SpectralWaveSolver(space, otherwise=RationalAdmittance(1 / (3 * 1.2 * C))), pulse, 600)
    assert (np.diff(locally) <= 1e-9 * locally[0]).all()
    assert locally[-1] < 0.2 * locally[0]
    # a wall with poles stores energy and may return some of it; in the long run it only takes
    porous = energies(SpectralWaveSolver(space, otherwise=PUBLISHED), pulse, 3000)
    assert porous[-1] < 0.9 * porous[0]
    assert porous.max() < 1.0001 * porous[0]


def test_stable_to_the_time_step_that_it_allows() -> None:
    """A long run at the largest step, with walls of all kinds, does not grow."""
    mesh = quads(1, 1, 3, 3).with_boundaries({"left": lambda x: x[0] == 0, "top": lambda x: x[1] == 1})
    walls = {"left": PUBLISHED, "top": RationalAdmittance(1 / (1.2 * C))}
    solver = SpectralWaveSolver(SpectralElements(mesh, order=4), walls)
    noise = np.random.default_rng(0).standard_normal((2, len(solver.space.nodes)))
    steps = solver.steps_for(0.01)
    power = (solver.solve(noise, 0.01, 6, steps=steps) ** 2) @ solver.space.mass
    assert (power[:, 1:] < power[:, :1]).all()
    assert (power[:, 5] < power[:, 1]).all()
    with pytest.raises(CourantError, match="are unstable: take"):
        solver.solve(noise, 0.01, 6, steps=steps // 2)


def test_a_spherical_wave_before_its_first_reflection() -> None:
    """p = [(r-ct) exp(-(r-ct)²/s²) + (r+ct) exp(-(r+ct)²/s²)] / 2r."""
    width, place = 0.35, np.array([1.0, 1.0, 1.0])
    solver = SpectralWaveSolver(SpectralElements(hexes((2.0, 5), (2.0, 5), (2.0, 5)), order=4))
    receivers = np.array([[1.4, 1.0, 1.0], [1.0, 0.6, 0.8], [0.9, 1.3, 1.1]])
    initial = np.exp(-((solver.space.nodes - place) ** 2).sum(1) / width**2)
    times = 2e-4 * np.arange(6)
    pressure = solver.solve(initial[None], 2e-4, 6, receivers)[0]
    r, ct = np.linalg.norm(receivers - place, axis=1), C * times[:, None]
    out, back = r - ct, r + ct
    exact = (out * np.exp(-((out / width) ** 2)) + back * np.exp(-((back / width) ** 2))) / (2 * r)
    np.testing.assert_allclose(pressure, exact, atol=0.01)


def reflection(wall: RationalAdmittance, frequency: np.ndarray) -> np.ndarray:
    """|R| of the end of a tube, of the spectra of what comes back from it and from a rigid end."""
    length, place, receiver, width = 16.0, 6.0, 9.0, 0.08
    mesh = skfem.MeshLine(np.linspace(0, length, 161)).with_boundaries({"end": lambda x: x[0] == length})
    spectra = []
    for end in (wall, RationalAdmittance()):
        solver = SpectralWaveSolver(SpectralElements(mesh, order=4), {"end": end})
        initial = np.exp(-((solver.space.nodes[:, 0] - place) ** 2) / width**2)
        pressure = solver.solve(initial[None], 1e-4, 640, np.array([[receiver]]))[0, :, 0]
        times = 1e-4 * np.arange(640)
        # the wave that goes left is back at the receiver after (6 + 9) m
        back = pressure * (times > 8.0 / C) * (times < 60e-3) * (times > (receiver - place + 1) / C)
        left = (times > (place + receiver - 1) / C) & (times < (place + receiver + 1) / C)
        back[left] = 0
        spectra.append(np.exp(-2j * math.pi * frequency[:, None] * times) @ back)
    return np.abs(spectra[0] / spectra[1])


def test_a_tube_measures_the_absorption_of_mikis_layer() -> None:
    frequency = np.array([200.0, 500.0, 1000.0])
    band = np.geomspace(50.0, 4000.0, 200)
    fitted = fit_admittance(band, MikiLayer(10_000.0, 0.03).admittance(band), poles=6)
    for wall in (PUBLISHED, fitted):
        np.testing.assert_allclose(1 - reflection(wall, frequency) ** 2, [0.057, 0.202, 0.477], atol=0.002)
    plain = 1 - reflection(RationalAdmittance(1 / (17.98 * 1.2 * C)), frequency) ** 2
    np.testing.assert_allclose(plain, 0.1996, atol=0.0005)


def test_agreement_with_finite_differences() -> None:
    """The same absorbing room by two methods that share nothing."""
    space = SpectralElements(quads(2, 2, 6, 6), order=4)
    solver = SpectralWaveSolver(space, otherwise=RationalAdmittance(1 / (17.98 * 1.2 * C)))
    axis, width, place = np.linspace(0, 2, 101), 0.437, [0.8, 1.1]
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    pulse = lambda x: np.exp(-((x - place) ** 2).sum(-1) / width**2)  # noqa: E731
    fdtd = WaveSolver(np.ones((101, 101), bool), 0.02, C, 17.98)
    reference = fdtd.solve(pulse(grid)[None], 1e-3, 13)[0]
    at = grid[10:91:20, 10:91:20].reshape(-1, 2)
    pressure = solver.solve(pulse(space.nodes)[None], 1e-3, 13, at)[0]
    expected = reference[:, 10:91:20, 10:91:20].reshape(13, -1)
    assert np.linalg.norm(pressure - expected) < 0.01 * np.linalg.norm(expected)


def test_sources_together_are_sources_alone() -> None:
    solver = SpectralWaveSolver(SpectralElements(quads(1, 1, 2, 2), order=4), otherwise=PUBLISHED)
    starts = np.random.default_rng(1).standard_normal((3, len(solver.space.nodes)))
    together = solver.solve(starts, 1e-3, 3)
    for i in range(3):
        np.testing.assert_allclose(together[i], solver.solve(starts[i : i + 1], 1e-3, 3)[0], atol=1e-12)
    single = solver.solve(starts.astype(np.float32), 1e-3, 3)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, together, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    space = SpectralElements(quads(1, 1, 2, 2), order=2)
    solver = SpectralWaveSolver(space)
    with pytest.raises(UnknownNameError, match="part of the boundary 'ceiling'"):
        SpectralWaveSolver(space, {"ceiling": PUBLISHED})
    with pytest.raises(OutsideDomainError, match=r"point 0 at \(1.5, 0.5\)"):
        solver.solve(np.ones((1, 25)), 1e-3, 2, np.array([[1.5, 0.5]]))
    with pytest.raises(SignatureError, match=r"expected \(sources, 25\)"):
        solver.solve(np.ones((1, 24)), 1e-3, 2)
    with pytest.raises(SignatureError, match="NaN or infinite"):
        solver.solve(np.full((1, 25), np.nan), 1e-3, 2)
    with pytest.raises((SignatureError, TypeCheckError)):
        solver.solve(np.ones((1, 25), dtype=int), 1e-3, 2)
