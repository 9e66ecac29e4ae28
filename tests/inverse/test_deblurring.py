"""Reconstructors, their stability and the trade-off: identities, filters and a library's numbers."""

import math

import pytest
import torch
from torch import nn

from fredholm.errors import InverseProblemError, OperatorShapeError
from fredholm.inverse import (
    GaussianBlur,
    GaussianNoise,
    IdentityOperator,
    Reconstructor,
    ReconstructorTraining,
    ResidualTanh,
    Subsampling,
    ThreeLayerNetwork,
    TikhonovCGLS,
    psnr,
    ssim,
    stability_constants,
    stability_report,
    tradeoff_lower_bound,
    train_reconstructor,
)
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators.unet import UNet

BLUR = GaussianBlur((16, 16), 1.3, 11)


def fields(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 16, 16, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_many_steps_of_cgls_are_the_exact_filter() -> None:
    y = BLUR(fields(3))
    exact = BLUR.tikhonov(y, 0.01)
    error = (TikhonovCGLS(BLUR, 0.01, 200)(y) - exact).norm() / exact.norm()
    assert float(error) < 1e-6


def test_two_steps_are_a_polynomial_of_the_spectrum() -> None:
    """Every Fourier mode is multiplied by k̂* (c₀ + c₁ (|k̂|² + λ²)), with one pair c for a picture."""
    y, damping = BLUR(fields(1))[0], 0.1
    answer = TikhonovCGLS(BLUR, damping, updates=2)(y)
    power = BLUR.spectrum.abs().square() + damping**2
    given = torch.fft.rfftn(y) * BLUR.spectrum.conj()
    basis = torch.stack([given.flatten(), (given * power).flatten()], 1)
    target = torch.fft.rfftn(answer).flatten().unsqueeze(1)
    residual = target - basis @ torch.linalg.lstsq(basis, target).solution
    assert float(residual.abs().max()) < 1e-10 * float(target.abs().max())


def test_a_classical_step_bounds_what_noise_does() -> None:
    """Exact Tikhonov multiplies a perturbation by at most 1 / (2 λ), and C is not above that."""
    damping = 0.1
    report = stability_report(lambda y: BLUR.tikhonov(y, damping), BLUR, fields(4), [0.01, 0.5], draws=3)
    assert report.at(0.5).constants.shape == (3, 4)
    assert max(level.worst for level in report.levels) <= 1 / (2 * damping)
    # of white noise every mode is multiplied by its own factor
    gain = (BLUR.spectrum.abs() / (BLUR.spectrum.abs().square() + damping**2)).max()
    assert float(gain) <= 1 / (2 * damping)


def test_the_report_of_a_known_map() -> None:
    """Ψ(y) = 2 y on A = I: the error without noise is ‖x‖, and with large noise C tends to 2."""
    x = fields(5)
    report = stability_report(lambda y: 2 * y, IdentityOperator((16, 16)), x, [1e4])
    norms = x.flatten(1).norm(dim=1)
    assert report.eta == pytest.approx(float(norms.max()), rel=1e-12)
    assert report.mean_error == pytest.approx(float(norms.mean()), rel=1e-12)
    assert report.accuracy == pytest.approx(1 / report.eta)
    assert report.at(1e4).worst == pytest.approx(2.0, rel=1e-3)
    assert report.at(1e4).unstable_share == 1.0
    assert [row["std"] for row in report.rows] == [0.0, 1e4]
    assert report.plot().axes[0].get_xlabel() == "size of the noise"


def test_the_tradeoff_is_an_inequality_for_any_reconstructor() -> None:
    with initialised(0):
        network = Reconstructor(ThreeLayerNetwork(width=4)).double().eval()
    x = fields(12)
    first, second = x[:6], x[6:]
    for reconstruct in (network, lambda y: BLUR.tikhonov(y, 1e-3), lambda y: y):
        eta = stability_report(reconstruct, BLUR, x, [1.0]).eta
        measured = stability_constants(reconstruct, BLUR, first, BLUR(second - first), eta)
        assert bool((measured >= tradeoff_lower_bound(BLUR, first, second, eta) - 1e-9).all())
    accurate = stability_report(lambda y: BLUR.tikhonov(y, 1e-9), BLUR, x, [1.0]).eta
    assert float(tradeoff_lower_bound(BLUR, first, second, accurate).min()) > 1  # accuracy forces instability


def test_training_lowers_the_loss_and_ends_in_eval() -> None:
    with initialised(0):
        reconstructor = Reconstructor(ThreeLayerNetwork(width=4), TikhonovCGLS(BLUR, 0.1, 2))
    pictures = BLUR(BLUR(fields(12).float()))
    training = ReconstructorTraining(epochs=4, batch=4, noise=GaussianNoise(0.01))
    losses = train_reconstructor(reconstructor, BLUR, pictures, training, progress=False)
    assert losses[-1] < losses[0]
    assert not reconstructor.training
    before = [buffer.clone() for buffer in reconstructor.buffers()]
    reconstructor.train()
    stability_report(reconstructor, BLUR, pictures, [0.1])  # does not move the statistics of batches
    assert reconstructor.training
    assert all(torch.equal(a, b) for a, b in zip(before, reconstructor.buffers(), strict=True))


def test_a_target_other_than_the_truth_is_what_is_learned() -> None:
    """With the regularised solution as target and as input, the identity is the answer: loss log 1e-8."""
    solution = TikhonovCGLS(BLUR, 0.1, 30)
    reconstructor = Reconstructor(_Scaled(), solution)
    training = ReconstructorTraining(epochs=1, batch=6, rate=0.0, target=solution)
    losses = train_reconstructor(reconstructor, BLUR, fields(6).float(), training, progress=False)
    assert losses[0] == pytest.approx(math.log(1e-8), abs=1e-3)


class _Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.factor * values


def test_networks_start_near_their_input_and_are_data() -> None:
    with initialised(0):
        unet = ResidualTanh(UNet(1, 1, width=4, multipliers=(1, 2), periodic=(True, True)))
    reconstructor = Reconstructor(unet, BLUR)
    y = fields(2).float()
    assert float((reconstructor(y) - BLUR(y)).detach().abs().max()) <= 1
    again = build(describe(Reconstructor(ThreeLayerNetwork(width=4), TikhonovCGLS(BLUR, 0.1, 3))))
    torch.testing.assert_close(again.prepared(y), TikhonovCGLS(BLUR, 0.1, 3)(y))
    assert float(ThreeLayerNetwork(width=4, residual=False)(y.unsqueeze(1)).detach().min()) >= 0


def test_quality_agrees_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    x = BLUR(fields(2))
    y = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for i in range(2):
        a, b = x[i].numpy(), y[i].numpy()
        assert float(psnr(y, x)[i]) == pytest.approx(metrics.peak_signal_noise_ratio(a, b, data_range=1.0), abs=1e-9)
        other = metrics.structural_similarity(
            a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert float(ssim(y, x)[i]) == pytest.approx(other, abs=1e-6)


def test_what_does_not_fit_is_refused() -> None:
    reconstructor = Reconstructor(ThreeLayerNetwork(width=4))
    with pytest.raises(OperatorShapeError, match=r"pictures are \(8, 8\)"):
        train_reconstructor(reconstructor, BLUR, torch.zeros(2, 8, 8), progress=False)
    some = Subsampling.random((16, 16), 0.5, 0)
    with pytest.raises(InverseProblemError, match="put a preprocessor in front"):
        train_reconstructor(reconstructor, some, torch.zeros(2, 16, 16), progress=False)
    with pytest.raises(InverseProblemError, match="noise levels and draws are positive"):
        stability_report(lambda y: y, BLUR, fields(2), [-0.1])
    with pytest.raises(OperatorShapeError, match="reconstructions are"):
        stability_report(lambda y: y[:, :4], BLUR, fields(2), [0.1])
    with pytest.raises(InverseProblemError, match=r"noise of 0\.2 was not measured; there is 0\.1"):
        stability_report(lambda y: y, BLUR, fields(2), [0.1]).at(0.2)
