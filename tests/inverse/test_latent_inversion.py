"""Posteriors of latent vectors, where they are known in closed form; and what is refused."""

import pytest
import torch
from torch import Tensor, nn

from fredholm.errors import InverseProblemError, OutsideDomainError
from fredholm.fields import Axis, Grid
from fredholm.fields.pointwise import Nearest
from fredholm.fields.wendland import GaussBall, WendlandTests
from fredholm.inverse.gauss_newton import gauss_newton
from fredholm.inverse.hamiltonian import Trajectories, hamiltonian_monte_carlo, split_r_hat
from fredholm.inverse.latent_inversion import invert
from fredholm.inverse.latent_methods import HMC, MAP, Laplace, covariance_root
from fredholm.inverse.latent_target import LatentTarget, VirtualObservations
from fredholm.inverse.noise import GaussianNoise
from fredholm.inverse.observations import Observations
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.latent_generative import (
    CoefficientLaw,
    GaussianLatent,
    GenerativeInput,
    LatentDecoder,
    LatentEncoder,
    LatentGenerativeOperator,
    PhaseLaw,
    PositiveLaw,
)
from fredholm.problems import Darcy
from fredholm.training.physics.weak_form import Diffusion, WeakForm

LATENT = 3
SQUARE = Grid(Axis("x", 0.0, 1.0, 3), Axis("y", 0.0, 1.0, 3))
PROBLEM = Darcy(points=6)
MEAN, COVARIANCE = (
    torch.tensor([1.0, -2.0, 0.5]).double(),
    torch.tensor([[2.0, 0.6, 0], [0.6, 1, 0], [0, 0, 0.1]]).double(),
)


def gaussian(z: Tensor) -> Tensor:
    centred = z - MEAN
    return 0.5 * (centred @ torch.linalg.inv(COVARIANCE) * centred).sum(1)


def operator(law: CoefficientLaw | None = None, small: float = 0.05) -> LatentGenerativeOperator:
    """Its decoder of the solution is linear in z, as nearly as β = tanh z is for small codes."""
    with initialised(0):
        encoder = LatentEncoder(FunctionSensors("coefficient", PROBLEM.grid), MLP([36, LATENT], nn.Identity()))
        solution = LatentDecoder.of(SQUARE, LATENT, nn.Identity(), (8, 2, 1))
        decoded = LatentDecoder.of(SQUARE, LATENT, nn.Identity(), (8, 2, 1))
        generated = GenerativeInput("coefficient", PROBLEM.grid, decoded, law or PositiveLaw())
        made = LatentGenerativeOperator(
            PROBLEM.signature, PROBLEM.grid, encoder, GaussianLatent(LATENT), solution, generated
        )
        for part in (solution, decoded):
            nn.init.constant_(part.omega, 10.0)
    made.prior.fit(small * torch.randn(400, LATENT, generator=torch.Generator().manual_seed(0)))
    return made.eval()


