"""Irreducible errors are those of projections, and as many modes are chosen as keep the energy asked for."""

import pytest
import torch

from fredholm.layers.transform_bases import Cosine, NodalCosine, RealFourier, analysed, mean_square, synthesised
from fredholm.operators.transform_once import irreducible_error, select_modes


def test_it_is_the_error_of_the_projection() -> None:
    bases, modes = [RealFourier(), NodalCosine()], (5, 4)
    y = torch.randn(3, 2, 12, 9, dtype=torch.float64)
    rest = y - synthesised(analysed(y, bases, modes), bases, (12, 9))
    expected = (mean_square(rest, bases).sum(1) / mean_square(y, bases).sum(1)).sqrt()
    torch.testing.assert_close(irreducible_error(y, bases, modes), expected)
    assert float(irreducible_error(torch.zeros(1, 1, 12, 9), bases, modes)) == 0


def test_nothing_is_lost_of_what_is_kept_and_no_fewer_modes_would_do() -> None:
    bases, modes = [RealFourier(), Cosine()], (5, 7)
    y = synthesised(torch.randn(4, 1, *modes), bases, (16, 20))
    assert float(irreducible_error(y, bases, modes).max()) < 1e-3
    assert select_modes(y, bases, energy=1 - 1e-9) == modes


@pytest.mark.parametrize("energy", [0.9, 0.99, 0.9999])
def test_the_energy_asked_for_is_kept(energy: float) -> None:
    bases = [RealFourier(), RealFourier()]
    spectrum = 1 / (1 + torch.arange(32.0)) ** 1.5
    y = synthesised(torch.randn(10, 2, 32, 32) * spectrum * spectrum[:, None], bases, (32, 32))
    modes = select_modes(y, bases, energy)
    assert float(irreducible_error(y, bases, modes).square().mean()) <= 1 - energy
    fewer = tuple(m - 1 for m in modes)
    assert float(irreducible_error(y, bases, fewer).square().mean()) > (1 - energy) / 2


def test_a_periodic_function_needs_more_cosines_than_waves() -> None:
    x = torch.arange(64.0) / 64
    y = torch.sin(2 * torch.pi * x).reshape(1, 1, 64)
    assert select_modes(y, [RealFourier()], 0.9999) == (3,)
    assert select_modes(y, [Cosine()], 0.9999)[0] > 10


def test_a_share_beyond_the_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="energy=1"):
        select_modes(torch.zeros(1, 1, 8), [RealFourier()], 1.0)
