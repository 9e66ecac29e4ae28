"""Derivatives by forward mode are derivatives, and residuals vanish for solutions."""

import math

import pytest
import torch
from torch import Tensor, nn

from fredholm.data.sampling import CartesianPoints
from fredholm.data.simulation import simulate
from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators import Operator
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk
from fredholm.operators.output_transform import Vanishing
from fredholm.problems import AdvectionInitial, AdvectionVelocity, Burgers, DiffusionReaction
from fredholm.problems.pointwise import values_along
from fredholm.training import Settings, adam, fit
from fredholm.training.physics import FixedTermWeights, Prescribed, Residuals, jet, operator_jet


def _operator(problem: DiffusionReaction, seed: int = 0, hard: bool = True) -> DeepONet:
    with initialised(seed):
        branch = NetworkBranch(FunctionSensors("source", problem.line), MLP([problem.points, 32, 32], nn.Tanh()), 32)
        trunk = NetworkTrunk(MLP([2, 32, 32], nn.Tanh(), nn.Tanh()), 32)
        sides = Vanishing([(0, 0.0), (0, 1.0), (1, 0.0)], units=[1.0, 1.0]) if hard else None
        return DeepONet(problem.signature, problem.output_domain, branch, trunk, transform=sides)


def test_jets_equal_double_backward() -> None:
    network = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)).double()
    points = torch.rand(5, 2, dtype=torch.float64)
    found = jet(network, points, [(0,), (1,), (0, 0), (1, 0), (0, 1, 1)])
    y = points.clone().requires_grad_()

    def slope(values: Tensor, axis: int) -> Tensor:
        return torch.autograd.grad(values.sum(), y, create_graph=True)[0][:, axis : axis + 1]

    u = network(y)
    expected = {
        (): u,
        (0,): slope(u, 0),
        (1,): slope(u, 1),
        (0, 0): slope(slope(u, 0), 0),
        (0, 1): slope(slope(u, 0), 1),
        (0, 1, 1): slope(slope(slope(u, 0), 1), 1),
    }
    assert set(found) == set(expected)
    for partial, values in expected.items():
        torch.testing.assert_close(found[partial], values, rtol=1e-10, atol=1e-12)


def test_jets_equal_finite_differences() -> None:
    points = torch.tensor([[0.3, 0.8], [1.1, -0.4]], dtype=torch.float64)

    def function(y: Tensor) -> Tensor:
        return torch.sin(3 * y[:, 0]) * torch.exp(y[:, 1])

    found = jet(function, points, [(0, 0), (1,)])
    step = torch.tensor([1e-4, 0.0], dtype=torch.float64)
    second = (function(points + step) - 2 * function(points) + function(points - step)) / 1e-8
    torch.testing.assert_close(found[(0, 0)], second, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found[(1,)], function(points))


def test_the_trunk_once_is_the_operator_each_time() -> None:
    problem = DiffusionReaction(points=20, times=10)
    operator, inputs, points = _operator(problem), problem.sample(3, seed=0), torch.rand(7, 2)
    partials = [(0,), (1,), (0, 0)]
    once = operator_jet(operator, inputs, points, partials)
    each = jet(lambda query: operator(inputs, query).movedim(-1, 0), points, partials)
    for partial, values in once.items():
        torch.testing.assert_close(values, each[partial].movedim(0, -1), rtol=1e-4, atol=1e-5)


def test_a_hard_constraint_holds_whatever_the_weights() -> None:
    problem = DiffusionReaction(points=20, times=10)
    at = torch.tensor([[0.0, 0.4], [1.0, 0.7], [0.3, 0.0]])
    for seed in range(2):
        assert not _operator(problem, seed)(problem.sample(2, seed=1), at).any()


def test_functions_on_a_ring_close() -> None:
    ring = Grid(Axis("x", 0.0, 1.0, 4, periodic=True))
    values = torch.tensor([[[0.0, 1.0, 2.0, 3.0]]])
    found = values_along(ring, values, torch.tensor([0.0, 0.125, 0.875, 1.0]))
    torch.testing.assert_close(found, torch.tensor([[[0.0, 0.5, 1.5, 0.0]]]))


