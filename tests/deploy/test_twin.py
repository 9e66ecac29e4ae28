"""The twin answers what the operator answers, window by window, and goes on where it ended."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fredholm.data.simulation import simulate
from fredholm.data.windows import Windows
from fredholm.deploy.twin import Twin
from fredholm.errors import ExportError, SignatureError
from fredholm.layers.perceptron import initialised
from fredholm.operators import Operator
from fredholm.operators.windowed import Windowed
from fredholm.problems import DieselEngineRecords

RECORDS, PLAN = DieselEngineRecords(duration=8.0), Windows(10, history=1)


def window(preset: str) -> Operator:
    """A window operator with normalisers fitted and weights as they start."""
    windows = PLAN.cut(simulate(RECORDS, 4, seed=0), every=5)
    everything = torch.arange(len(windows))
    with initialised(0):
        operator = Operator.build(windows.signature, f"deeponet/{preset}", windows.output_domain)
    return operator.adapted(windows.inputs(everything), windows.outputs(everything)).eval()


def close(mine: np.ndarray, theirs: Tensor, deviations: Tensor) -> None:
    np.testing.assert_allclose(
        mine / deviations.numpy()[:, None], theirs.numpy() / deviations.numpy()[:, None], atol=2e-4
    )


@pytest.mark.parametrize("preset", ["sequence", "sequence-hard"])
def test_a_stepped_twin_is_the_chained_operator(preset: str) -> None:
    operator, inputs = window(preset), RECORDS.sample(1, seed=1)
    with torch.inference_mode():
        record = Windowed(operator, RECORDS.signature, RECORDS.line)(inputs)[0]
    deviations = RECORDS.solve(RECORDS.sample(4, seed=0)).transpose(0, 1).flatten(1).std(1)
    commands = inputs["commands"][0].numpy()
    twin = Twin(operator, inputs["initial"][0].numpy(), commands[:, 0])
    states = [twin.step(commands[:, k + 1 : k + 11]) for k in (0, 10, 20, 30)]
    close(np.concatenate(states, 1), record[:, 1:], deviations)
    np.testing.assert_array_equal(twin.state, states[-1][:8, -1])
    at_once = Twin(operator, inputs["initial"][0].numpy(), commands[:, 0])
    close(at_once.step(commands[:, 1:]), record[:, 1:], deviations)
    np.testing.assert_allclose(at_once.state, twin.state, rtol=1e-4)


def test_what_does_not_fit_is_named() -> None:
    operator = window("sequence")
    state, now = np.ones(8), np.ones(4)
    with pytest.raises(SignatureError, match=r"state has shape \(7,\); expected finite numbers of shape \(8,\)"):
        Twin(operator, state[:7], now)
    twin = Twin(operator, state, now)
    with pytest.raises(SignatureError, match=r"commands has shape \(4, 9\)"):
        twin.step(np.ones((4, 9)))
    with pytest.raises(SignatureError, match="commands holds NaN"):
        twin.step(np.full((4, 10), np.nan))
    with initialised(0):
        other = Operator.build(PLAN.signature(RECORDS.signature), "mionet/tiny", PLAN.line(RECORDS.signature))
    with pytest.raises(ExportError, match="only DeepONets of windows with a network as branch"):
        Twin(other, state, now)
