"""Windows of records: what is cut is what was there; chained operators are the flow; first states hold."""

import json

import pytest
import torch
from torch import Tensor

from fredholm.data import Dataset
from fredholm.data.sampling import WholeFields
from fredholm.data.simulation import simulate
from fredholm.data.windows import Windows, noisy, state_channels
from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.layers.sensors import Concatenated, all_sensors
from fredholm.operators import Operator
from fredholm.operators.baselines import AffineMap
from fredholm.operators.initial_value import InitialValue
from fredholm.operators.windowed import Windowed
from fredholm.problems import Darcy, DieselEngineRecords
from fredholm.training import Settings, adam, fit

RECORDS = DieselEngineRecords(duration=8.0)
PLAN = Windows(10, history=1)


def window_operator(preset: str, seed: int = 0) -> Operator:
    with initialised(seed):
        return Operator.build(PLAN.signature(RECORDS.signature), preset, PLAN.line(RECORDS.signature))


def leaky(n: int, times: int = 41) -> Dataset:
    """x' = u - x with u held over each of the steps: a linear system, exactly."""
    line = Grid(Axis("t", 0.0, 0.1 * (times - 1), times, "s"))
    on_line = DomainType.of(line)
    signature = Signature(
        {"u": Function((Quantity("u"),), on_line), "x0": Parameter((Quantity("x"),))},
        Function((Quantity("y"), Quantity("x")), on_line),
    )
    generator = torch.Generator().manual_seed(n)
    u, x0 = torch.randn(n, 1, times, generator=generator), torch.randn(n, 1, generator=generator)
    x, decay = [x0], float(torch.exp(torch.tensor(-0.1)))
    for k in range(times - 1):
        x.append(decay * x[-1] + (1 - decay) * u[..., k])
    states = torch.stack(x, -1)
    return Dataset.from_arrays(signature, line, {"u": u, "x0": x0}, torch.cat([u + states, states], 1))


def test_windows_are_parts_of_their_records() -> None:
    records = simulate(RECORDS, 3, seed=0)
    windows = PLAN.cut(records, every=5)
    everything = torch.arange(len(windows))
    inputs, states = windows.inputs(everything), windows.outputs(everything)
    commands, truth = records.inputs(torch.arange(3))["commands"], records.outputs(torch.arange(3))
    assert len(windows) == 3 * 7  # from 0, 5, ..., 30
    assert torch.equal(inputs["initial"], states[:, :8, 0])
    assert torch.equal(states[3 * 4 + 1], truth[1, :, 20:31])
    assert torch.equal(inputs["commands"][3 * 4 + 1], commands[1, :, 19:31])
    assert torch.equal(inputs["commands"][1, :, 0], commands[1, :, 0])  # before the record: as at first
    assert windows.signature == PLAN.signature(records.signature)


def test_a_chain_of_the_exact_flow_is_the_record() -> None:
    """The affine map of a window of a linear system is exact, and so is its chain, also over a last part."""
    records, plan = leaky(200), Windows(10, history=2)
    windows = plan.cut(records)
    sensors = all_sensors(windows.signature, windows.output_domain)
    made = AffineMap(windows.signature, windows.output_domain, Standardised(Concatenated(list(sensors.values()))), 1e-9)
    everything = torch.arange(len(windows))
    window = made.adapted(windows.inputs(everything), windows.outputs(everything))
    for times in (41, 36):
        unseen = leaky(5, times)
        chain = Windowed(window, unseen.signature, unseen.output_domain)
        answer = chain(unseen.inputs(torch.arange(5)))
        torch.testing.assert_close(answer, unseen.outputs(torch.arange(5)), atol=2e-4, rtol=0)


