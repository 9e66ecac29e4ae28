"""Transformers between functions: padding, sampling, and one answer wherever inputs and queries lie."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Domain, DomainType, Field, Function, Grid, PointCloud, Quantity, Signature, pad_fields
from fredholm.layers.perceptron import initialised
from fredholm.operators.attention import AttentionKind, LinearKernel, SoftmaxKernel, TransformerOperator

KINDS = pytest.mark.parametrize("kind", [LinearKernel(), SoftmaxKernel()])
U = (Quantity("u"),)


def operator_on(
    domain: Domain, kind: AttentionKind, varies: bool = False, everywhere: bool = False
) -> TransformerOperator:
    given = Function(U, DomainType.of(domain, varies))
    output = Function(U, DomainType.of(domain, everywhere))
    with initialised(0):
        return TransformerOperator(Signature({"a": given}, output), domain, 16, 2, 2, kind).double().eval()


def torus(n: int) -> Grid:
    return Grid(*(Axis(name, 0, 2, n, periodic=True) for name in "xy"))


@KINDS
def test_the_same_weights_answer_alike_on_finer_and_finer_grids(kind: AttentionKind) -> None:
    def answer(n: int) -> torch.Tensor:
        ring = Grid(Axis("x", 0, 2, n, periodic=True))
        angle = torch.pi * ring.coordinates().T[None]
        return operator_on(ring, kind)({"a": angle.sin() + 0.3 * (3 * angle).cos()})[..., :: n // 16].detach()

    exact = answer(256)
    coarse, fine = ((answer(n) - exact).norm() / exact.norm() for n in (16, 64))
    assert fine < 1e-6
    assert fine < coarse / 1000  # periodic quadrature of smooth functions


@KINDS
def test_a_grid_and_its_points_as_a_cloud_are_one_function(kind: AttentionKind) -> None:
    plane = Grid(Axis("x", 0, 1, 7), Axis("y", 0, 1, 6))
    cloud = PointCloud(plane.coordinates(), ("x", "y"), quadrature=plane.weights())
    values, query = torch.randn(2, 1, 42, dtype=torch.float64), torch.rand(5, 2, dtype=torch.float64)
    on_grid = operator_on(plane, kind)({"a": values.unflatten(-1, plane.shape)}, query)
    torch.testing.assert_close(operator_on(cloud, kind)({"a": values}, query), on_grid)


@KINDS
def test_padding_never_changes_the_answer(kind: AttentionKind) -> None:
    clouds = [PointCloud(torch.rand(n, 2, dtype=torch.float64), ("x", "y")) for n in (9, 14)]
    box = PointCloud(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), ("x", "y"))
    operator = operator_on(box, kind, varies=True, everywhere=True)
    fields = [Field(torch.randn(1, len(c.points)), c, U) for c in clouds]
    both = {key: value.double() for key, value in pad_fields("a", fields).items()}
    together = operator(both)
    assert together.shape == (2, 1, 14)
    for i, field in enumerate(fields):
        alone = {key: value.double() for key, value in pad_fields("a", [field]).items()}
        n = field.domain.size
        torch.testing.assert_close(operator(alone)[0], together[i, :, :n])


def test_refuses_outputs_in_another_space() -> None:
    line = Grid(Axis("x", 0, 1, 9))
    plane = Grid(Axis("x", 0, 1, 9), Axis("y", 0, 1, 9))
    signature = Signature({"a": Function(U, DomainType.of(line))}, Function(U, DomainType.of(plane)))
    with pytest.raises(SignatureError, match=r"the inputs have the coordinates \['x'\], the output \['x', 'y'\]"):
        TransformerOperator(signature, plane)


def test_adapted_to_data_it_starts_at_their_scale() -> None:
    operator = operator_on(torus(8), LinearKernel()).float()
    inputs = {"a": 3 + 5 * torch.randn(20, 1, 8, 8)}
    outputs = 100 + 7 * torch.randn(20, 1, 8, 8)
    adapted = operator.adapted(inputs, outputs)
    values = adapted(inputs)
    assert abs(float(values.detach().mean()) - 100) < 7
    features = adapted.inputs.sampled(inputs).values
    assert abs(float(features.mean())) < 1e-5
    assert float(features.std()) == pytest.approx(1, abs=1e-3)
