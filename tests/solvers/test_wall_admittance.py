"""Walls: Miki's layers, rational admittances, vector fitting, absorption tables and material files."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from fredholm.errors import DataError
from fredholm.solvers.absorption_table import admittance_of_absorption
from fredholm.solvers.material_file import read_material, write_material
from fredholm.solvers.porous_layer import MikiLayer
from fredholm.solvers.rational_admittance import RationalAdmittance, normal_absorption
from fredholm.solvers.vector_fitting import fit_admittance

BAND = np.geomspace(50.0, 5000.0, 300)
PUBLISHED = RationalAdmittance(
    0.0,
    (-0.050895081885, -0.077041464455),
    (1409.174615247421, 2996.397333914219),
    ((20.818242042787, 8.742655724467), (90.154065142216, 11.882538133263)),
    ((5143.978228028025, -13398.796374805785), (11865.834708151424, -62639.178065321037)),
)


def test_the_published_coefficients_are_mikis_layer() -> None:
    exact = MikiLayer(10_000.0, 0.03).admittance(BAND)
    assert np.abs(PUBLISHED(BAND) / exact - 1).max() < 0.015
    assert PUBLISHED.passive
    assert PUBLISHED.order == 6
    flipped = tuple((alpha, -beta) for alpha, beta in PUBLISHED.pair_poles)
    wrong = RationalAdmittance(0.0, PUBLISHED.residues, PUBLISHED.decays, PUBLISHED.pair_residues, flipped)
    assert np.abs(wrong(BAND) / exact - 1).max() > 1


def test_absorption_of_the_layer() -> None:
    absorption = MikiLayer(10_000.0, 0.03).absorption(np.array([200.0, 500.0, 1000.0, 2000.0]))
    np.testing.assert_allclose(absorption, [0.057, 0.202, 0.477, 0.861], atol=0.001)


def test_a_constant_wall_absorbs_as_its_impedance_says() -> None:
    xi = 17.98
    wall = RationalAdmittance(1 / (xi * 1.2 * 343))
    np.testing.assert_allclose(wall.absorption(BAND), 4 * xi / (1 + xi) ** 2, rtol=1e-12)
    assert float(normal_absorption(np.array([0j]))[0]) == 0


@given(st.floats(0.5, 5.5), st.floats(3.5, 4.7))
@settings(deadline=None, max_examples=15)
def test_layers_are_fitted_and_passive(thickness: float, resistivity: float) -> None:
    layer = MikiLayer(10**resistivity, 0.01 * thickness + 0.01)
    band = np.geomspace(40.0, 3000.0, 200)
    fitted = fit_admittance(band, layer.admittance(band), poles=8)
    assert fitted.weakest() >= -1e-12
    assert np.abs(fitted.absorption(band) - layer.absorption(band)).max() < 0.03


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=15)
def test_a_rational_function_is_found_again(seed: int) -> None:
    """Poles and residues of a passive function: samples of it are fitted to rounding."""
    random = np.random.default_rng(seed)
    truth = RationalAdmittance(
        random.uniform(1e-4, 1e-3),
        (random.uniform(0.1, 1.0),),
        (random.uniform(500, 2000),),
        ((random.uniform(1, 5), 0.0),),
        ((random.uniform(500, 1500), random.uniform(3000, 9000)),),
    )
    fitted = fit_admittance(BAND, truth(BAND), poles=3)
    np.testing.assert_allclose(fitted(BAND), truth(BAND), rtol=1e-6)
    assert math.isclose(fitted.decays[0], truth.decays[0], rel_tol=1e-4)


def test_the_auxiliary_equations_are_the_admittance() -> None:
    """Driven by cos ωt, φ, ψ and χ settle to Re(Y exp(jωt)); integrated by scipy, not by the toolkit."""
    frequency = 400.0
    omega = 2 * math.pi * frequency

    def slope(t: float, y: np.ndarray) -> np.ndarray:
        p, out = math.cos(omega * t), np.empty(6)
        for k, decay in enumerate(PUBLISHED.decays):
            out[k] = -decay * y[k] + p
        for pair, (alpha, beta) in enumerate(PUBLISHED.pair_poles):
            psi, chi = y[2 + 2 * pair : 4 + 2 * pair]
            out[2 + 2 * pair : 4 + 2 * pair] = -alpha * psi - beta * chi + p, -alpha * chi + beta * psi
        return out

    times = np.linspace(0.02, 0.0225, 26)  # one period, when the slowest pole has died out
    y = solve_ivp(slope, (0, times[-1]), np.zeros(6), t_eval=times, rtol=1e-8, atol=1e-14, max_step=1e-5).y
    velocity = np.array(PUBLISHED.residues) @ y[:2]
    for pair, (b, c) in enumerate(PUBLISHED.pair_residues):
        velocity += 2 * (b * y[2 + 2 * pair] + c * y[3 + 2 * pair])
    expected = (PUBLISHED(np.array([frequency]))[0] * np.exp(1j * omega * times)).real
    np.testing.assert_allclose(velocity, expected, atol=1e-5 * np.abs(expected).max())


def test_a_table_of_absorption_becomes_a_passive_wall_with_it() -> None:
    frequencies, absorption = np.array([125.0, 250.0, 500.0, 1000.0]), np.array([0.05, 0.15, 0.4, 0.6])
    band = np.geomspace(100.0, 1500.0, 200)
    samples = admittance_of_absorption(frequencies, absorption, band)
    expected = np.interp(np.log(band), np.log(frequencies), absorption)
    np.testing.assert_allclose(normal_absorption(1.2 * 343 * samples), expected, atol=0.005)
    assert (samples.real > 0).all()
    fitted = fit_admittance(band, samples, poles=8)
    assert fitted.passive
    assert np.abs(fitted.absorption(frequencies) - absorption).max() < 0.03


def test_a_material_file_holds_the_admittance(tmp_path: Path) -> None:
    write_material(PUBLISHED, tmp_path / "wall.dat", "glass wool, 3 cm")
    assert read_material(tmp_path / "wall.dat") == PUBLISHED
    lines = (tmp_path / "wall.dat").read_text().splitlines()
    assert lines[0] == "6 2 2"
    assert lines[1] == "-0.050895081885"
    assert lines[-2:] == ["-----", "glass wool, 3 cm"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "line 1"),
        ("5 2 2\n", "expected 'POLES REAL PAIRS'"),
        ("1 1 0\n1.0\nfast\n0.0\n-----\n", "line 3: 'fast' is not a number"),
        ("1 1 0\n1.0\n-----\n", "has 1 numbers for 1 poles"),
        ("1 1 0\n1.0\n-5.0\n0.0\n-----\n", "grows in time"),
    ],
)
def test_a_damaged_material_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "wall.dat").write_text(content)
    with pytest.raises(DataError, match=message):
        read_material(tmp_path / "wall.dat")
    with pytest.raises(DataError, match="cannot be read"):
        read_material(tmp_path / "nowhere.dat")


def test_impossible_walls_are_refused() -> None:
    with pytest.raises(ValueError, match="flow resistivity must be positive"):
        MikiLayer(-1.0, 0.03)
    with pytest.raises(ValueError, match="gives energy"):
        RationalAdmittance(-1e-3)
    with pytest.raises(ValueError, match=r"lies in \[0, 1\)"):
        admittance_of_absorption(np.array([500.0]), np.array([1.0]), BAND)
    with pytest.raises(ValueError, match="need at least 7 samples"):
        fit_admittance(BAND[:5], np.ones(5, complex))
