"""Several steps as one operator: what a roll-out answers, and gradients through all of it."""

import json

import pytest
import torch

from fredholm.data.dataset import Dataset
from fredholm.errors import SignatureError
from fredholm.evaluation.rollout import rollout
from fredholm.fields import DomainType, Function, Quantity, Signature, SphereGrid
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators import ConservativeStep, Operator
from fredholm.operators.baselines import Identity
from fredholm.operators.unrolled import Unrolled
from fredholm.problems import TracerTransport
from fredholm.training import Settings
from fredholm.training.one_cycle import fit_one_cycle

PROBLEM = TracerTransport(latitudes=16, longitudes=32, spin_up_days=1.0)


def step() -> ConservativeStep:
    with initialised(0):
        network = Operator.build(PROBLEM.signature, "swin/tiny", PROBLEM.output_domain)
    return ConservativeStep(network).adapted(*PROBLEM.record(4, 2, seed=0).pairs())


def test_it_answers_what_a_roll_out_does() -> None:
    record, one = PROBLEM.record(2, 6, seed=1), step().eval()
    inputs, outputs = record.windows(3)
    unrolled = Unrolled(one, 3)
    assert unrolled.signature.check(inputs) == 4
    first = {name: values[::2] for name, values in inputs.items()}
    states = rollout(one, record.states[:, 0], record.at, 3)
    torch.testing.assert_close(unrolled(first), states.flatten(1, 2))
    assert outputs.shape == unrolled(inputs).shape
    again = build(json.loads(json.dumps(describe(unrolled)))).eval()
    again.load_state_dict(unrolled.state_dict())
    assert torch.equal(again(first), unrolled(first))


def test_training_it_trains_the_step_for_its_roll_out() -> None:
    record, one = PROBLEM.record(8, 4, seed=2), step()
    unrolled = Unrolled(one, 4)
    data = Dataset.from_arrays(unrolled.signature, PROBLEM.output_domain, *record.windows(4))

    def error() -> float:
        with torch.no_grad():
            return float(
                (rollout(one.eval(), record.states[:, 0], record.at, 4) - record.states[:, 1:]).square().mean()
            )

    before = error()
    fit_one_cycle(unrolled, data, 30, batch=4, settings=Settings(seed=0, quiet=True))
    assert error() < 0.9 * before


def test_the_identity_repeats_itself_and_what_is_no_step_is_refused() -> None:
    grid = SphereGrid.equiangular(4, 8)
    u, v = (Function((Quantity(name),), DomainType.of(grid)) for name in "uv")
    state = torch.rand(2, 1, 4, 8)
    assert torch.equal(
        Unrolled(Identity(Signature({"u": u}, u), grid, "u"), 3)({"u": state}), state.expand(-1, 3, 4, 8)
    )
    with pytest.raises(ValueError, match="at least one step"):
        Unrolled(Identity(Signature({"u": u}, u), grid, "u"), 0)
    two = Function((Quantity("a"), Quantity("b")), DomainType.of(grid))
    network = Operator.build(Signature({"v": v}, two), "sphere-unet/tiny", grid)
    with pytest.raises(SignatureError, match="a step in time needs its state"):
        Unrolled(network, 2)