class _Exact(Operator):
    """Answers what a formula says."""

    queries = Operator.build(DiffusionReaction().signature, "deeponet/small", DiffusionReaction().output_domain).queries

    def __init__(self, like: Operator, formula: object) -> None:
        super().__init__(like.signature, like.output_domain)
        self.formula = formula

    def forward(self, inputs: dict[str, Tensor], query: Tensor | None = None) -> Tensor:
        return self.formula(inputs, query)  # type: ignore[operator]


def test_residuals_vanish_for_solutions() -> None:
    points = torch.rand(9, 2)
    advection = AdvectionInitial()
    like = Operator.build(advection.signature, "deeponet/small", advection.output_domain)
    wave = _Exact(like, lambda u, y: torch.sin(2 * math.pi * (y[:, 0] - y[:, 1])).expand(2, 1, -1))
    x = advection.line.axes[0].points().float()
    inputs = {"initial": torch.sin(2 * math.pi * x).expand(2, 1, -1)}
    rest = Residuals(wave, advection, [Prescribed(axis=1, at=0.0, value="initial")])(inputs, points)
    assert float(rest[:, 0].abs().max()) < 1e-5
    assert float(rest[:, 1].abs().max()) < 1e-3  # between its points the input is linear
    wrong = {"initial": torch.cos(2 * math.pi * x).expand(2, 1, -1)}
    assert float(Residuals(wave, advection, [Prescribed(1, 0.0, "initial")])(wrong, points)[:, 1].abs().max()) > 0.5

    burgers = Burgers(points=32)  # u = x / (1 + t) has u_t = -u / (1 + t), u_x = 1 / (1 + t), and no u_xx
    found = jet(lambda y: y[:, :1] / (1 + y[:, 1:]), points, burgers.partials)
    found = {partial: values.T[None] for partial, values in found.items()}
    assert float(burgers.balance(found, points, {}).abs().max()) < 1e-6


def test_the_residual_at_points_is_that_of_differences() -> None:
    problem = AdvectionVelocity(points=200, times=200, periodic=True)
    inputs = problem.sample(2, seed=0)
    truth = problem.solve(inputs)

    def surface(u: dict[str, Tensor], y: Tensor) -> Tensor:  # one that is no solution
        return torch.sin(2 * math.pi * y[..., 0]).mul(torch.cos(y[..., 1])).expand(2, 1, *y.shape[:-1])

    grid = problem.output_domain.coordinates().float()
    like = Operator.build(problem.signature, "deeponet/small", problem.output_domain)
    rest = Residuals(_Exact(like, surface), problem)(inputs)
    field = surface(inputs, grid).unflatten(-1, problem.output_domain.shape)
    differences = problem.residual(inputs, field)
    inside = (..., slice(1, -1))
    assert float((rest - differences)[inside].abs().max()) < 5e-3 * float(rest.abs().max())
    assert truth.shape == rest.shape


def test_what_cannot_be_prescribed_is_refused() -> None:
    problem = DiffusionReaction(points=20, times=10)
    with pytest.raises(SignatureError, match="'sauce', prescribed at coordinate 1 = 0, is no input function"):
        Residuals(_operator(problem), problem, [Prescribed(1, 0.0, "sauce")])


@pytest.mark.slow
def test_equations_alone_train_an_operator() -> None:
    problem = DiffusionReaction(points=20, times=20)
    operator = _operator(problem)
    rest = Residuals(operator, problem)
    test = simulate(problem, 10, seed=1)
    truth, inputs = test.outputs(torch.arange(10)), test.inputs(torch.arange(10))

    def error() -> float:
        with torch.no_grad():
            return float((operator(inputs) - truth).norm() / truth.norm())

    before = error()
    fit(
        rest,
        rest.data(problem.sample(100, seed=0)),
        sampler=CartesianPoints(32, 48),
        iterations=400,
        optimizer=adam(rest, 3e-3),
        loss=FixedTermWeights([1.0]),
        settings=Settings(quiet=True),
    )
    assert before > 0.9
    assert error() < 0.4