@pytest.mark.parametrize("adapted", [False, True])
def test_a_hard_first_state_holds_whatever_the_weights(adapted: bool) -> None:
    operator = window_operator("deeponet/sequence-hard")
    windows = PLAN.cut(simulate(RECORDS, 2, seed=0), every=10)
    everything = torch.arange(len(windows))
    inputs = windows.inputs(everything)
    if adapted:
        operator = operator.adapted(inputs, windows.outputs(everything))
    assert isinstance(operator, InitialValue)
    values = operator(inputs)
    torch.testing.assert_close(values[:, :8, 0], inputs["initial"], rtol=1e-6, atol=1e-4)
    times = torch.tensor([[0.0], [0.7], [2.0]])
    torch.testing.assert_close(operator(inputs, times)[..., 0], values[..., 0], rtol=1e-5, atol=1e-3)
    torch.testing.assert_close(operator(inputs, times)[..., 2], values[..., 10], rtol=1e-5, atol=1e-3)
    own = operator(inputs, times.expand(len(windows), -1, -1))
    torch.testing.assert_close(own, operator(inputs, times), rtol=1e-5, atol=1e-3)


def test_a_chain_has_no_jumps_and_goes_on_from_its_own_ends() -> None:
    window, inputs = window_operator("deeponet/sequence-hard"), RECORDS.sample(2, seed=0)
    chain = Windowed(window, RECORDS.signature, RECORDS.line)
    record = chain(inputs)
    second = window({"commands": inputs["commands"][..., 9:21], "initial": record[:, :8, 10]})
    torch.testing.assert_close(record[..., 11:21], second[..., 1:])
    torch.testing.assert_close(record[:, :8, 10], second[:, :8, 0], rtol=1e-6, atol=1e-4)


def test_a_window_without_its_first_state_sees_every_window_alone() -> None:
    of_windows = PLAN.signature(RECORDS.signature)
    blind = Signature({"commands": of_windows.inputs["commands"]}, of_windows.output)
    chain = Windowed(
        Operator.build(blind, "deeponet/sequence", PLAN.line(RECORDS.signature)), RECORDS.signature, RECORDS.line
    )
    inputs = RECORDS.sample(2, seed=0)
    moved = {**inputs, "initial": 1.1 * inputs["initial"]}
    assert torch.equal(chain(inputs), chain(moved))


def test_a_chain_of_a_few_windows_trains_the_window() -> None:
    records = simulate(RECORDS, 4, seed=0)
    segments = Windows(20, history=1).cut(records, every=10)
    window = window_operator("deeponet/sequence")
    everything = torch.arange(len(segments))
    window = window.adapted(PLAN.cut(records).inputs(torch.arange(40)), segments.outputs(everything))
    chain = Windowed(window, segments.signature, segments.output_domain)
    before = [p.clone() for p in window.parameters()]
    fit(
        chain,
        segments,
        sampler=WholeFields(4),
        iterations=3,
        optimizer=adam(chain, 1e-3),
        settings=Settings(quiet=True),
    )
    assert all(not torch.equal(a, b) for a, b in zip(before, window.parameters(), strict=True))


def test_what_is_described_is_built_again() -> None:
    chain = Windowed(window_operator("deeponet/sequence-hard"), RECORDS.signature, RECORDS.line)
    again = build(json.loads(json.dumps(describe(chain))))
    again.load_state_dict(chain.state_dict())
    inputs = RECORDS.sample(2, seed=0)
    assert torch.equal(again(inputs), chain(inputs))


def test_noise_is_of_the_deviation_asked_for() -> None:
    records = simulate(RECORDS, 60, seed=0)
    everything = torch.arange(60)
    clean, noised = records.inputs(everything), noisy(records, "commands", 0.05, seed=1).inputs(everything)

    def by_channel(values: Tensor) -> Tensor:
        return values.transpose(0, 1).flatten(1).std(1)

    ratio = by_channel(noised["commands"] - clean["commands"]) / by_channel(clean["commands"])
    torch.testing.assert_close(ratio, torch.full((4,), 0.05), rtol=0.05, atol=0)
    assert torch.equal(noised["initial"], clean["initial"])


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="a window has a step or more"):
        Windows(0)
    with pytest.raises(SignatureError, match="a record in time has one input function"):
        Windows(5).signature(Darcy(points=16).signature)
    with pytest.raises(SignatureError, match="'commands' is no state"):
        state_channels(RECORDS.signature, "commands")
    other = DieselEngineRecords(duration=8.0, spacing=0.1)
    with pytest.raises(SignatureError, match=r"DeepONet of windows does not fit: input 'commands'"):
        Windowed(window_operator("deeponet/sequence"), other.signature, other.line)
