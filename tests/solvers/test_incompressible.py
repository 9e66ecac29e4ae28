"""The projection method: exact flows at their orders, conservation, Ghia's cavity, and limits that are named."""

import numpy as np
import pytest

from fredholm.errors import SolverError
from fredholm.solvers.flow_sides import Inflow, Outflow, Slip, Wall
from fredholm.solvers.incompressible import IncompressibleSolver, StaggeredFlow


def faces_and_centres(n: int, length: float) -> tuple[np.ndarray, np.ndarray]:
    h = length / n
    return np.arange(n + 1) * h, (np.arange(n) + 0.5) * h


def taylor_green(n: int) -> StaggeredFlow:
    """u = sin x cos y, v = -cos x sin y: on (0, π)² it slips along all sides."""
    face, centre = faces_and_centres(n, np.pi)
    return StaggeredFlow.of(np.outer(np.cos(centre), np.sin(face)), -np.outer(np.sin(face), np.cos(centre)))


def test_the_taylor_green_vortex_decays_at_second_order() -> None:
    errors = []
    for n in (16, 32, 64):
        solver = IncompressibleSolver((n, n), (np.pi, np.pi), 0.05, Slip(), Slip(), Slip(), Slip())
        start = taylor_green(n).faces[0].copy()
        (flow,) = solver.flows([1.0], taylor_green(n))
        errors.append(np.abs(flow.faces[0] - start * np.exp(-2 * 0.05)).max())
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=0.1)


def test_a_manufactured_flow_between_walls_is_met_at_second_order() -> None:
    """u = ∂ψ/∂y, v = -∂ψ/∂x with ψ = 8 X(x) Y(y), X = x²(1 - x)², Y = y²(y² - 1): the lid moves with 16 X."""

    def polynomials(x: np.ndarray) -> tuple[np.ndarray, ...]:
        return (
            x**4 - 2 * x**3 + x**2,
            4 * x**3 - 6 * x**2 + 2 * x,
            12 * x**2 - 12 * x + 2,
            24 * x - 12,
        )

    def lids(y: np.ndarray) -> tuple[np.ndarray, ...]:
        return y**4 - y**2, 4 * y**3 - 2 * y, 12 * y**2 - 2, 24 * y

    def velocity_and_force(x: np.ndarray, y: np.ndarray, nu: float) -> tuple[np.ndarray, ...]:
        x0, x1, x2, x3 = polynomials(x)
        y0, y1, y2, y3 = (part[:, None] for part in lids(y))
        u, v = 8 * x0 * y1, -8 * x1 * y0
        along = u * 8 * x1 * y1 + v * 8 * x0 * y2 - nu * 8 * (x2 * y1 + x0 * y3)
        across = u * -8 * x2 * y0 + v * -8 * x1 * y1 + nu * 8 * (x3 * y0 + x1 * y2)
        return u, v, along, across

    errors, nu = [], 0.05
    for n in (16, 32, 64):
        face, centre = faces_and_centres(n, 1.0)
        u, _, along, _ = velocity_and_force(face, centre, nu)
        _, v, _, across = velocity_and_force(centre, face, nu)
        lid = Wall(16 * polynomials(face)[0])
        solver = IncompressibleSolver((n, n), (1.0, 1.0), nu, north=lid, force=(along, across))
        (flow,) = solver.flows([1.0], StaggeredFlow.of(u, v))
        differences = [found - exact for found, exact in zip(flow.faces, (u, v), strict=True)]
        errors.append(np.sqrt(max((part**2).mean() for part in differences)))
    assert errors[-1] < 0.001
    assert np.log2(errors[1] / errors[2]) > 1.75


