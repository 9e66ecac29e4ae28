"""The lattice Boltzmann method: the parabola exactly, at second order, forces and shedding past a cylinder, limits."""

import numpy as np
import pytest

from fredholm.solvers.lattice_boltzmann import LatticeBoltzmannSolver


def channel(n: int, viscosity: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """The velocity in the middle of a channel, and the parabola that enters it."""
    y = (np.arange(n) + 0.5) / n
    parabola = 6 * y * (1 - y)
    solver = LatticeBoltzmannSolver(np.zeros((n, 3 * n), bool), 1 / n, viscosity, parabola, lattice_speed=0.8 / n)
    return solver.solve([15.0])[0, :, :, 3 * n // 2], parabola


@pytest.mark.parametrize("viscosity", [0.1, 0.3])
def test_poiseuille_s_profile_has_the_exact_shape(viscosity: float) -> None:
    """With walls exactly halfway between nodes, at any viscosity, the profile is the parabola up to a factor."""
    (u, v), parabola = channel(8, viscosity)
    np.testing.assert_allclose(u / u.sum(), parabola / parabola.sum(), atol=2e-4)
    assert np.abs(v).max() < 1e-3


def test_poiseuille_s_flow_at_second_order() -> None:
    errors = []
    for n in (8, 16):
        (u, _), parabola = channel(n)
        errors.append(np.abs(u - parabola).max())
    assert np.log2(errors[0] / errors[1]) > 1.8


def wake(across: int, duration: float) -> tuple[np.ndarray, np.ndarray]:
    """Force coefficients (drag, lift) over time past a cylinder at Reynolds number 100, sides 8 diameters apart."""
    rows, columns = 8 * across, 20 * across
    y = (np.arange(rows) + 0.5) / across - 4.03  # off the middle, so that shedding begins
    x = (np.arange(columns) + 0.5) / across - 5
    solid = y[:, None] ** 2 + x**2 < 0.25
    solver = LatticeBoltzmannSolver(solid, 1 / across, 0.01, 1.0, "symmetry", lattice_speed=0.1)
    times = np.arange(0.2, duration, 0.2)
    return times, 2 * np.array([force for _, force in solver.flows(times)])


def strouhal(times: np.ndarray, lift: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft((lift - lift.mean()) * np.hanning(len(lift)), 8192))
    return float(np.fft.rfftfreq(8192, times[1] - times[0])[spectrum.argmax()])


@pytest.mark.slow
def test_a_coarse_cylinder_sheds_vortices() -> None:
    """Unconfined flow has a Strouhal number of 0.165; sides four diameters away raise it by some tenth."""
    times, coefficients = wake(12, 70.0)
    late = times > 50
    assert 0.15 < strouhal(times[late], coefficients[late, 1]) < 0.20
    assert 1.2 < coefficients[late, 0].mean() < 1.8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cylinder_sheds_at_its_strouhal_number() -> None:
    times, coefficients = wake(16, 160.0)
    late = times > 80
    assert strouhal(times[late], coefficients[late, 1]) == pytest.approx(0.175, abs=0.01)
    assert coefficients[late, 0].mean() == pytest.approx(1.5, abs=0.1)


def test_a_symmetric_body_between_mirrors_has_a_symmetric_flow() -> None:
    solid = np.zeros((24, 40), bool)
    solid[10:14, 8:12] = True
    solver = LatticeBoltzmannSolver(solid, 0.25, 0.05, 1.0, "symmetry")
    ((velocity, force),) = solver.flows([3.0])
    np.testing.assert_allclose(velocity[0], velocity[0, ::-1], atol=1e-10)
    np.testing.assert_allclose(velocity[1], -velocity[1, ::-1], atol=1e-10)
    assert abs(force[1]) < 1e-10 < force[0]
    assert not velocity[:, solid].any()


def test_a_stream_between_mirrors_stays_as_it_is() -> None:
    solver = LatticeBoltzmannSolver(np.zeros((8, 16), bool), 0.1, 0.05, 2.0, "symmetry")
    velocity = solver.solve([0.0, 0.5, 1.0])
    np.testing.assert_allclose(velocity[:, 0], 2.0, rtol=1e-10)
    np.testing.assert_allclose(velocity[:, 1], 0.0, atol=1e-10)


def test_limits_are_named() -> None:
    free = np.zeros((8, 16), bool)
    with pytest.raises(ValueError, match=r"Mach number of 0\.35"):
        LatticeBoltzmannSolver(free, 0.1, 0.1, 1.0, lattice_speed=0.2)
    with pytest.raises(ValueError, match=r"cells of 0\.1 have a Reynolds number of 100, above 10"):
        LatticeBoltzmannSolver(free, 0.1, 0.001, 1.0)
    with pytest.raises(ValueError, match=r"relaxation time 0\.50.* is below 0\.503"):
        LatticeBoltzmannSolver(free, 0.1, 0.01, 1.0, lattice_speed=0.005)
    with pytest.raises(ValueError, match="must be positive"):
        LatticeBoltzmannSolver(free, 0.1, -0.1, 1.0)
