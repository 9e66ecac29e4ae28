"""Pressure matrices of boxes with solid cells: stencil and sparse matrix, eigenvalues, null spaces, refusals."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import OperatorShapeError
from fredholm.solvers.box_poisson import OPEN, BoxPoisson
from fredholm.solvers.constant_null_space import ConstantNullSpace
from fredholm.solvers.finite_volume_diffusion import CLOSED, HELD


def by_hand(shape: tuple[int, ...], walls: list[tuple[float, float]], solid: np.ndarray) -> np.ndarray:
    """Cell by cell from the definition, with the weights of walls."""
    matrix = np.zeros((solid.size, solid.size))
    for cell in np.ndindex(*shape):
        row = np.ravel_multi_index(cell, shape)
        for axis in range(len(shape)):
            for end, move in enumerate((-1, 1)):
                other = list(cell)
                other[axis] += move
                if solid[cell]:
                    continue
                if not 0 <= other[axis] < shape[axis]:
                    matrix[row, row] += walls[axis][end]
                elif not solid[tuple(other)]:
                    matrix[row, row] += 1
                    matrix[row, np.ravel_multi_index(other, shape)] -= 1
    return matrix


WALLS = st.sampled_from([(OPEN, 1.0), (CLOSED, 0.0), (HELD, 2.0)])


@settings(deadline=None, max_examples=20)
@given(
    shape=st.one_of(st.tuples(*[st.integers(1, 5)] * 2), st.tuples(*[st.integers(1, 4)] * 3)),
    draws=st.lists(WALLS, min_size=6, max_size=6),
    seed=st.integers(0, 100),
)
def test_stencil_and_sparse_matrix_are_the_definition(shape: tuple[int, ...], draws: list, seed: int) -> None:
    rng = np.random.default_rng(seed)
    solid = rng.random(shape) < 0.3
    pairs = [(draws[2 * axis], draws[2 * axis + 1]) for axis in range(len(shape))]
    system = BoxPoisson(shape, [(lower[0], upper[0]) for lower, upper in pairs], torch.from_numpy(solid))
    expected = by_hand(shape, [(lower[1], upper[1]) for lower, upper in pairs], solid)
    np.testing.assert_allclose(system.matrix().toarray(), expected, atol=1e-14)
    x = torch.from_numpy(rng.normal(size=(2, *shape)))
    np.testing.assert_allclose(system(x).reshape(2, -1).numpy(), x.reshape(2, -1).numpy() @ expected.T, atol=1e-12)
    assert system.adjoint_defect() < 1e-14
    # null vectors are what singular values count
    assert system.null_space.dimension == (np.linalg.eigvalsh(expected) < 1e-9).sum()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_least_eigenvalue_of_an_open_box(dim: int) -> None:
    n = 6
    least = np.linalg.eigvalsh(BoxPoisson((n,) * dim).matrix().toarray())[0]
    assert least == pytest.approx(4 * dim * math.sin(math.pi / (2 * (n + 1))) ** 2, rel=1e-10)


def test_constants_are_taken_from_each_closed_part_alone() -> None:
    """A closed box that a solid row cuts in two: one part is held by an open wall."""
    solid = torch.zeros(5, 4, dtype=torch.bool)
    solid[2] = True
    system = BoxPoisson((5, 4), [(CLOSED, OPEN), (CLOSED, CLOSED)], solid)
    values = torch.randn(5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    projected = system.null_space.project(values)
    assert system.null_space.dimension == 5  # the part below and four solid cells
    assert abs(float(projected[:2].sum())) < 1e-12
    assert (projected[2] == 0).all()
    assert torch.equal(projected[3:], values[3:])
    # what A makes has no part there: the projection leaves it as it is
    image = system(values)
    torch.testing.assert_close(system.null_space.project(image), image, atol=1e-13, rtol=0)


def test_nearly_constant_null_vectors_are_none() -> None:
    matrix = BoxPoisson((4, 4), [(CLOSED, CLOSED)] * 2).matrix().tolil()
    assert ConstantNullSpace.of(matrix).dimension == 1
    matrix[0, 0] += 1e-3
    assert ConstantNullSpace.of(matrix).dimension == 0


def test_single_precision_stays_single() -> None:
    assert BoxPoisson((4, 4))(torch.ones(2, 4, 4)).dtype == torch.float32


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(OperatorShapeError, match=r"\(3, 4\), the box \(4, 4\)"):
        BoxPoisson((4, 4), solid=torch.zeros(3, 4, dtype=torch.bool))