def observations(made: LatentGenerativeOperator, z: Tensor, std: float = 0.01, count: int = 12) -> Observations:
    points = torch.rand(count, 2, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        values = made.solution(torch.tanh(z[None]), points)[0]
    return Observations(points, GaussianNoise(std)(values, torch.Generator().manual_seed(4)), GaussianNoise(std))


def linear_gaussian(made: LatentGenerativeOperator, seen: Observations) -> tuple[Tensor, Tensor]:
    """Posterior mean and covariance with β replaced by z, by the formulae of linear regression."""
    points, y = seen.kept
    solution = made.double().solution
    jacobian = torch.func.jacrev(lambda z: solution(z[None], points.double())[0])(torch.zeros(3).double()).detach()
    offset = made.solution(torch.zeros(1, 3).double(), points.double())[0].detach()
    prior = torch.linalg.inv(made.prior.root @ made.prior.root.T)
    precision = jacobian.T @ jacobian / seen.noise.std**2 + prior
    covariance = torch.linalg.inv(precision)
    return covariance @ (jacobian.T @ (y - offset) / seen.noise.std**2 + prior @ made.prior.mean), covariance


def test_hamiltonian_draws_have_mean_and_covariance_of_a_gaussian() -> None:
    start = torch.zeros(8, 3).double()
    found = hamiltonian_monte_carlo(gaussian, start, 600, torch.Generator().manual_seed(0), Trajectories(leaps=8))
    draws = found.draws.flatten(0, 1)
    torch.testing.assert_close(draws.mean(0), MEAN, atol=0.1, rtol=0)
    torch.testing.assert_close(draws.T.cov(), COVARIANCE, atol=0.15, rtol=0.1)
    assert found.diagnostics["split R-hat"] < 1.05
    assert found.diagnostics["acceptance"] == pytest.approx(0.8, abs=0.15)


def test_r_hat_tells_chains_that_disagree() -> None:
    draws = torch.randn(4, 200, 1, generator=torch.Generator().manual_seed(0)).double()
    assert split_r_hat(draws) < 1.02
    assert split_r_hat(draws + 3 * torch.arange(4)[:, None, None]) > 1.5


def test_laplace_of_a_gaussian_is_exact() -> None:
    root = covariance_root(gaussian, torch.zeros(3).double())
    torch.testing.assert_close(root @ root.T, COVARIANCE)
    found = Laplace(samples=5000, mode=MAP(starts=1)).draws(gaussian, torch.zeros(1, 3))
    torch.testing.assert_close(found.mode, MEAN, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.z.T.cov(), COVARIANCE, atol=0.1, rtol=0.05)


def test_hmc_in_coordinates_of_the_hessian_takes_long_steps() -> None:
    found = HMC(samples=400, chains=4, seed=1).draws(gaussian, torch.zeros(2, 3))
    torch.testing.assert_close(found.z.mean(0), MEAN, atol=0.1, rtol=0)
    torch.testing.assert_close(found.z.T.cov(), COVARIANCE, atol=0.2, rtol=0.1)


def test_the_posterior_of_a_linear_decoder_is_that_of_linear_regression() -> None:
    made = operator()
    seen = observations(made, 0.05 * torch.tensor([1.0, -1.0, 0.5]))
    posterior = invert(made, seen, Laplace(samples=4000))
    mean, covariance = linear_gaussian(made, seen)
    torch.testing.assert_close(posterior.latent.mode, mean, atol=2e-3, rtol=0)
    torch.testing.assert_close(posterior.latent.z.T.cov(), covariance, atol=0.1 * float(covariance.max()), rtol=0.1)


def test_the_mode_recovers_the_latent_vector_of_exact_values() -> None:
    made, z = operator(small=1.0), torch.tensor([0.8, -0.5, 0.3])
    points = torch.rand(20, 2, generator=torch.Generator().manual_seed(0))
    values = made.solution(torch.tanh(z[None]), points)[0].detach()
    posterior = invert(made, Observations(points, values, GaussianNoise(1e-4)), MAP(steps=800))
    torch.testing.assert_close(posterior.latent.mode, z.double(), atol=2e-3, rtol=0)
    with pytest.raises(InverseProblemError, match="has no spread: invert by Laplace or HMC"):
        _ = posterior.coefficient.std


def test_masked_observations_do_not_count() -> None:
    made = operator()
    seen = observations(made, torch.full((3,), 0.05))
    values, keep = seen.values.clone(), torch.ones(12, dtype=torch.bool)
    values[5], keep[5] = torch.nan, False
    masked = Observations(seen.points, values, seen.noise, keep)
    left = Observations(seen.points[keep], seen.values[keep], seen.noise)
    z = torch.rand(2, 3).double()
    torch.testing.assert_close(LatentTarget(made, masked)(z), LatentTarget(made, left)(z))


def test_residuals_enter_with_their_precision() -> None:
    made = operator(PhaseLaw(3.0, 12.0))
    form = WeakForm(
        Diffusion(), SQUARE, {"coefficient": Nearest(PROBLEM.grid)}, WendlandTests(2, 0.01, GaussBall(2, 4)), 5
    )
    seen, z = observations(made, torch.zeros(3)), torch.rand(2, 3).double()
    target = LatentTarget(made, seen, VirtualObservations(form, precision=4.0))
    expected = 2.0 * target.residual(torch.tanh(z)).square().sum(1)
    torch.testing.assert_close(target(z) - LatentTarget(made, seen)(z), expected)
    each = torch.cat([target(one[None]) for one in z])
    torch.testing.assert_close(target(z), each, rtol=1e-12, atol=0)  # one draw of noise for all


def test_phases_have_probabilities_and_the_picture_has_a_panel_for_them() -> None:
    made = operator(PhaseLaw(3.0, 12.0))
    posterior = invert(made, observations(made, torch.zeros(3)), Laplace(samples=50))
    p = posterior.probability
    assert p is not None
    torch.testing.assert_close(posterior.coefficient.mean, 3 + 9 * p)
    assert bool((posterior.coefficient.std >= (81 * (p * (1 - p)) * 0.99).sqrt() * 0.9).all())
    titles = [axes.get_title() for axes in posterior.plot(posterior.coefficient.mean).axes]
    assert {"probability of the higher phase", "truth", "standard deviation"} <= set(titles)


def test_gauss_newton_finds_the_mode_of_a_linear_problem() -> None:
    matrix = torch.rand(6, 3, generator=torch.Generator().manual_seed(0)).double().numpy()
    y = matrix @ [1.0, 2.0, 3.0]
    fit = gauss_newton(lambda c: (matrix @ c, matrix), y, 0.5, [0.0, 0.0, 0.0])
    precision = torch.from_numpy(matrix.T @ matrix / 0.25) + torch.eye(3).double()
    mode = torch.linalg.solve(precision, torch.from_numpy(matrix.T @ y / 0.25))
    torch.testing.assert_close(torch.from_numpy(fit.coefficients), mode)
    torch.testing.assert_close(torch.from_numpy(fit.covariance), torch.linalg.inv(precision))


def test_bad_observations_are_named() -> None:
    points, values, noise = torch.rand(4, 2), torch.ones(4), GaussianNoise(0.1)
    with pytest.raises(InverseProblemError, match="standard deviation of noise is not negative"):
        GaussianNoise(-0.1)
    with pytest.raises(InverseProblemError, match="without noise have no likelihood"):
        Observations(points, values, GaussianNoise(0.0))
    with pytest.raises(InverseProblemError, match="value of observation 2 is nan"):
        Observations(points, torch.tensor([1.0, 1.0, torch.nan, 1.0]), noise)
    with pytest.raises(InverseProblemError, match=r"points \(4, 2\) and values \(3,\)"):
        Observations(points, values[:3], noise)
    with pytest.raises(InverseProblemError, match="leaves no observation"):
        Observations(points, values, noise, torch.zeros(4, dtype=torch.bool))
    with pytest.raises(OutsideDomainError, match="observation 1 at"):
        invert(operator(), Observations(torch.tensor([[0.5, 0.5], [0.5, 1.5]]), values[:2], noise))
    with pytest.raises(InverseProblemError, match="have 1 coordinates, the operator's solution has 2"):
        invert(operator(), Observations(torch.rand(4, 1), values, noise))
    with pytest.raises(InverseProblemError, match="the field has shape"):
        Observations.of_field(PROBLEM.grid, torch.ones(5, 5), torch.arange(2), noise)


def test_operators_that_cannot_be_inverted_are_refused() -> None:
    made = operator()
    blind = LatentGenerativeOperator(PROBLEM.signature, PROBLEM.grid, made.encoder, made.prior, made.solution)
    seen = observations(made, torch.zeros(3))
    with pytest.raises(InverseProblemError, match="generates no input"):
        invert(blind, seen)
    form = WeakForm(Diffusion(), SQUARE, {"other": Nearest(PROBLEM.grid)}, WendlandTests(2, 0.01))
    with pytest.raises(InverseProblemError, match=r"needs the inputs \['other'\]"):
        invert(made, seen, equation=VirtualObservations(form, 1.0))
    with pytest.raises(InverseProblemError, match="precision of residuals must be positive"):
        VirtualObservations(form, -1.0)
    with pytest.raises(InverseProblemError, match="operator's error must not be negative"):
        invert(made, seen, model_error=-1.0)
