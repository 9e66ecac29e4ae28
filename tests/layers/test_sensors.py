"""Sensors see functions where they say, sample by sample, and linearly."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import OutsideDomainError, SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import DomainType, Function, Parameter, Quantity, Signature
from fredholm.layers.adapted_sensors import Standardised, Whitened, fit_sensors
from fredholm.layers.architecture import build, describe
from fredholm.layers.sensors import Concatenated, FunctionSensors, ImageSensors, ParameterSensors, all_sensors

FINE = Grid(Axis("x", 0.0, 2.0, 21), Axis("y", 0.0, 1.0, 11))
COARSE = Grid(Axis("x", 0.0, 2.0, 4), Axis("y", 0.05, 0.95, 3))


def bilinear(domain: Grid, c: torch.Tensor) -> torch.Tensor:
    x, y = domain.coordinates().float().T
    return c[:, 0:1] + c[:, 1:2] * x + c[:, 2:3] * y + c[:, 3:4] * x * y


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_coarse_sensors_are_exact_for_bilinear_functions(seed: int) -> None:
    c = torch.randn(6, 4, generator=torch.Generator().manual_seed(seed))
    sensors = FunctionSensors("u", FINE, at=COARSE, scale=0.5)
    seen = sensors({"u": bilinear(FINE, c).reshape(6, 1, 21, 11)})
    torch.testing.assert_close(seen, 0.5 * bilinear(COARSE, c), rtol=1e-5, atol=1e-5)


def test_without_sensors_of_their_own_functions_are_seen_everywhere() -> None:
    u = torch.randn(3, 2, 21, 11)
    sensors = FunctionSensors("u", FINE, channels=2)
    assert sensors.width == 2 * 231
    assert torch.equal(sensors({"u": u}), u.flatten(1))


def test_channels_are_seen_one_after_the_other() -> None:
    u = torch.randn(3, 2, 21, 11)
    both = FunctionSensors("u", FINE, COARSE, channels=2)({"u": u})
    single = FunctionSensors("u", FINE, COARSE)
    torch.testing.assert_close(both, torch.cat([single({"u": u[:, :1]}), single({"u": u[:, 1:]})], dim=1))


def test_several_inputs_are_joined_for_each_sample() -> None:
    u, k = torch.randn(5, 1, 21, 11), torch.randn(5, 2)
    joined = Concatenated([FunctionSensors("u", FINE, COARSE), ParameterSensors("k", 2, scale=2.0, shift=1.0)])
    seen = joined({"u": u, "k": k})
    assert seen.shape == (5, joined.width) == (5, 14)
    torch.testing.assert_close(seen[:, 12:], 2 * (k - 1))
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(joined({"u": u[order], "k": k[order]}), seen[order])


def test_a_sensor_outside_the_function_is_refused() -> None:
    with pytest.raises(OutsideDomainError, match=r"point 2 \(x = 0, y = 1.1\)"):
        FunctionSensors("u", FINE, at=Grid(Axis("x", 0.0, 2.1, 3), Axis("y", 0.0, 1.1, 3)))


def smooth_inputs(n: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {"u": bilinear(FINE, torch.randn(n, 4, generator=generator)).reshape(n, 1, 21, 11)}


def test_whitened_coordinates_are_orthogonal_of_mean_square_one() -> None:
    inputs = smooth_inputs(40)
    sensors = Whitened.of(FunctionSensors("u", FINE, COARSE), inputs, rank=4)
    seen = sensors(inputs).double()
    torch.testing.assert_close(seen.T @ seen / 40, torch.eye(4, dtype=torch.float64), rtol=0, atol=1e-4)
    u, v = inputs["u"][:5], inputs["u"][5:10]
    superposed = sensors({"u": 2 * u - 3 * v})
    torch.testing.assert_close(superposed, 2 * sensors({"u": u}) - 3 * sensors({"u": v}), rtol=1e-4, atol=1e-4)


def test_whitening_refuses_directions_that_are_not_there() -> None:
    with pytest.raises(ValueError, match="span 4 directions at the sensors, fewer than the 5"):
        Whitened.of(FunctionSensors("u", FINE, COARSE), smooth_inputs(40), rank=5)


def test_standardised_features_have_mean_zero_and_deviation_one() -> None:
    inputs = {"k": torch.cat([3 + 100 * torch.rand(50, 1), torch.full((50, 1), 7.0)], dim=1)}
    seen = Standardised.of(ParameterSensors("k", 2), inputs)(inputs).double()
    torch.testing.assert_close(seen.mean(0), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-5)
    assert float(seen[:, 0].std(correction=0)) == pytest.approx(1, abs=1e-5)
    assert not seen[:, 1].any()  # constant: centred only


def test_what_was_fitted_is_saved_with_the_weights() -> None:
    """A normaliser estimated again from the data of an evaluation would show the network another input."""
    inputs = smooth_inputs(40)
    for sensors in (
        Whitened.of(FunctionSensors("u", FINE, COARSE), inputs, 3),
        Standardised.of(FunctionSensors("u", FINE, COARSE), inputs),
    ):
        again = build(describe(sensors))
        again.load_state_dict(sensors.state_dict())
        assert torch.equal(again(inputs), sensors(inputs))


def signature(domain: DomainType) -> Signature:
    function = Function((Quantity("u"), Quantity("v")), domain)
    return Signature({"u": function, "k": Parameter((Quantity("k"),))}, function)


def test_all_inputs_are_seen_at_all_their_points() -> None:
    cloud = PointCloud(torch.rand(9, 2, dtype=torch.float64), ("x", "y"))
    for domain in (FINE, cloud):
        sensors = all_sensors(signature(DomainType.of(domain)), domain)
        u = torch.randn(3, 2, *domain.shape)
        assert torch.equal(sensors["u"]({"u": u}), u.flatten(1))
        assert sensors["k"].width == 1


def test_points_of_each_sample_s_own_are_refused() -> None:
    cloud = PointCloud(torch.rand(9, 2, dtype=torch.float64), ("x", "y"))
    with pytest.raises(SignatureError, match="'u' has points of each sample's own"):
        all_sensors(signature(DomainType.of(cloud, varies=True)), cloud)


def test_an_image_holds_parameters_as_constant_channels() -> None:
    image = ImageSensors(signature(DomainType.of(FINE)), FINE)
    u, k = torch.randn(3, 2, 21, 11), torch.randn(3, 1)
    channels = image({"u": u, "k": k}).reshape(3, 3, 21, 11)
    assert torch.equal(channels[:, :2], u)
    assert torch.equal(channels[:, 2], k[:, :, None].expand(3, 21, 11))
    assert (image.width, image.channels, image.shape) == (3 * 231, 3, (21, 11))


def test_sensors_deep_inside_are_fitted() -> None:
    inputs = smooth_inputs(40)
    sensors = Concatenated([Standardised(FunctionSensors("u", FINE, COARSE)), FunctionSensors("u", FINE, COARSE)])
    plain = sensors(inputs)[:, :12]
    fit_sensors(sensors, inputs)
    expected = (plain - plain.mean(0)) / plain.std(0, correction=0)
    torch.testing.assert_close(sensors(inputs)[:, :12], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(sensors(inputs)[:, 12:], plain)
