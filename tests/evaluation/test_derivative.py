"""Derivatives of operators: linear maps give themselves back, adjoints are adjoint, singular values are known ones."""

import math
from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from fredholm.data import Dataset
from fredholm.evaluation.derivative import Derivative, central_difference, inner, norm
from fredholm.evaluation.diagnostics import diagnose
from fredholm.evaluation.spectrum_error import errors_by_band
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.fields.domain import Domain
from fredholm.operators import Operator
from fredholm.operators.catalogue import OPERATORS
from fredholm.operators.operator import Query
from fredholm.problems import Antiderivative, Darcy, LogNormal, Poisson
from fredholm.training.recipes import recipe_named

LINE = Grid(Axis("x", 0.0, 2.0, 41))
ON_LINE = Function((Quantity("u"),), DomainType.of(LINE))


class Pointwise(Operator):
    """U ↦ u³ / 3 + K u, K a matrix."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, cubic: float, kernel: Tensor, domain: Domain = LINE) -> None:
        super().__init__(Signature({"u": ON_LINE}, ON_LINE), domain)
        self.cubic, self.kernel = cubic, kernel

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        u = inputs["u"]
        return self.cubic * u**3 / 3 + u @ self.kernel.T


def functions(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 1, 41, generator=torch.Generator().manual_seed(seed))


def test_products_are_those_of_calculus() -> None:
    kernel, u = torch.randn(41, 41) / 6, functions(1)
    derivative = Derivative(Pointwise(1.0, kernel), {"u": u}, "u", LINE)
    change = functions(4, seed=1)
    expected = u**2 * change + change @ kernel.T
    torch.testing.assert_close(derivative.apply(change), expected, rtol=1e-4, atol=1e-5)
    differences = central_difference(Pointwise(1.0, kernel), {"u": u}, "u", change, step=0.01)
    torch.testing.assert_close(differences, expected, rtol=2e-2, atol=2e-3)


def test_central_differences_are_of_second_order() -> None:
    u, change = functions(1).double(), functions(3, seed=1).double()
    exact = change * torch.cos(3 * u) * 3
    errors = [
        float((central_difference(lambda i: torch.sin(3 * i["u"]), {"u": u}, "u", change, step) - exact).norm())
        for step in (0.1, 0.05, 0.025)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)
    assert math.log2(errors[1] / errors[2]) == pytest.approx(2, abs=0.05)


GRID_OPERATORS = ["deeponet", "fno", "tfno", "t1", "mgno", "lsm", "unet", "local-no", "transformer", "gno", "resnet"]


@pytest.mark.parametrize("name", GRID_OPERATORS)
def test_the_adjoint_is_adjoint_and_both_agree_with_differences(name: str) -> None:
    assert name in OPERATORS
    problem = Darcy(points=16)
    inputs = problem.sample(4, seed=0)
    operator = Operator.build(problem.signature, f"{name}/tiny", problem.output_domain)
    operator = operator.adapted(inputs, problem.solve(inputs)).eval()
    operator = operator.double()  # some slopes are so small that single precision holds only their rounding
    point = {key: values.double() for key, values in problem.sample(1, seed=1).items()}
    derivative = Derivative(operator, point, "coefficient", problem.grid)
    generator = torch.Generator().manual_seed(2)
    v, w = torch.randn(2, 3, 1, 16, 16, generator=generator, dtype=torch.float64)
    forward = inner(derivative.apply(v), w, problem.grid)
    torch.testing.assert_close(forward, inner(v, derivative.adjoint(w), problem.grid), rtol=1e-5, atol=1e-12)
    with torch.no_grad():
        differences = central_difference(operator, point, "coefficient", v, step=1e-5)
    torch.testing.assert_close(derivative.apply(v), differences, rtol=1e-4, atol=1e-5 * float(differences.abs().max()))


def integration(points: int) -> tuple[Grid, Tensor]:
    """The trapezoidal rule from 0 to every point of [0, 2], which is its own kind of Pointwise."""
    line = Grid(Axis("x", 0.0, 2.0, points))
    kernel = torch.ones(points, points).tril() - 0.5 * torch.eye(points)
    kernel[:, 0] /= 2
    kernel[0] = 0
    return line, kernel * 2.0 / (points - 1)


@pytest.mark.parametrize("points", [41, 81])
def test_singular_values_are_those_of_the_integral_on_any_grid(points: int) -> None:
    # of the antiderivative on [0, 2]: 4 / ((2 k - 1) π), with cosines and sines of quarter waves
    line, kernel = integration(points)
    triples = Derivative(Pointwise(0.0, kernel, line), {"u": torch.zeros(1, 1, points)}, "u", line).leading(4)
    expected = torch.tensor([4 / ((2 * k - 1) * math.pi) for k in (1, 2, 3, 4)], dtype=torch.float64)
    torch.testing.assert_close(triples.values, expected, rtol=1e-2, atol=0)
    quarter = torch.cos(math.pi * line.coordinates()[:, 0] / 4).float().reshape(1, 1, -1)
    assert abs(float(inner(triples.inputs[:1], quarter, line) / norm(quarter, line))) == pytest.approx(1, abs=1e-3)


def test_singular_functions_are_orthonormal_and_map_to_each_other() -> None:
    derivative = Derivative(Pointwise(1.0, torch.randn(41, 41) / 6), {"u": functions(1)}, "u", LINE)
    triples = derivative.leading(5)
    weights = LINE.weights().float()
    for side in (triples.inputs, triples.outputs):
        gram = torch.einsum("icx,jcx,x->ij", side, side, weights)
        torch.testing.assert_close(gram, torch.eye(5), atol=1e-3, rtol=0)
    mapped = derivative.apply(triples.inputs)
    expected = triples.outputs * triples.values.float().reshape(-1, 1, 1)
    torch.testing.assert_close(mapped, expected, atol=5e-3 * float(expected.abs().max()), rtol=0)
    torch.testing.assert_close(norm(mapped, LINE), triples.values, rtol=1e-3, atol=0)


def test_what_does_not_change_has_no_singular_values() -> None:
    still = Derivative(Pointwise(0.0, torch.zeros(41, 41)), {"u": functions(1)}, "u", LINE)
    assert still.leading(3).values.tolist() == [0, 0, 0]


def test_each_octave_sees_its_own_error() -> None:
    ring = Grid(Axis("x", 0.0, 1.0, 64, periodic=True))
    x = ring.coordinates()[:, 0].float()
    waves = {k: torch.sin(2 * math.pi * k * x).reshape(1, 1, -1) for k in (1, 3, 12)}
    truth = waves[1] + waves[3] + 0.5 * waves[12]
    found = errors_by_band(waves[1] + 0.9 * waves[3], truth, ring)
    assert [(band.lower, band.upper) for band in found] == [(1, 2), (2, 4), (8, 16)]
    assert [band.error for band in found] == pytest.approx([0, 0.1, 1], abs=1e-5)
    assert [band.share for band in found] == pytest.approx([1 / 2.25, 1 / 2.25, 0.25 / 2.25], rel=1e-4)


def test_all_octaves_together_are_the_whole_error() -> None:
    truth, guess = torch.randn(2, 3, 2, 12, 9, generator=torch.Generator().manual_seed(0))
    plane = Grid(Axis("x", 0.0, 1.0, 12, periodic=True), Axis("y", 0.0, 1.0, 9))
    found = errors_by_band(guess, truth, plane)
    assert sum(band.share for band in found) == pytest.approx(1)
    whole = float((guess - truth).square().sum() / truth.square().sum())
    assert sum(band.share * band.error**2 for band in found) == pytest.approx(whole, rel=1e-5)


def fitted(
    problem: Darcy | Poisson | Antiderivative, recipe: str, iterations: int | None = None
) -> tuple[Operator, Dataset]:
    train, test = (
        Dataset.from_arrays(
            problem.signature, problem.output_domain, u, problem.solve(u), input_domains=problem.input_domains
        )
        for u in (problem.sample(100, 0), problem.sample(16, 1))
    )
    return recipe_named(recipe).fit(train, iterations=iterations).operator, test


def test_a_linear_problem_and_its_linear_surrogate_are_known_as_such() -> None:
    problem = Antiderivative(sensors=40)
    operator, test = fitted(problem, "pod-linear")
    found = diagnose(operator, test, problem)
    superposition, reciprocity = found.defects
    assert superposition.operator < 1e-4
    assert superposition.reference is not None
    assert superposition.reference < 1e-4
    assert reciprocity.reference is not None
    assert reciprocity.reference > 0.01  # causes come before effects: not symmetric
    (slopes,) = found.slopes
    assert slopes.error is not None
    assert slopes.error < 0.05
    # the integral's norm is 2 / π; the surrogate reads twelve points, and answers what lies between them with nonsense
    assert slopes.gains is not None
    assert max(slopes.gains) < 1.01 * 2 / math.pi < slopes.singular_values[0]


def test_a_surrogate_with_small_errors_may_have_wrong_slopes_and_is_told_so() -> None:
    problem = Darcy(points=16, medium=LogNormal())
    operator, test = fitted(problem, "fno/tiny", iterations=60)
    found = diagnose(operator, test, problem)
    assert found.slopes[0].error is not None
    assert found.slopes[0].error > 0.1
    assert found.defects[0].reference is not None
    assert found.defects[0].reference > 0.001  # the pressure is not linear in the coefficient
    assert list(found.resolutions) == ["16 x 16", "32 x 32"]  # 8 x 8 points do not hold its modes
    assert found.to_json()["slopes"][0]["name"] == "coefficient"


def test_without_a_problem_the_operator_is_looked_at_by_itself() -> None:
    operator, test = fitted(Antiderivative(sensors=40), "pod-linear")
    found = diagnose(operator, test)
    assert found.slopes[0].error is None
    assert all(defect.reference is None for defect in found.defects)
    assert found.bands
    assert not found.resolutions
