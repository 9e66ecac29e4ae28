"""Closed forms are optimal: no modes of their rank are better, and linear operators are met exactly."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.data.dataset import Dataset
from fredholm.errors import DataError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators import DeepONet
from fredholm.operators.deeponet import (
    LinearBranch,
    NetworkBranch,
    NetworkTrunk,
    ProperOrthogonalDecomposition,
    Split,
    SplitBoth,
    SplitBranch,
    SplitTrunk,
    fit_linear_branch,
    fit_pod_linear,
)
from fredholm.problems import Antiderivative

LINE = Grid(Axis("x", 0.0, 1.0, 40))
SENSORS = FunctionSensors("u", LINE)


def linear_data(samples: int, channels: int = 1, seed: int = 0) -> Dataset:
    """Antiderivatives s(y) = ∫₀ʸ u by the trapezoidal rule, and another linear operator as second channel."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.randn(samples, 1, 40, generator=generator)
    steps = (u[..., 1:] + u[..., :-1]) / 2 * LINE.axes[0].spacing
    s = torch.cat([torch.zeros(samples, 1, 1), steps.cumsum(-1)], dim=-1)
    outputs = torch.cat([s, s.flip(-1) - u / 5], dim=1)[:, :channels]
    quantities = tuple(Quantity(name) for name in ("s", "r")[:channels])
    line = DomainType.of(LINE)
    signature = Signature({"u": Function((Quantity("u"),), line)}, Function(quantities, line))
    return Dataset.from_arrays(signature, LINE, {"u": u}, outputs, input_domains={"u": LINE})


def fields(data: Dataset) -> torch.Tensor:
    return data.outputs(torch.arange(len(data))).double().flatten(2)


def squared_error(values: torch.Tensor, data: Dataset) -> float:
    return float(LINE.integrate((values.detach().double().flatten(2) - fields(data)).square()).sum())


def best_squared_error(data: Dataset, rank: int) -> float:
    """Sum of the squared singular values left out, computed apart: from the Gram matrix of the samples."""
    weighted = (fields(data) * LINE.weights().sqrt()).flatten(1)
    return float(torch.linalg.eigvalsh(weighted @ weighted.T)[:-rank].clamp_min(0).sum())


