"""Fourier coefficients from points: the FFT's on a grid, the same from any density of points, and back."""

import math

import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import DomainType, Function, Grid, Mesh, Parameter, PointCloud, Quantity, Signature
from fredholm.fields.grid import Axis
from fredholm.layers.point_inputs import PointInputs
from fredholm.layers.point_spectral import PointFourierBasis


def lattice(*sizes: int) -> Tensor:
    axes = [torch.arange(n, dtype=torch.float64) / n for n in sizes]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(1, -1, len(sizes))


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_on_a_grid_the_coefficients_are_those_of_the_fft() -> None:
    shape, modes = (12, 10), (6, 4)
    values = drawn(2, 3, *shape)
    ours = PointFourierBasis(lattice(*shape), modes).coefficients(
        values.flatten(2), torch.full((1, 120), 1 / 120, dtype=torch.float64)
    )
    spectrum = torch.fft.fft2(values, norm="forward").roll(3, 2)[:, :, :6, :4]  # k = -3, ..., 2 and 0, ..., 3
    torch.testing.assert_close(torch.complex(*ours.unbind(2)), spectrum.flatten(2))


@pytest.mark.parametrize("modes", [(4,), (6, 4), (4, 2, 3)])
def test_a_function_of_the_kept_frequencies_comes_back_at_any_points(modes: tuple[int, ...]) -> None:
    grid = lattice(*[3 * mode for mode in modes])
    n = grid.shape[1]
    drawn_at_random = drawn(1, 2, 2, *modes)
    for axis in range(len(modes) - 1):
        drawn_at_random.select(3 + axis, 0).zero_()  # the lowest frequency, whose conjugate is not kept
    made = PointFourierBasis(grid, modes).values(drawn_at_random.flatten(3))
    coefficients = PointFourierBasis(grid, modes).coefficients(made, torch.full((1, n), 1 / n, dtype=torch.float64))
    torch.testing.assert_close(PointFourierBasis(grid, modes).values(coefficients), made)
    if len(modes) == 1:
        anywhere = torch.rand(1, 7, 1, dtype=torch.float64)
        interpolated = torch.fft.rfft(made, norm="forward")
        angle = 2 * math.pi * anywhere * torch.arange(interpolated.shape[-1])
        twice = torch.full_like(angle[0, 0], 2.0)
        twice[0] = 1.0
        waves = torch.complex(angle.cos(), angle.sin())[0] * twice
        expected = (interpolated @ waves.T).real
        torch.testing.assert_close(PointFourierBasis(anywhere, modes).values(coefficients), expected)


def test_the_coefficients_do_not_depend_on_where_points_are_dense() -> None:
    t = torch.arange(200, dtype=torch.float64) / 200
    warped = t + 0.1 * torch.sin(2 * math.pi * t)
    spacing = (1 + 0.2 * math.pi * torch.cos(2 * math.pi * t)) / 200

    def function(x: Tensor) -> Tensor:
        return torch.exp(torch.sin(2 * math.pi * x)).reshape(1, 1, -1)

    even = PointFourierBasis(t.reshape(1, -1, 1), (5,)).coefficients(function(t), torch.full_like(t, 1 / 200)[None])
    uneven = PointFourierBasis(warped.reshape(1, -1, 1), (5,)).coefficients(function(warped), spacing[None])
    torch.testing.assert_close(uneven, even)


def cloud_of(*points: list[float]) -> PointCloud:
    return PointCloud(torch.tensor(points), ("x", "y"))


def test_places_lie_in_the_unit_box_and_weights_are_shares_of_it() -> None:
    square = torch.tensor([[1.0, 0.0], [3.0, 0.0], [3.0, 4.0], [1.0, 4.0]])
    mesh = Mesh(square, torch.tensor([[0, 1, 2], [0, 2, 3]]), names=("x", "y"))
    on_mesh = Function((Quantity("u"),), DomainType.of(mesh))
    signature = Signature({"u": on_mesh, "λ": Parameter((Quantity("λ"),))}, on_mesh)
    features, places, weights = PointInputs(signature, mesh)({"u": torch.ones(2, 1, 4), "λ": torch.zeros(2, 1)})
    torch.testing.assert_close(places[0], torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    assert weights.sum().item() == pytest.approx(1.0)
    torch.testing.assert_close(features[1], torch.cat([torch.tensor([[1.0, 0.0]] * 4), places[0]], 1))


def test_normalisers_do_not_see_padding() -> None:
    cloud = cloud_of([0.0, 0.0], [1.0, 1.0])
    varying = Function((Quantity("u"),), DomainType.of(cloud, varies=True))
    signature = Signature({"u": varying, "λ": Parameter((Quantity("λ"),))}, varying)
    inputs = {
        "u": torch.tensor([[[1.0, 3.0, 99.0]]]),
        "u.coordinates": torch.zeros(1, 3, 2),
        "u.weights": torch.tensor([[1.0, 1.0, 0.0]]),
        "λ": torch.tensor([[7.0]]),
    }
    adapted = PointInputs(signature).normalised(inputs)
    torch.testing.assert_close(adapted(inputs)[0][0, :2, 0], torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(adapted.parameter(inputs, "λ"), torch.zeros(1, 1))


def test_inputs_that_have_no_points_in_common_are_refused() -> None:
    grid = DomainType.of(Grid(Axis("x", 0, 1, 4), Axis("y", 0, 1, 4)))
    cloud, other = cloud_of([0.0, 0.0], [1.0, 1.0]), cloud_of([0.0, 0.0], [2.0, 1.0])
    here, there = (Function((Quantity("u"),), DomainType.of(domain)) for domain in (cloud, other))
    with pytest.raises(SignatureError, match="input 'a' lives on a grid"):
        PointInputs(Signature({"a": Function((Quantity("u"),), grid)}, here))
    with pytest.raises(SignatureError, match="inputs 'a' and 'b' live on different points"):
        PointInputs(Signature({"a": here, "b": there}, here), cloud)
    with pytest.raises(SignatureError, match="pass that domain, got None"):
        PointInputs(Signature({"a": here}, here))
    with pytest.raises(SignatureError, match="no input is a function"):
        PointInputs(Signature({"λ": Parameter((Quantity("λ"),))}, here))
