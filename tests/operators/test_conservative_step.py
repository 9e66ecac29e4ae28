"""What a conservative step promises, whatever network is inside: mass, constants, signs, the order of its parts."""

import json
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from fredholm.deploy.backend import OnnxRuntimeBackend, session, to_onnx
from fredholm.deploy.onnx_export import compare, graphs_of
from fredholm.errors import SignatureError
from fredholm.evaluation.rollout import rollout, skill
from fredholm.fields.signature import Inputs
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators import Operator
from fredholm.operators.conservative_step import ConservativeStep
from fredholm.operators.flux_scheme import FluxScheme
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.mass_fixer import MassFixer, Scale, Shift
from fredholm.operators.output_transform import Rescaled
from fredholm.problems import TracerTransport

PROBLEM = TracerTransport(latitudes=16, longitudes=32, spin_up_days=1.0)
FLUX = FluxScheme("surface_flux", PROBLEM.flux_to_increment)
FIXERS = [Shift("cell_area"), Scale("cell_area")]


@pytest.fixture(autouse=True)
def every_network_is_the_same() -> Iterator[None]:
    with initialised(0):
        yield


def inputs_of(n: int, dtype: torch.dtype = torch.float64) -> Inputs:
    return {name: values.to(dtype) for name, values in PROBLEM.sample(n, seed=0).items()}


def network(family: str = "sphere-unet/tiny") -> Operator:
    return Operator.build(PROBLEM.signature, family, PROBLEM.output_domain)


def fitted(step: ConservativeStep) -> ConservativeStep:
    """With normalisers, ready for evaluation in float64."""
    inputs = inputs_of(4, torch.float32)
    return step.adapted(inputs, PROBLEM.solve(inputs)).double().eval()


def mass(values: Tensor) -> Tensor:
    """Mean over the air, (n,)."""
    return (PROBLEM.cell_areas * values.double()).sum((-1, -2)).mean(1) / PROBLEM.cell_areas.sum()


@pytest.mark.parametrize("fixer", FIXERS, ids=["shift", "scale"])
@pytest.mark.parametrize("family", ["sphere-unet/tiny", "swin/tiny", "graphcast/tiny", "sfno/tiny"])
def test_mass_changes_by_the_flux_alone(family: str, fixer: MassFixer) -> None:
    step, inputs = fitted(ConservativeStep(network(family), flux=FLUX, fixer=fixer)), inputs_of(2)
    gained = mass(step(inputs)) - mass(inputs["co2"])
    flux = mass(inputs["surface_flux"].expand(-1, 3, -1, -1)) * PROBLEM.flux_to_increment / 3
    torch.testing.assert_close(gained, flux, rtol=0, atol=1e-10)
    assert float(flux.abs().min()) > 1e-4
    loose = fitted(ConservativeStep(network(family), flux=FLUX))
    assert float((mass(loose(inputs)) - mass(inputs["co2"]) - flux).detach().abs().max()) > 1e-6


def test_the_flux_comes_after_the_fixer_into_the_lowest_layer() -> None:
    with_flux = fitted(ConservativeStep(network(), flux=FLUX, fixer=Shift("cell_area")))
    without = ConservativeStep(with_flux.operator, fixer=Shift("cell_area")).double().eval()
    inputs = inputs_of(2)
    gained = (with_flux(inputs) - without(inputs)).detach()
    torch.testing.assert_close(gained[:, :1], PROBLEM.flux_to_increment * inputs["surface_flux"], rtol=0, atol=1e-10)
    assert float(gained[:, 1:].abs().max()) < 1e-10


def test_a_centred_step_knows_no_zero_of_its_state() -> None:
    """G(c + k) = G(c) + k: to rounding without a fixer and with the shift, to its own factor with the scale."""
    inputs = inputs_of(2)
    raised = {**inputs, "co2": inputs["co2"] + 40}
    for fixer in (None, Shift("cell_area")):
        step = fitted(ConservativeStep(network(), flux=FLUX, fixer=fixer))
        torch.testing.assert_close(step(raised), step(inputs) + 40, rtol=0, atol=1e-9)
    scaled = fitted(ConservativeStep(network(), flux=FLUX, fixer=Scale("cell_area")))
    plain = ConservativeStep(scaled.operator, flux=FLUX).double().eval()
    gain = (mass(plain(inputs)) - mass(scaled(inputs))).abs() / mass(inputs["co2"])
    off = (scaled(raised) - scaled(inputs) - 40).abs().amax((1, 2, 3))
    assert bool((off < 2 * gain * (inputs["co2"] - mass(inputs["co2"])[:, None, None, None]).abs().amax()).all())
    raw = fitted(ConservativeStep(network(), centred=False, flux=FLUX))
    assert float((raw(raised) - raw(inputs) - 40).abs().max()) > 1e-3


