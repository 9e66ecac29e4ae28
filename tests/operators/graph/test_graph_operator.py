"""Graph operators: padding, sampling, and one answer wherever inputs and queries lie."""

import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Domain, DomainType, Field, Function, Grid, PointCloud, Quantity, Signature, pad_fields
from fredholm.layers.perceptron import initialised
from fredholm.operators.graph import GraphOperator

U = (Quantity("u"),)


def operator_on(domain: Domain, varies: bool = False, everywhere: bool = False, radius: float = 0.4) -> GraphOperator:
    given = Function(U, DomainType.of(domain, varies))
    output = Function(U, DomainType.of(domain, everywhere))
    with initialised(0):
        return GraphOperator(Signature({"a": given}, output), domain, radius, 8, 2, 8).double().eval()


def test_the_same_weights_answer_alike_on_finer_and_finer_grids() -> None:
    def answer(n: int) -> torch.Tensor:
        ring = Grid(Axis("x", 0, 2, n, periodic=True))
        angle = torch.pi * ring.coordinates().T[None]
        return operator_on(ring)({"a": angle.sin() + 0.3 * (2 * angle).cos()})[..., :: n // 16].detach()

    exact = answer(512)
    coarse, fine = ((answer(n) - exact).norm() / exact.norm() for n in (32, 128))
    assert fine < coarse / 12


def test_a_grid_its_points_and_a_cloud_of_each_sample_are_one_function() -> None:
    plane = Grid(Axis("x", 0, 1, 7), Axis("y", 0, 1, 6))
    cloud = PointCloud(plane.coordinates(), ("x", "y"), quadrature=plane.weights())
    values, query = torch.randn(2, 1, 42, dtype=torch.float64), torch.rand(2, 5, 2, dtype=torch.float64)
    expected = operator_on(plane)({"a": values.unflatten(-1, plane.shape)}, query)
    close = {"rtol": 1e-5, "atol": 1e-6}  # coordinates are kept in single precision
    torch.testing.assert_close(operator_on(cloud)({"a": values}, query), expected, **close)
    own = {
        "a": values,
        "a.coordinates": plane.coordinates().expand(2, -1, -1),
        "a.weights": plane.weights().expand(2, -1),
    }
    torch.testing.assert_close(operator_on(cloud, varies=True)(own, query), expected, **close)


def test_padding_never_changes_the_answer() -> None:
    clouds = [PointCloud(torch.rand(n, 2, dtype=torch.float64), ("x", "y")) for n in (9, 14)]
    box = PointCloud(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), ("x", "y"))
    operator = operator_on(box, varies=True, everywhere=True)
    fields = [Field(torch.randn(1, len(c.points)), c, U) for c in clouds]
    together = operator({key: value.double() for key, value in pad_fields("a", fields).items()})
    for i, field in enumerate(fields):
        alone = {key: value.double() for key, value in pad_fields("a", [field]).items()}
        torch.testing.assert_close(operator(alone)[0], together[i, :, : field.domain.size])


def test_it_commutes_with_shifts_of_periodic_grids_where_kernels_do_not_see_the_place() -> None:
    ring = Grid(Axis("x", 0, 2, 16, periodic=True))
    operator = operator_on(ring)
    with torch.no_grad():  # blind to the place: columns of the encoding
        for weight in (operator.lift.weight[:, 1:], operator.head[0].weight[:, 8:]):
            weight.zero_()
        for kernel in (operator.last, *(layer.integral for layer in operator.layers)):
            kernel.kernel[0].weight[:, :2] = 0
    a = torch.randn(1, 1, 16, dtype=torch.float64)
    torch.testing.assert_close(operator({"a": a.roll(3, -1)}), operator({"a": a}).roll(3, -1), rtol=1e-5, atol=1e-6)


def test_refuses_balls_that_meet_themselves() -> None:
    with pytest.raises(SignatureError, match=r"a radius of 1\.5 meets itself on a periodic coordinate of length 2"):
        operator_on(Grid(Axis("x", 0, 2, 16, periodic=True)), radius=1.5)
