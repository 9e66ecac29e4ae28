"""Records of an engine: commands as promised, physical states, residuals that fall, windows that go on."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from fredholm.errors import SignatureError
from fredholm.problems import DieselEngineRecords, problem_named
from fredholm.problems.drive_commands import RandomRamps

PROBLEM = DieselEngineRecords()


def test_commands_are_ramps_within_their_ranges() -> None:
    ramps = RandomRamps()
    commands = PROBLEM.sample(20, seed=0)["commands"].double()
    for row, (low, high) in enumerate(ramps.ranges):
        values = commands[:, row]
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
        steepest = (high - low) / (ramps.hold[0] * ramps.ramp[0]) * PROBLEM.spacing
        assert values.diff(dim=-1).abs().max() <= steepest * (1 + 1e-6)
    bends = commands.diff(n=2, dim=-1).abs() > 1e-3 * commands.std(-1, keepdim=True)
    knots = bends.float().sum(-1).mean() / 4  # a knot is two bends, each seen at one or two records
    assert 60 / 8 / 2 < knots < 60 / 2


def test_states_span_what_such_engines_span() -> None:
    states = PROBLEM.solve(PROBLEM.sample(30, seed=1))
    p_im, p_em, oxygen_in, oxygen_out, omega = states[:, :5].unbind(1)
    assert p_im.min() > 1e5
    assert 2e5 < p_im.max() < 3e5
    assert p_em.min() > 1.01e5
    assert 2e5 < p_em.max() < 4e5
    assert (oxygen_out < oxygen_in).all()
    assert omega.min() > 1500
    assert 7000 < omega.max() < 11000
    assert 0.01 < states[:, 8].min() < states[:, 8].max() < 0.06
    assert 300 < states[:, 9].min() < states[:, 9].max() < 330


def test_a_record_goes_on_where_another_ends() -> None:
    """Half a record, and the other half from its last state, where commands rest over the delays."""
    whole = DieselEngineRecords(duration=12.0)
    inputs = whole.sample(3, seed=0)
    inputs["commands"][..., 28:31] = inputs["commands"][..., 30:31]
    states = whole.solve(inputs)
    half = replace(whole, duration=6.0)
    later = half.solve({"commands": inputs["commands"][..., 30:], "initial": states[:, :8, 30]})
    torch.testing.assert_close(later, states[..., 30:], rtol=1e-5, atol=1e-5)


def test_residuals_fall_with_the_square_of_the_spacing() -> None:
    """At spacings of which both delays are multiples, so that bends of the commands fall on records alike."""
    residuals = []
    for spacing in (0.005, 0.0025, 0.00125):
        problem = DieselEngineRecords(duration=2.0, spacing=spacing, step=0.00125)
        t = problem.line.axes[0].points()
        waves = [1400 + 100 * torch.cos(t), 110 + 20 * torch.cos(2 * t), 40 + 10 * torch.cos(t), 40 + 5 * torch.cos(t)]
        commands = torch.stack(waves)[None]
        states = torch.from_numpy(problem.solver.simulate(commands.numpy(), problem._warm(commands[..., 0])))
        output = problem.completed(states, commands)
        late = problem.residual({"commands": commands}, output)[..., int(1 / spacing) :]  # at first, rates jump
        residuals.append(late.square().mean(-1).sqrt()[0])
        assert late[:, 8:].abs().max() == 0
    for state in range(8):
        coarse, middle, fine = (float(r[state]) for r in residuals)
        assert math.log2(coarse / middle) > 1.8, state
        assert math.log2(middle / fine) > 1.8, state


def test_residuals_of_anything_can_be_lowered_by_gradients() -> None:
    problem = DieselEngineRecords(duration=2.0)
    inputs = problem.sample(2, seed=0)
    guess = (1.01 * problem.solve(inputs)).requires_grad_()
    problem.residual(inputs, guess).square().sum().backward()
    assert guess.grad is not None
    assert torch.isfinite(guess.grad).all()
    assert (guess.grad.abs().amax((0, 2)) > 0).all()


def test_each_sample_is_solved_as_if_alone() -> None:
    problem = DieselEngineRecords(duration=6.0)
    inputs = problem.sample(4, seed=3)
    alone = {name: values[2:3] for name, values in inputs.items()}
    torch.testing.assert_close(problem.solve(inputs)[2:3], problem.solve(alone), rtol=1e-6, atol=0)
    assert problem_named(problem.name, problem.parameters()) == problem


def test_a_worn_turbine_shows_in_the_exhaust_pressure() -> None:
    """A turbine that opens less far holds up more gas."""
    inputs = PROBLEM.sample(3, seed=0)
    worn = replace(PROBLEM, vgt_area=0.8 * PROBLEM.vgt_area).solve(inputs)
    assert (worn[:, 1].mean(-1) > 1.02 * PROBLEM.solve(inputs)[:, 1].mean(-1)).all()


def test_commands_outside_the_actuators_ranges_are_named() -> None:
    inputs = PROBLEM.sample(2, seed=0)
    inputs["commands"][1, 3, 7] = 10.0
    output, failures = PROBLEM.attempt(inputs)
    assert failures == {1: "its command 'VGT' is 10 % at record 7, not within 20 and 100"}
    assert torch.isfinite(output[0]).all()
    with pytest.raises(SignatureError, match="'initial' is missing"):
        PROBLEM.solve({"commands": inputs["commands"]})


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(ValueError, match=r"a record of 60\.1 s is no multiple, two or more, of 0\.2 s"):
        DieselEngineRecords(duration=60.1)
    with pytest.raises(ValueError, match="speed from 300 to 1800 rpm is not within 500 to 2000"):
        RandomRamps(speed=(300.0, 1800.0))
    with pytest.raises(ValueError, match=r"ramps are shares .* got \(0\.2, 2\.0\)"):
        RandomRamps(ramp=(0.2, 2.0))
    with pytest.raises(ValueError, match="vgt_area must be positive and finite, got -1"):
        DieselEngineRecords(vgt_area=-1.0)
    with pytest.raises(ValueError, match=r"a step of 0\.02 s does not resolve"):
        DieselEngineRecords(step=0.02)
    assert np.allclose(DieselEngineRecords().wear, PROBLEM.wear)
