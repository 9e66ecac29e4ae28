"""Random rates and random media: moments are those of many paths, paths solve their equations, refusals."""

import math

import pytest
import torch
from torch import Tensor

from fredholm.fields.differences import first_derivative
from fredholm.problems import StochasticODE, StochasticODEMoments, StochasticPDE, StochasticPDEMoments, problem_named
from fredholm.problems.random_process import GivenProcess, GivenProcessPath

ALL = [StochasticODE(), StochasticODEMoments(), StochasticPDE(), StochasticPDEMoments(paths=64)]


def many_paths(process: Tensor, paths: int) -> dict[str, Tensor]:
    """One process with `paths` draws of ξ."""
    terms = process.shape[1]
    xi = torch.randn(paths, terms, generator=torch.Generator().manual_seed(0))
    return {"modes": process.expand(paths, -1, -1).contiguous(), "xi": xi}


def test_one_constant_mode_grows_exponentially() -> None:
    """k = ξ c: y = exp(ξ c t)."""
    modes, t = torch.full((1, 1, 20), 0.5), torch.linspace(0, 1, 20)
    y = StochasticODE(terms=1).solve({"modes": modes, "xi": torch.tensor([[1.2]])})
    torch.testing.assert_close(y[0, 0], torch.exp(0.6 * t))
    mean, deviation = StochasticODEMoments(terms=1).solve({"modes": modes})[0]
    torch.testing.assert_close(mean, torch.exp(0.125 * t**2))
    torch.testing.assert_close(deviation, mean * torch.expm1(0.25 * t**2).sqrt())


def test_growth_has_the_moments_of_its_paths() -> None:
    process = StochasticODEMoments().sample(1, seed=0)["modes"]
    paths = StochasticODE().solve(many_paths(process, 10_000))[:, 0].double()
    mean, deviation = StochasticODEMoments().solve({"modes": process})[0].double()
    torch.testing.assert_close(paths.mean(0), mean, atol=0.06, rtol=0)
    torch.testing.assert_close(paths.std(0), deviation, atol=0.2, rtol=0)


def test_moments_hold_for_the_process_itself() -> None:
    """var ∫₀¹ k = ∫∫ exp(-(s - t)² / 2 l²) = √(2π) l erf(1 / √2 l) - 2 l² (1 - exp(-1 / 2 l²))."""
    problem = StochasticODEMoments()
    (length,) = problem.labels(1, seed=5)["correlation_length"][0].tolist()
    erf, bell = math.erf(1 / (math.sqrt(2) * length)), math.exp(-1 / (2 * length**2))
    variance = math.sqrt(2 * math.pi) * length * erf - 2 * length**2 * (1 - bell)
    mean = problem.solve(problem.sample(1, seed=5))[0, 0, -1]
    assert float(mean) == pytest.approx(math.exp(variance / 2), rel=1e-5)


def test_media_have_the_moments_of_their_paths() -> None:
    process = StochasticPDEMoments().sample(1, seed=0)["modes"]
    paths = StochasticPDE().solve(many_paths(process, 10_000))[:, 0].double()
    mean, deviation = StochasticPDEMoments().solve({"modes": process})[0].double()
    torch.testing.assert_close(paths.mean(0), mean, atol=0.06, rtol=0)
    torch.testing.assert_close(paths.std(0), deviation, rtol=0.1, atol=1e-6)


def test_a_uniform_medium_bends_a_parabola() -> None:
    inputs = {"modes": torch.full((1, 1, 30), 0.7), "xi": torch.tensor([[-1.0]])}
    x = torch.linspace(0, 1, 30)
    u = StochasticPDE(terms=1, load=2.0).solve(inputs)
    torch.testing.assert_close(u[0, 0], math.exp(0.7) * x * (1 - x))


def test_the_flux_falls_by_the_load() -> None:
    """exp(b) u' = c - f x: a line of slope -f, up to the second order of differences."""
    problem = StochasticPDE(sensors=201)
    inputs = problem.sample(3, seed=0)
    b = problem.path(inputs["modes"].double(), inputs["xi"].double())
    (x,) = problem.line.axes
    flux = b.exp() * first_derivative(problem.solve(inputs)[:, 0].double(), 1, x)
    expected = flux[:, 100:101] - 10 * (x.points() - 0.5)
    assert ((flux - expected).norm(dim=1) < 0.02 * expected.norm(dim=1)).all()


@pytest.mark.parametrize("kind", [StochasticODE, StochasticPDE])
def test_residuals_fall_with_the_square_of_the_spacing(kind: type[StochasticODE | StochasticPDE]) -> None:
    fine = kind(sensors=121).sample(6, seed=1)
    residuals = []
    for every in (8, 4, 2):
        inputs = fine | {"modes": fine["modes"][..., ::every].contiguous()}
        problem = kind(sensors=120 // every + 1)
        residuals.append(float(problem.residual(inputs, problem.solve(inputs)).double().square().mean().sqrt()))
    assert math.log2(residuals[0] / residuals[1]) > 1.5
    assert math.log2(residuals[1] / residuals[2]) > 1.5


def test_processes_have_unit_variance_and_their_length() -> None:
    problem = StochasticPDE(terms=12)
    modes = problem.sample(20, seed=0)["modes"].double()
    assert (modes.square().sum(1) - 1).abs().max() < 0.02
    lengths = problem.labels(20, seed=0)["correlation_length"].double()
    assert 0.2 <= float(lengths.min()) < 0.5
    assert 1.7 < float(lengths.max()) <= 2.0
    apart = (modes[:, :, 0] * modes[:, :, 10]).sum(1)  # 10 / 29 apart
    torch.testing.assert_close(apart, torch.exp(-((10 / 29) ** 2) / (2 * lengths[:, 0] ** 2)), atol=0.02, rtol=0)


@pytest.mark.parametrize("problem", ALL, ids=lambda problem: problem.name)
def test_each_sample_is_solved_as_if_alone(problem: GivenProcess | GivenProcessPath) -> None:
    inputs = problem.sample(4, seed=3)
    alone = {name: values[2:3] for name, values in inputs.items()}
    assert torch.equal(problem.solve(inputs)[2:3], problem.solve(alone))
    assert problem_named(problem.name, problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"correlation lengths \(0\.01, 1\.0\) must ascend from at least 0\.05"):
        StochasticODE(lengths=(0.01, 1.0))
    with pytest.raises(ValueError, match="terms must lie in"):
        StochasticPDE(terms=0)
    with pytest.raises(ValueError, match="Sobol's points come in powers of two, got 1000 paths"):
        StochasticPDEMoments(paths=1000)