def test_modes_are_orthonormal_in_the_quadrature() -> None:
    pod = ProperOrthogonalDecomposition.of(linear_data(30, channels=2), rank=12)
    gram = (pod.modes * LINE.weights().repeat(2)) @ pod.modes.T
    torch.testing.assert_close(gram, torch.eye(12, dtype=torch.float64), rtol=0, atol=1e-12)
    assert bool((pod.singular_values.diff() <= 0).all())


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 15), st.integers(0, 10**6))
def test_no_basis_of_the_same_rank_is_better(rank: int, seed: int) -> None:
    """Eckart and Young: Σ ‖s - P s‖² is the sum of the squared singular values left out, the least of all bases."""
    data = linear_data(25, seed=seed)
    pod = ProperOrthogonalDecomposition.of(data, rank)
    error = squared_error((pod.coefficients @ pod.modes).unsqueeze(1), data)
    assert error == pytest.approx(best_squared_error(data, rank), rel=1e-9, abs=1e-12)
    other = torch.randn(rank, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    scale = LINE.weights().sqrt()
    fitted = torch.linalg.lstsq((other * scale).T, (fields(data)[:, 0] * scale).T).solution.T @ other
    assert squared_error(fitted.unsqueeze(1), data) >= error


def test_rank_ends_with_the_fields() -> None:
    one = torch.sin(LINE.coordinates()[:, 0]).expand(5, 1, -1) * torch.arange(1, 6)[:, None, None]
    assert len(ProperOrthogonalDecomposition.of_fields(one, LINE.weights(), rank=4).singular_values) == 1
    nothing = ProperOrthogonalDecomposition.of_fields(0 * one, LINE.weights(), rank=4)
    assert not (nothing.coefficients @ nothing.modes).any()


@pytest.mark.parametrize("rank", [3, 10, 25])
def test_a_linear_operator_is_met_at_the_best_error_of_the_rank(rank: int) -> None:
    """More samples than sensors: the map from sensors to coefficients is determined, and it is the operator's."""
    data = linear_data(120)
    operator = fit_pod_linear(data, SENSORS, rank, ridge=1e-16)
    error = squared_error(operator(data.inputs(torch.arange(120))), data)
    assert abs(error - best_squared_error(data, rank)) / 120 < 1e-10


def test_a_linear_operator_is_met_on_functions_never_seen() -> None:
    train, test = linear_data(120), linear_data(50, seed=1)
    operator = fit_pod_linear(train, SENSORS, rank=40, ridge=1e-16)
    relative = squared_error(operator(test.inputs(torch.arange(50))), test) / squared_error(torch.zeros(1, 1, 40), test)
    assert relative**0.5 < 1e-5  # float32 all through the evaluation


def test_smooth_functions_never_seen_need_few_modes() -> None:
    problem = Antiderivative()
    u, v = problem.sample(150, seed=0), problem.sample(30, seed=1)
    sensors = FunctionSensors("u", problem.line)
    train = Dataset.from_arrays(problem.signature, problem.line, u, problem.solve(u))
    predicted, truth = fit_pod_linear(train, sensors, rank=12)(v).detach(), problem.solve(v)
    assert float((predicted - truth).norm() / truth.norm()) < 1e-3


@pytest.mark.parametrize("tolerance", [None, 1e-4, 1e-2])
def test_compressed_modes_cost_what_their_tolerance_says(tolerance: float | None) -> None:
    data = linear_data(120, channels=2)
    exact, operator = (fit_pod_linear(data, SENSORS, 20, tolerance=t) for t in (None, tolerance))
    inputs = data.inputs(torch.arange(120))
    with torch.no_grad():
        difference = (operator(inputs) - exact(inputs)).norm() / exact(inputs).norm()
    assert float(difference) <= 2 * (tolerance or 1e-7)


def test_the_scale_of_the_ridge_is_that_of_the_sensors() -> None:
    data = linear_data(60)
    louder = FunctionSensors("u", LINE, scale=1000.0)
    inputs = data.inputs(torch.arange(60))
    operators = [fit_pod_linear(data, sensors, 10, ridge=1e-3) for sensors in (SENSORS, louder)]
    torch.testing.assert_close(*(operator(inputs) for operator in operators), rtol=1e-4, atol=1e-5)


def fixed_trunk(split: Split, branch_width: int, trunk_width: int, data: Dataset) -> DeepONet:
    with initialised(0):
        trunk = NetworkTrunk(MLP([1, 30, trunk_width], torch.nn.Tanh()), trunk_width)
        for layer in trunk.network.layers:
            torch.nn.init.normal_(layer.weight, std=3.0)
            torch.nn.init.normal_(layer.bias, std=3.0)
    return DeepONet(data.signature, LINE, LinearBranch(SENSORS, branch_width), trunk, split, bias=False)


@pytest.mark.parametrize(
    ("split", "branch", "trunk"), [(SplitBoth(), 10, 10), (SplitBranch(), 10, 5), (SplitTrunk(), 5, 10)]
)
def test_a_branch_is_fitted_best_for_the_trunk_it_gets(split: Split, branch: int, trunk: int) -> None:
    """At the optimum the misfit is orthogonal to every change of the branch: its gradient vanishes."""
    data = linear_data(120, channels=2)
    operator = fixed_trunk(split, branch, trunk, data).double()
    fit_linear_branch(operator, data, ridge=0.0)
    inputs = {"u": data.inputs(torch.arange(120))["u"].double()}
    misfit = (operator(inputs).flatten(2) - fields(data)).square() * LINE.weights()
    misfit.sum().backward()
    before = fixed_trunk(split, branch, trunk, data).double()
    torch.nn.init.normal_(before.branch.weight, std=0.1)
    ((before(inputs).flatten(2) - fields(data)).square() * LINE.weights()).sum().backward()
    assert float(operator.branch.weight.grad.norm()) < 1e-8 * float(before.branch.weight.grad.norm())


def test_two_steps_with_the_modes_as_trunk_are_the_one_step_fit() -> None:
    data = linear_data(120)
    operator = fit_pod_linear(data, SENSORS, 8)
    expected = operator.branch.weight.detach().clone()
    operator.branch.weight.data.zero_()
    fit_linear_branch(operator, data)
    torch.testing.assert_close(operator.branch.weight.detach(), expected, rtol=1e-3, atol=1e-5)


def test_what_has_no_closed_form_is_refused() -> None:
    data = linear_data(10)
    nonlinear = NetworkBranch(SENSORS, MLP([40, 5], torch.nn.ReLU()), 5)
    trunk = NetworkTrunk(MLP([1, 5], torch.nn.ReLU()), 5)
    with pytest.raises(ValueError, match="needs a LinearBranch, no bias"):
        fit_linear_branch(DeepONet(data.signature, LINE, nonlinear, trunk, bias=False), data)
    with pytest.raises(ValueError, match="needs a LinearBranch, no bias"):
        fit_linear_branch(DeepONet(data.signature, LINE, LinearBranch(SENSORS, 5), trunk), data)
    triples = Dataset.from_arrays(
        data.signature, LINE, data.inputs(torch.arange(10)), torch.zeros(10, 1, 3), query=torch.rand(10, 3, 1)
    )
    with pytest.raises(DataError, match="query points of their own"):
        fit_pod_linear(triples, SENSORS, 3)
    inputs = data.inputs(torch.arange(10))
    nothing = Dataset.from_arrays(data.signature, LINE, inputs, torch.zeros(10, 1, 40))
    with pytest.raises(DataError, match="all outputs of the data set are zero"):
        fit_pod_linear(nothing, SENSORS, 3)