def test_without_viscosity_only_the_steps_change_energy() -> None:
    solver = IncompressibleSolver((16, 16), (np.pi, np.pi), 1e-12 + np.pi / 16**2, Slip(), Slip(), Slip(), Slip())
    object.__setattr__(solver, "viscosity", 1e-12)
    rng = np.random.default_rng(0)
    start = StaggeredFlow.of(rng.standard_normal((16, 17)), rng.standard_normal((17, 16)))
    energies = [sum(float((part**2).sum()) for part in flow.faces) for flow in solver.flows([0.0, 0.5], start)]
    assert abs(energies[1] / energies[0] - 1) < 0.01


def test_no_cell_gains_or_loses_fluid() -> None:
    solver = IncompressibleSolver((12, 20), (1.0, 3.0), 0.05, west=Inflow(1.0), east=Outflow())
    for flow in solver.flows([0.1, 1.0]):
        assert np.abs(solver.divergence(flow)).max() < 1e-11
        u, _ = flow.faces
        np.testing.assert_allclose(u.sum(0), 12.0, rtol=1e-12)  # what enters passes every cross-section


def test_a_tube_s_flow_becomes_the_parabola_at_second_order() -> None:
    errors = []
    for n in (8, 16, 32):
        solver = IncompressibleSolver((n, 4 * n), (1.0, 4.0), 0.1, west=Inflow(1.0), east=Outflow())
        y = (np.arange(n) + 0.5) / n
        errors.append(np.abs(solver.solve([5.0])[-1, 0, :, -2] - 6 * y * (1 - y)).max())
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 2.0, atol=0.1)


def centreline_extreme(n: int, reynolds: float, time: float) -> tuple[float, float]:
    """Least u on the cavity's upright centre line, and u in the centre."""
    solver = IncompressibleSolver((n, n), (1.0, 1.0), 1 / reynolds, north=Wall(1.0))
    u = solver.solve([time])[0, 0]
    line = (u[:, n // 2 - 1] + u[:, n // 2]) / 2
    return float(line.min()), float((line[n // 2 - 1] + line[n // 2]) / 2)


def test_ghia_s_cavity_at_reynolds_100() -> None:
    least, centre = centreline_extreme(32, 100, 25.0)
    assert least == pytest.approx(-0.21090, rel=0.02)
    assert centre == pytest.approx(-0.20581, rel=0.02)


@pytest.mark.slow
def test_ghia_s_cavity_at_reynolds_400() -> None:
    least, centre = centreline_extreme(64, 400, 60.0)
    assert least == pytest.approx(-0.32726, rel=0.03)
    assert centre == pytest.approx(-0.11477, rel=0.03)


def test_a_run_is_that_of_its_parts() -> None:
    solver = IncompressibleSolver((16, 16), (1.0, 1.0), 0.02, north=Wall(1.0))
    whole = solver.solve([0.2, 0.4])
    (middle,) = solver.flows([0.2])
    (end,) = solver.flows([0.2], middle)
    np.testing.assert_allclose(end.centred, whole[1], atol=1e-6)


def test_limits_are_named() -> None:
    with pytest.raises(ValueError, match=r"16 cells do not resolve a Reynolds number of 300.*at most 16² = 256"):
        IncompressibleSolver((16, 16), (1.0, 1.0), 1 / 300, north=Wall(1.0))
    with pytest.raises(ValueError, match="viscosity -1"):
        IncompressibleSolver((16, 16), (1.0, 1.0), -1.0)
    with pytest.raises(ValueError, match="1 more flows in than out and no side is open"):
        IncompressibleSolver((16, 16), (1.0, 1.0), 0.1, west=Inflow(1.0))
    with pytest.raises(ValueError, match="at least 4 cells"):
        IncompressibleSolver((2, 16), (1.0, 1.0), 0.1)


def test_a_flow_that_is_not_finite_is_reported() -> None:
    solver = IncompressibleSolver((8, 8), (1.0, 1.0), 0.1, north=Wall(1.0))
    with pytest.raises(SolverError, match="not finite"):
        solver.solve([1.0], StaggeredFlow.of(np.full((8, 9), np.nan), np.zeros((9, 8))))
