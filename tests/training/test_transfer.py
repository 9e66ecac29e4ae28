"""Transfer: weights are copied, frozen layers stay, the rest learns; what does not fit is named."""

import pytest
import torch
from torch import nn

from fredholm.errors import TrainingError
from fredholm.layers.perceptron import ModifiedMLP, initialised
from fredholm.operators.deeponet import DeepONet, NetworkBranch
from fredholm.training.optimizers import adam
from fredholm.training.recipes import sensors_of, wave_trunk
from fredholm.training.transfer import PUBLISHED_FREEZE, transfer
from rooms import TRAIN_ROOM, solved


def network(seed: int, hidden: int = 8) -> DeepONet:
    data = solved(TRAIN_ROOM, 2, 0)
    with initialised(seed):
        sensors = sensors_of(data, per_axis=4)
        branch = NetworkBranch(sensors, ModifiedMLP([sensors.width, hidden, hidden, hidden, 4]), 4)
        return DeepONet(data.signature, data.output_domain, branch, wave_trunk(data, 4, hidden, 3))


def test_the_target_begins_as_the_source_and_trains_what_is_not_frozen() -> None:
    source, target = network(0), network(1)
    inputs = TRAIN_ROOM.sample(2, 0)
    trainable = transfer(source, target, PUBLISHED_FREEZE)
    torch.testing.assert_close(target(inputs), source(inputs))
    held = {name for name, weight in target.named_parameters() if not weight.requires_grad}
    assert held == {f"{part}.{kind}" for part in PUBLISHED_FREEZE for kind in ("weight", "bias")}
    assert trainable == sum(weight.numel() for name, weight in target.named_parameters() if name not in held)
    optimizer = adam(target, 1e-2)
    target(inputs).square().mean().backward()
    optimizer.step()
    after, before = dict(target.named_parameters()), dict(source.named_parameters())
    assert all(torch.equal(after[name], before[name]) for name in held)
    assert not torch.equal(after["trunk.network.layers.1.weight"], before["trunk.network.layers.1.weight"])


def test_operators_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TrainingError, match="has shape"):
        transfer(network(0), network(0, hidden=6))
    with pytest.raises(TrainingError, match="in one operator only"):
        transfer(nn.Linear(2, 2), nn.Linear(2, 2, bias=False))
    with pytest.raises(TrainingError, match="no submodule 'gates'"):
        transfer(nn.Linear(2, 2), nn.Linear(2, 2), ["gates"])
