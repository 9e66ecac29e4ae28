"""Learned directions: the energy identity, a loss that is zero for the inverse, training, sizes, files."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.deploy.stored_network import load_network, save_network
from fredholm.errors import OperatorShapeError, SignatureError
from fredholm.inverse.direction_network import DirectionNetwork
from fredholm.inverse.direction_training import DirectionTraining, RitzSampler, direction_loss, train_directions
from fredholm.inverse.learned_direction import LearnedDirection
from fredholm.layers.perceptron import initialised
from fredholm.solvers.box_poisson import BoxPoisson
from fredholm.solvers.flexible_directions import dcdm
from fredholm.solvers.lanczos import RitzPairs, ritz_pairs


def network(dim: int = 2, seed: int = 0) -> DirectionNetwork:
    with initialised(seed):
        return DirectionNetwork(dim, channels=4, levels=2, pairs=1)


@settings(deadline=None, max_examples=8, derandomize=True)
@given(seed=st.integers(0, 1000), directions=st.integers(0, 3))
def test_the_error_falls_by_what_the_line_search_says(seed: int, directions: int) -> None:
    """‖e‖²_A falls by (r·d)² / (d·A d) each step, with a network that is not trained; d is the step."""
    solid = torch.zeros(9, 12, dtype=torch.bool)
    solid[4:6, 3:7] = True
    system = BoxPoisson((9, 12), solid=solid)
    b = np.random.default_rng(seed).normal(size=(9, 12)) * system.fluid.numpy()
    matrix = system.matrix().toarray()
    exact = np.linalg.lstsq(matrix, b.ravel(), rcond=None)[0]
    iterates = [np.zeros(b.size)]
    dcdm(
        system,
        b,
        LearnedDirection(network(seed=seed)),
        maxiter=12,
        directions=directions,
        callback=lambda x: iterates.append(x.ravel()),
    )
    energies = [(x - exact) @ matrix @ (x - exact) for x in iterates]
    for k in range(len(iterates) - 1):
        d, r = iterates[k + 1] - iterates[k], b.ravel() - matrix @ iterates[k]
        if np.linalg.norm(d) < 1e-9 * np.linalg.norm(
            iterates[k + 1]
        ):  # of such a step the iterates keep rounding alone
            assert energies[k + 1] == pytest.approx(energies[k], rel=1e-6)
            continue
        assert energies[k + 1] == pytest.approx(energies[k] - (r @ d) ** 2 / (d @ matrix @ d), rel=1e-9, abs=1e-11)


def test_the_loss_is_nought_for_the_inverse_of_any_length_and_one_for_what_is_orthogonal() -> None:
    system = BoxPoisson((6, 6))
    b = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    b = b / b.flatten(1).norm(dim=1)[:, None, None]
    inverse = torch.linalg.inv(torch.from_numpy(system.matrix().toarray()))
    directions = (b.flatten(1) @ inverse).reshape(b.shape)
    assert float(direction_loss(-5.0 * directions, b, system)) < 1e-20
    orthogonal = torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    share = (orthogonal * b).flatten(1).sum(1)[:, None, None]
    assert float(direction_loss(orthogonal - share * b, b, system)) == pytest.approx(1.0)


def test_low_modes_weigh_more() -> None:
    sampler = RitzSampler(RitzPairs(torch.arange(20.0), torch.eye(20)))
    drawn = sampler.draw(4000, torch.Generator().manual_seed(0))
    variance = drawn.square().mean(0)
    ratio = float(variance[:11].mean() / variance[11:].mean())
    assert 60 < ratio < 100  # 9² of what the others have
    torch.testing.assert_close(drawn.norm(dim=1), torch.ones(4000))


def test_a_few_steps_of_training_save_iterations_and_repeat_to_the_bit() -> None:
    system = BoxPoisson((16, 16))
    sampler = RitzSampler(ritz_pairs(system, 120))
    with initialised(0):
        trained = DirectionNetwork(2, channels=8, levels=2, pairs=2)
    again = copy.deepcopy(trained)
    few = DirectionTraining(steps=5, peak=3e-3)
    assert train_directions(copy.deepcopy(trained), system, sampler, few) == train_directions(
        again, system, sampler, few
    )
    train_directions(trained, system, sampler, replace(few, steps=150))
    b = np.random.default_rng(0).normal(size=(24, 20))  # another box than that of training
    plain = dcdm(BoxPoisson((24, 20)), b, lambda r: r, rtol=1e-6, maxiter=200).iterations
    assert dcdm(BoxPoisson((24, 20)), b, LearnedDirection(trained), rtol=1e-6, maxiter=200).iterations < 0.5 * plain


@pytest.mark.parametrize(("dim", "cells"), [(1, (13,)), (2, (10, 7)), (3, (6, 5, 7))])
def test_boxes_of_any_size_and_dimension(dim: int, cells: tuple[int, ...]) -> None:
    direction = LearnedDirection(network(dim))
    system = BoxPoisson(cells)
    b = np.random.default_rng(0).normal(size=cells)
    solution = dcdm(system, b, direction, rtol=1e-6, maxiter=300)
    assert solution.converged
    assert np.linalg.norm(b.ravel() - system.matrix() @ solution.x.ravel()) <= 1e-6 * np.linalg.norm(b)
    flat = dcdm(system.matrix(), b.ravel(), LearnedDirection(direction.network, cells), rtol=1e-6, maxiter=300)
    np.testing.assert_allclose(flat.x, solution.x.ravel(), atol=1e-9)


def test_far_cells_are_seen_through_the_coarser_grids() -> None:
    """A change 9 cells away reaches the centre with two coarser grids, and not without."""
    b = torch.zeros(2, 33, 33)
    b[1, 16, 25] = 1.0
    for levels, seen in ((1, False), (3, True)):
        with initialised(0):
            made = DirectionNetwork(2, channels=8, levels=levels, pairs=1)(b)
        assert bool((made[0, 16, 16] - made[1, 16, 16]).abs() > 1e-12) == seen


def test_what_is_saved_proposes_the_same(tmp_path: Path) -> None:
    made = network(seed=3)
    loaded = load_network(save_network(made, tmp_path / "direction"), DirectionNetwork)
    residual = np.random.default_rng(0).normal(size=(12, 11))
    np.testing.assert_array_equal(LearnedDirection(loaded)(residual), LearnedDirection(made)(residual))


def test_refusals() -> None:
    with pytest.raises(SignatureError, match="1 to 3 axes"):
        DirectionNetwork(dim=4)
    with pytest.raises(OperatorShapeError, match="cells="):
        LearnedDirection(network())(np.ones(16))
