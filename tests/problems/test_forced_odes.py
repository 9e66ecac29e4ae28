"""Nonlinear ODE and pendulum: closed forms, orders, residuals, run-aways, refusals."""

import math

import pytest
import torch
from torch import Tensor

from fredholm.errors import SolverError
from fredholm.problems import NonlinearODE, Pendulum, problem_named
from fredholm.problems.forced_ode import ForcedODE


def constant(problem: ForcedODE, *values: float) -> dict[str, Tensor]:
    (name,) = problem.signature.inputs
    return {name: torch.tensor(values)[:, None, None].repeat(1, 1, problem.sensors)}


def test_a_constant_force_gives_a_hyperbolic_tangent() -> None:
    """s' = c² - s²: s = c tanh cx."""
    x = torch.linspace(0, 1, 100)
    s = NonlinearODE().solve(constant(NonlinearODE(), 4.0))
    torch.testing.assert_close(s[0, 0], 2 * torch.tanh(2 * x), atol=1e-6, rtol=0)


def test_small_swings_are_those_of_an_oscillator() -> None:
    """s'' = -k s + f: s = f (1 - cos √k t) / k."""
    problem = Pendulum(duration=3.0, stiffness=4.0)
    t = torch.linspace(0, 3, 100)
    angle = problem.solve(constant(problem, 1e-3))
    torch.testing.assert_close(angle[0, 0], 1e-3 * (1 - torch.cos(2 * t)) / 4, atol=1e-9, rtol=0)


def test_a_pendulum_gives_energy_back() -> None:
    """½ s'² = f s - k (1 - cos s) under a constant force: it turns where that is zero again."""
    problem = Pendulum(duration=10.0, sensors=400)
    angle = problem.solve(constant(problem, 0.5))[0, 0].double()
    top = float(angle.max())
    assert 0.5 * top == pytest.approx(1 - math.cos(top), abs=1e-4)


def test_the_force_is_differentiated_back() -> None:
    """Residuals of the reference fall with the square of the sensors' spacing."""
    for kind in (NonlinearODE, Pendulum):
        force = kind(sensors=161).sample(3, seed=0)
        (name,) = force
        residuals = []
        for every in (8, 4, 2):
            problem, inputs = kind(sensors=160 // every + 1), {name: force[name][..., ::every].contiguous()}
            residual = problem.residual(inputs, problem.solve(inputs))
            residuals.append(float(residual.double().square().mean().sqrt()))
        assert residuals[2] < 0.5
        assert math.log2(residuals[0] / residuals[1]) > 1.7, kind
        assert math.log2(residuals[1] / residuals[2]) > 1.7, kind


def test_residuals_of_anything_can_be_lowered_by_gradients() -> None:
    problem = Pendulum(sensors=20)
    inputs = problem.sample(2, seed=0)
    guess = torch.zeros(2, 1, 20, requires_grad=True)
    problem.residual(inputs, guess).square().sum().backward()
    assert guess.grad is not None
    assert torch.isfinite(guess.grad).all()
    assert guess.grad.abs().max() > 0


def test_fourth_order_in_the_sensors() -> None:
    def end(every: int) -> Tensor:
        force = torch.sin(5 * torch.linspace(0, 1, 97, dtype=torch.float64)[::every])
        problem = NonlinearODE(sensors=len(force))
        return torch.from_numpy(problem._states({"u": 3 * force.expand(1, 1, -1)})[0, 0, -1:])

    errors = [float((end(every) - end(1)).abs()) for every in (12, 6, 3)]
    assert math.log2(errors[0] / errors[1]) > 3.5
    assert math.log2(errors[1] / errors[2]) > 3.5


def test_forces_that_run_away_are_drawn_again() -> None:
    problem = NonlinearODE(correlation_length=1.0)
    drawn = problem.sample(600, seed=0)
    assert problem.solve(drawn).min() > -20
    first = torch.cat([problem._draw([g]) for g in map(_generator, range(600))])
    again = (first != drawn["u"]).flatten(1).any(1)
    assert 0 < int(again.sum()) < 60
    with pytest.raises(SolverError):
        problem.solve({"u": first[again]})


def _generator(i: int) -> torch.Generator:
    from fredholm.problems.problem import generator_of

    return generator_of(0, i)


def test_a_solution_that_runs_away_is_named() -> None:
    with pytest.raises(SolverError, match=r"sample 1 .* falls below -20 at x = 0\.\d+, on its way to -∞"):
        NonlinearODE().solve(constant(NonlinearODE(), 1.0, -9.0))


def test_longer_times_have_more_of_the_same_force() -> None:
    u = Pendulum(duration=5.0, sensors=500).sample(300, seed=0)["force"][:, 0].double()
    near = float((u[:, 0] * u[:, 20]).mean())  # 0.2 apart, a correlation length
    assert near == pytest.approx(math.exp(-0.5), abs=0.15)
    assert abs(float((u[:, 0] * u[:, 250]).mean())) < 0.2


@pytest.mark.parametrize("problem", [NonlinearODE(sensors=50), Pendulum(duration=3.0)], ids=lambda p: p.name)
def test_each_sample_is_solved_as_if_alone(problem: ForcedODE) -> None:
    inputs = problem.sample(5, seed=3)
    (name,) = inputs
    assert torch.equal(problem.solve(inputs)[3:4], problem.solve({name: inputs[name][3:4]}))
    assert problem_named(problem.name, problem.parameters()) == problem


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"10 sensors are 0\.111 apart and do not resolve a correlation length of 0\.05"
    ):
        NonlinearODE(sensors=10, correlation_length=0.05)
    with pytest.raises(ValueError, match="stiffness must be finite and not negative, got -1"):
        Pendulum(stiffness=-1.0)
    with pytest.raises(ValueError, match="do not resolve swings of stiffness 100000"):
        Pendulum(stiffness=1e5)
    with pytest.raises(ValueError, match="duration must be positive and finite, got 0"):
        Pendulum(duration=0.0)
