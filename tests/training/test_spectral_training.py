"""Training on coefficients is training on the grid: the same loss, the same gradient, the same weights."""

import copy

import pytest
import torch

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.sampling import WholeFields
from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.layers.perceptron import initialised
from fredholm.layers.transform_bases import NodalCosine, NodalSine, RealFourier
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.transform_once import T1
from fredholm.training import RelativeL2, Settings, fit
from fredholm.training.spectral_training import on_coefficients

GRID = Grid(Axis("x", 0.0, 1.0, 16, periodic=True), Axis("y", 0.0, 2.0, 12))


def samples(n: int) -> Dataset:
    where = DomainType.of(GRID)
    pair = tuple(Quantity(name) for name in "uv")
    signature = Signature({"a": Function(pair, where)}, Function(pair, where))
    generator = torch.Generator().manual_seed(0)
    a, u = (1 + torch.randn(n, 2, *GRID.shape, generator=generator) for _ in range(2))
    u[..., [0, -1]] = 1.0  # what a sine can carry beside the mean
    return Dataset.from_arrays(signature, GRID, {"a": a}, u, input_domains={"a": GRID})


def operator_for(data: Dataset, residual: str | None = None, sine: bool = False) -> GridOperator:
    with initialised(0):
        second = NodalSine() if sine else NodalCosine()
        network = T1(4, 2, (5, 4), 8, 2, [RealFourier(), second])
        operator = GridOperator(data.signature, GRID, network, residual=residual)
        with torch.no_grad():
            network.head.mul_(100)
    everything = torch.arange(len(data))
    return operator.adapted(data.inputs(everything), data.outputs(everything))


@pytest.mark.parametrize("residual", [None, "a"])
@pytest.mark.parametrize("sine", [False, True])
def test_loss_and_gradient_are_those_on_the_grid(residual: str | None, sine: bool) -> None:
    data = samples(6)
    operator = operator_for(data, residual, sine)
    chosen = torch.tensor([4, 0, 3])
    weights = GRID.weights().float().reshape(GRID.shape)
    whole = Batch(data.inputs(chosen), None, data.outputs(chosen), weights, chosen)
    RelativeL2()(operator(whole.inputs), whole).backward()
    expected = [parameter.grad.clone() for parameter in operator.network.parameters()]
    operator.zero_grad()
    spectral = on_coefficients(operator, data)
    batch = Batch(spectral.data.inputs(chosen), None, spectral.data.outputs(chosen), torch.ones(()), chosen)
    loss = spectral.loss(spectral.operator(batch.inputs), batch)
    loss.backward()
    assert float(loss) == pytest.approx(float(RelativeL2()(operator(whole.inputs), whole)), rel=1e-6)
    for parameter, gradient in zip(operator.network.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)


def test_a_run_on_coefficients_ends_with_the_weights_of_a_run_on_the_grid() -> None:
    data = samples(8)
    operator = operator_for(data)
    other = copy.deepcopy(operator)
    spectral = on_coefficients(other, data)
    for trained, on, loss in ((operator, data, RelativeL2()), (spectral.operator, spectral.data, spectral.loss)):
        optimizer = torch.optim.SGD(trained.parameters(), 0.05)
        settings = Settings(seed=1, quiet=True)
        fit(trained, on, sampler=WholeFields(3), iterations=10, optimizer=optimizer, loss=loss, settings=settings)
    given = data.inputs(torch.arange(8))
    torch.testing.assert_close(other(given), operator(given), rtol=1e-4, atol=1e-5)


def test_operators_that_do_not_answer_in_coefficients_are_refused() -> None:
    data = samples(2)
    with pytest.raises(SignatureError, match="FNO works on the grid"):
        on_coefficients(GridOperator(data.signature, GRID, FNO(4, 2, (4, 4), 8, 1)), data)
    network = T1(4, 2, (5, 4), 8, 1, [RealFourier(), NodalCosine()])
    with pytest.raises(SignatureError, match="masked answers"):
        on_coefficients(GridOperator(data.signature, GRID, network, mask="a"), data)