def test_the_scale_keeps_what_is_positive_and_zero() -> None:
    state, weights = torch.rand(3, 2, 8).double(), torch.rand(3, 1, 8).double()
    increment = torch.rand_like(state) - state  # to some other positive field
    increment[0, 0, 0] = -state[0, 0, 0]
    after = state + Scale("w")(increment, state, weights)
    assert bool((after >= 0).all())
    assert float(after[0, 0, 0]) == 0
    torch.testing.assert_close((weights * after).sum((1, 2)), (weights * state).sum((1, 2)))
    torch.testing.assert_close(
        after / after.sum((1, 2), keepdim=True), (state + increment) / (state + increment).sum((1, 2), keepdim=True)
    )


def test_the_fixer_waits_for_evaluation_unless_told_otherwise() -> None:
    inputs = inputs_of(1)
    for always in (False, True):
        step = fitted(ConservativeStep(network("swin/tiny"), fixer=Shift("cell_area"), fixed_in_training=always))
        gained = [
            float((mass(step.train(mode)(inputs)) - mass(inputs["co2"])).detach().abs()) for mode in (True, False)
        ]
        assert gained[1] < 1e-10
        assert (gained[0] < 1e-10) == always


def test_mass_is_kept_in_single_precision_over_a_season() -> None:
    """360 steps: the increment form leaves to each cell its own rounding, which does not add up."""
    inputs = inputs_of(1, torch.float32)
    step = fitted(ConservativeStep(network("swin/tiny"), fixer=Shift("cell_area"))).float()
    forcings = {name: values for name, values in inputs.items() if name != "co2"}
    with torch.no_grad():
        states = rollout(step, inputs["co2"], forcings, 360)
    drift = skill(states, inputs["co2"][:, None].expand_as(states), PROBLEM.cell_areas).largest_drift
    assert drift < 1e-7
    assert float((states[:, -1] - inputs["co2"]).abs().max()) > 0.1


def test_adapted_networks_see_deviations_and_are_asked_for_transport() -> None:
    inputs, step = inputs_of(6, torch.float32), ConservativeStep(network("swin/tiny"), flux=FLUX)
    outputs = PROBLEM.solve(inputs)
    adapted = step.adapted(inputs, outputs)
    inner = adapted.operator
    assert isinstance(inner, GridOperator)
    assert isinstance(inner.transform, Rescaled)
    assert inner.inputs.shift[:3].abs().max() < 10  # ppm from the mean of each sample, of some 400
    by_transport = outputs - inputs["co2"]
    by_transport[:, :1] -= PROBLEM.flux_to_increment * inputs["surface_flux"]
    for layer in range(3):
        assert inner.transform.shift[layer] == pytest.approx(float(by_transport[:, layer].mean()), abs=1e-6)
        deviation = float(by_transport[:, layer].double().std(correction=0))
        assert inner.transform.scale[layer] == pytest.approx(deviation, rel=1e-4)


@pytest.mark.parametrize("fixer", FIXERS, ids=["shift", "scale"])
def test_it_is_described_and_exported(fixer: MassFixer) -> None:
    step = fitted(ConservativeStep(network("feed-forward/tiny"), flux=FLUX, fixer=fixer)).float()
    again = build(json.loads(json.dumps(describe(step)))).eval()
    again.load_state_dict(step.state_dict())
    inputs = inputs_of(2, torch.float32)
    assert torch.equal(again(inputs), step(inputs))
    graph = graphs_of(step)["field"]
    compare("field", graph, session(to_onnx(graph), threads=1), OnnxRuntimeBackend(), tolerance=1e-4)


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SignatureError, match="weights='air' is no input function of 1 or 3 channels"):
        ConservativeStep(network(), fixer=Shift("air"))
    with pytest.raises(SignatureError, match="flux='eastward_wind' is no input function of 1 channels"):
        ConservativeStep(network(), flux=FluxScheme("eastward_wind", 1.0))
    with pytest.raises(SignatureError, match="channel 3, and the state has 3"):
        ConservativeStep(network(), flux=FluxScheme("surface_flux", 1.0, channel=3))


def test_queries_between_the_cells_are_interpolated() -> None:
    step, inputs = fitted(ConservativeStep(network(), flux=FLUX)), inputs_of(1)
    points = PROBLEM.grid.coordinates()[[40, 200]]
    torch.testing.assert_close(step(inputs, points), step(inputs).flatten(2)[..., [40, 200]])
    assert math.isfinite(float(step(inputs, torch.tensor([[0.1, 0.2]], dtype=torch.float64)).sum()))
