"""Normalised spectral convolutions enlarge no function by more than they may."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fredholm.layers.complex_products import complex_of
from fredholm.layers.factorised_weights import CP, TensorTrain, Tucker
from fredholm.layers.spectral_convolution import SpectralConvolution
from fredholm.layers.spectral_normalisation import SpectrallyNormalised, largest_singular_value
from fredholm.layers.spectral_weights import Dense, WeightFormat

FORMS = {"dense": Dense(), "Tucker": Tucker(0.3), "CP": CP(0.3), "train": TensorTrain(0.3)}


@given(rows=st.integers(1, 20), columns=st.integers(1, 20), size=st.floats(1e-6, 1e6), seed=st.integers(0, 2**31))
def test_the_bound_is_one_and_is_close(rows: int, columns: int, size: float, seed: int) -> None:
    matrices = size * torch.randn(3, rows, 2, columns, generator=torch.Generator().manual_seed(seed)).double()
    exact = float(torch.linalg.matrix_norm(complex_of(matrices), 2).max())
    bound = float(largest_singular_value(matrices))
    assert exact * (1 - 1e-9) <= bound <= exact * min(rows, columns) ** 0.5**7 * (1 + 1e-9)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("shape", [(16, 24), (5, 6)], ids=["fine", "coarse"])
def test_no_function_is_enlarged_beyond_the_bound(form: WeightFormat, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    convolution = SpectralConvolution(4, 6, (6, 6), SpectrallyNormalised(0.7, form), deviation=3.0).double()
    torch.nn.init.zeros_(convolution.bias)
    u = torch.randn(4, 4, *shape, dtype=torch.float64, requires_grad=True)
    for _ in range(60):  # towards the function that is enlarged most
        with torch.no_grad():
            u /= u.flatten(1).norm(dim=1)[:, None, None, None]
        grown = convolution(u).flatten(1).norm(dim=1)
        (u.grad,) = torch.autograd.grad(grown.square().sum(), u)
        with torch.no_grad():
            u.copy_(u.grad)
    assert 0.3 < float(grown.max()) <= 0.7 + 1e-9


def test_weights_within_the_bound_are_left_alone() -> None:
    torch.manual_seed(0)
    weights = SpectrallyNormalised(norm=1e3).weights(3, 5, (4, 3), deviation=1.0)
    assert torch.equal(weights.dense(), weights.stored.dense())


def test_all_grids_see_the_same_operator() -> None:
    torch.manual_seed(0)
    weights = SpectrallyNormalised(norm=0.1).weights(3, 3, (6, 4), deviation=1.0)
    assert torch.equal(weights.dense(((1, 5), (0, 3))), weights.dense()[1:5, :3])


def test_gradients_are_finite_where_frequencies_are_silent() -> None:
    weights = SpectrallyNormalised(norm=0.1).weights(3, 3, (6, 4), deviation=1.0)
    weights.silence(((2, 4), (0, 2)))
    weights.dense().square().sum().backward()
    assert all(bool(p.grad is not None and p.grad.isfinite().all()) for p in weights.parameters())
