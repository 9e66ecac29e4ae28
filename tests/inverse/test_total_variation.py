"""Total variation: duality certifies minimisers; scikit-image finds the same."""

import pytest
import torch

from fredholm.errors import InverseProblemError
from fredholm.inverse import GaussianBlur, Gradient, IdentityOperator, Stopping, total_variation

PRECISE = Stopping(1500, 1e-9)


def test_a_dual_certificate_closes_the_gap() -> None:
    """No dual point lies above the minimum, and one comes within 1e-4: ‖b‖²/2 - ‖b - ∇ᵀq‖²/2 with |q| ≤ w."""
    b, weight = torch.rand(8, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64), 0.15
    found = total_variation(IdentityOperator((8, 7)), b, weight, PRECISE)
    gradient = Gradient((8, 7))
    q = torch.zeros(2, 8, 7, dtype=torch.float64)
    for _ in range(1500):  # projected ascent on the dual
        q = q + gradient(b - gradient.adjoint(q)) / 8
        q = q * (weight / q.norm(dim=0).clamp_min(1e-30)).clamp_max(1.0)
    dual = float(b.square().sum() - (b - gradient.adjoint(q)).square().sum()) / 2
    assert found.objective is not None
    gap = float(found.objective[-1]) - dual
    assert -1e-9 < gap < 1e-4 * dual
    torch.testing.assert_close(found.values, b - gradient.adjoint(q), atol=2e-3, rtol=0)


def test_constant_fields_stay_and_large_weights_leave_the_mean() -> None:
    operator = IdentityOperator((6, 6))
    b = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    mean = b.mean((1, 2), keepdim=True).expand_as(b)
    torch.testing.assert_close(total_variation(operator, b, 50.0, PRECISE).values, mean, atol=1e-5, rtol=0)
    torch.testing.assert_close(total_variation(operator, b, 0.0, PRECISE).values, b, atol=1e-6, rtol=0)


def test_deblurring_lowers_the_objective_below_that_of_the_truth_and_the_data() -> None:
    truth = torch.zeros(16, 16, dtype=torch.float64)
    truth[4:11, 5:12] = 1.0
    blur, weight = GaussianBlur((16, 16), 1.0, 7), 1e-3
    y = blur(truth) + 0.01 * torch.randn(16, 16, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = total_variation(blur, y, weight, Stopping(600, 1e-8))

    def objective(x: torch.Tensor) -> float:
        variation = Gradient((16, 16))(x).norm(dim=0).sum()
        return float((blur(x) - y).square().sum() / 2 + weight * variation)

    assert objective(found.values) < min(objective(truth), objective(y))
    assert float((found.values - truth).norm()) < 0.5 * float((y - truth).norm())


def test_scikit_image_finds_the_same() -> None:
    restoration = pytest.importorskip("skimage.restoration")
    b = torch.rand(12, 12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    other = restoration.denoise_tv_chambolle(b.numpy(), weight=0.2, eps=1e-12, max_num_iter=1500)
    found = total_variation(IdentityOperator((12, 12)), b, 0.2, PRECISE).values
    torch.testing.assert_close(found, torch.from_numpy(other), atol=5e-3, rtol=0)


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InverseProblemError, match="not negative"):
        total_variation(IdentityOperator((4,)), torch.zeros(4), -0.1)
