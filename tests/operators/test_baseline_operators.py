"""Baselines are what they say, and a step in time adds to what it was given."""

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, PointCloud, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import ParameterSensors
from fredholm.operators import FeedForward, Operator, Query
from fredholm.operators.baselines import Identity, ResNet
from fredholm.operators.catalogue import OPERATORS
from fredholm.operators.deeponet import DecodedDeepONet, DeepONet, NetworkBranch, NetworkTrunk
from fredholm.operators.residual_operator import ResidualOperator, one_step, step_of
from fredholm.operators.unet import UNet

BOX = Grid(Axis("x", 0.0, 1.0, 16), Axis("y", 0.0, 2.0, 16))
FLOW = Function((Quantity("u"), Quantity("v")), DomainType.of(BOX))
MASK = Function((Quantity("mask"),), DomainType.of(BOX))
CASE = Parameter((Quantity("density"), Quantity("viscosity"), Quantity("speed")))
SIGNATURE = Signature({"case": CASE, "mask": MASK, "flow": FLOW}, FLOW)


def flows(n: int = 3) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "case": torch.randn(n, 3, generator=generator),
        "mask": (torch.rand(n, 1, 16, 16, generator=generator) > 0.3).float(),
        "flow": torch.randn(n, 2, 16, 16, generator=generator),
    }


def points(n: int = 9) -> Tensor:
    return torch.rand(n, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor([1.0, 2.0])


class Zero(Operator):
    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        shape = self.output_domain.shape if query is None else query.shape[-2:-1]
        return torch.zeros(len(inputs["flow"]), 2, *shape)


def test_the_identity_answers_with_its_state() -> None:
    inputs = flows()
    operator = Identity(SIGNATURE, BOX, "flow")
    assert torch.equal(operator(inputs), inputs["flow"])
    x, y = BOX.coordinates().float().T.reshape(2, 16, 16)
    linear = {**inputs, "flow": torch.stack([2 * x - y, 1 + y]).expand(3, -1, -1, -1)}
    at = points()
    expected = torch.stack([2 * at[:, 0] - at[:, 1], 1 + at[:, 1]]).expand(3, -1, -1)
    torch.testing.assert_close(operator(linear, at), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(operator(linear, at.expand(3, -1, -1)), expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(Identity(SIGNATURE, BOX, "flow", "mask")(inputs), inputs["flow"] * inputs["mask"])
    assert operator.parameter_count == 0


def test_a_step_of_nothing_is_the_identity() -> None:
    inputs = flows()
    for mask in (None, "mask"):
        step, same = ResidualOperator(Zero(SIGNATURE, BOX), "flow", mask), Identity(SIGNATURE, BOX, "flow", mask)
        assert torch.equal(step(inputs), same(inputs))
        if mask is None:
            torch.testing.assert_close(step(inputs, points()), same(inputs, points()))


def test_a_step_adds_and_cuts() -> None:
    with initialised(0):
        inner = OPERATORS["deeponet"].preset("tiny").build(SIGNATURE, BOX)
    step, inputs = ResidualOperator(inner, "flow", "mask"), flows()
    torch.testing.assert_close(step(inputs), inputs["mask"] * (inner(inputs) + inputs["flow"]))
    nodes = BOX.coordinates().float()
    torch.testing.assert_close(step(inputs, nodes), step(inputs).flatten(2), rtol=1e-4, atol=1e-4)
    assert not step(inputs)[inputs["mask"].expand(-1, 2, -1, -1) == 0].any()


def test_a_step_adapts_to_increments() -> None:
    """Whatever the size of the state, the network inside answers with the deviation of what is added to it."""
    inputs = flows(40)
    inputs["flow"] += 100
    increments = 0.01 * torch.randn(40, 2, 16, 16) + torch.tensor([0.5, -0.5])[:, None, None]
    with initialised(0):
        step = one_step(OPERATORS["deeponet"].preset("tiny").build)(SIGNATURE, BOX)
    adapted = step.adapted(inputs, inputs["flow"] + increments)
    scale, shift = adapted.operator.transform.scale, adapted.operator.transform.shift
    torch.testing.assert_close(scale, torch.full((2,), 0.01), rtol=0.05, atol=0)
    torch.testing.assert_close(shift, torch.tensor([0.5, -0.5]), rtol=0, atol=0.01)
    assert (adapted.residual, adapted.mask) == ("flow", "mask")
    seen = adapted.operator.branch.sensors(inputs)
    assert float(seen.abs().mean()) < 2


def test_the_state_is_found_in_the_signature() -> None:
    assert step_of(SIGNATURE, BOX) == ("flow", "mask")
    other = Function((Quantity("a"), Quantity("b")), DomainType.of(BOX))
    assert step_of(Signature({"force": other, "flow": FLOW}, FLOW), BOX) == ("flow", None)
    assert step_of(Signature({"force": other}, FLOW), BOX) == ("force", None)
    with pytest.raises(SignatureError, match=r"a function of 2 channels .* inputs are \['mask'\]"):
        step_of(Signature({"mask": MASK}, FLOW), BOX)


@pytest.mark.parametrize(
    ("role", "name", "why"),
    [
        ("residual", "case", "is no input function"),
        ("residual", "mask", "has 1 channels; expected the output's 2"),
        ("mask", "nothing", "is no input function"),
    ],
)
def test_what_cannot_be_added_or_multiplied_is_refused(role: str, name: str, why: str) -> None:
    with pytest.raises(SignatureError, match=why):
        ResidualOperator(Zero(SIGNATURE, BOX), **{role: name})


def test_steps_need_a_grid() -> None:
    cloud = PointCloud(torch.rand(9, 2, dtype=torch.float64), ("x", "y"))
    on_cloud = Function((Quantity("u"),), DomainType.of(cloud))
    with pytest.raises(SignatureError):
        Identity(Signature({"u": on_cloud}, on_cloud), cloud, "u")


def test_residual_blocks_that_do_nothing_leave_their_input() -> None:
    network = ResNet(3, 3, width=3, hidden=5, blocks=2).eval()
    for block in network.blocks:
        nn.init.zeros_(block.second.weight)
        nn.init.zeros_(block.second.bias)
    x = torch.randn(2, 3, 9, 8)
    torch.testing.assert_close(network(x), x)


def test_a_constant_state_has_no_edge() -> None:
    """Values go on beyond the edge as they are, so that a constant stays one up to the boundary."""
    network = ResNet(2, 1, width=4, hidden=6, blocks=1).eval()
    answer = network(torch.ones(1, 2, 9, 9))
    torch.testing.assert_close(answer, answer[..., :1, :1].expand_as(answer), rtol=1e-4, atol=1e-5)


def test_the_published_resnet_by_its_count() -> None:
    """Blocks 6 → 16, four of 16 → 16, 16 → 2, 64 channels inside, kernels of 7 x 7; matrices where channels change."""
    ends = [(6, 16), *[(16, 16)] * 4, (16, 2)]
    expected = sum(49 * (a * 64 + 64 * b) + 64 + b for a, b in ends) + (6 * 16 + 16) + (16 * 2 + 2)
    operator = OPERATORS["resnet"].preset("cfdbench").build(SIGNATURE, BOX)
    assert operator.parameter_count == expected
    assert (operator.residual, operator.mask) == ("flow", "mask")


def test_the_published_networks_of_parameters_by_their_counts() -> None:
    """FFN: [case, x, y, t] → 8 x 100 → 1; DeepONet: 8 x 100 for the case and for (x, y, t), one bias."""
    space_time = Grid(Axis("x", 0, 1, 8), Axis("y", 0, 1, 8)) * Grid(Axis("t", 0, 1, 4))
    signature = Signature({"case": CASE}, Function((Quantity("u"),), DomainType.of(space_time)))
    rest = 7 * (100 * 100 + 100)
    feed_forward = OPERATORS["feed-forward"].preset("cfdbench").build(signature, space_time)
    assert feed_forward.parameter_count == (6 + 1) * 100 + rest + 101
    deeponet = OPERATORS["deeponet"].preset("cfdbench").build(signature, space_time)
    assert deeponet.parameter_count == (3 + 1) * 100 + rest + (3 + 1) * 100 + rest + 1


@pytest.mark.parametrize(
    "name",
    [
        "feed-forward/cfdbench-auto",
        "deeponet/cfdbench-auto",
        "mionet/cfdbench-auto",
        "identity",
        "resnet/cfdbench",
        "unet/cfdbench",
        "fno/cfdbench",
    ],
)
def test_published_steps_pair_every_input_with_its_own_state(name: str) -> None:
    """A batch of B is B batches of one: the reference code pairs inputs of one sample with queries of another."""
    with initialised(0):
        operator = Operator.build(SIGNATURE, name, BOX).double().eval()
    inputs = {key: value.double() for key, value in flows().items()}
    whole = operator(inputs)
    for i in range(3):
        one = operator({key: value[i : i + 1] for key, value in inputs.items()})
        torch.testing.assert_close(one[0], whole[i], rtol=1e-10, atol=1e-10)


def test_published_networks_on_grids_answer_as_published() -> None:
    """The U-Net adds to the state it is given, the FNO does not; both are cut by the mask."""
    unet, fno = (Operator.build(SIGNATURE, name, BOX) for name in ("unet/cfdbench", "fno/cfdbench"))
    assert [(operator.residual, operator.mask) for operator in (unet, fno)] == [("flow", "mask"), (None, "mask")]
    inputs = flows()
    outside = inputs["mask"].expand(-1, 2, -1, -1) == 0
    assert not any(operator(inputs)[outside].any() for operator in (unet, fno))


def test_without_norms_a_unet_answers_in_proportion_to_its_input() -> None:
    """Of biases at zero, and rectifiers, which let factors pass; norms take the size of fields away."""
    scaled = {}
    for norm in (True, False):
        with initialised(0):
            net = UNet(1, 1, 4, (1, 2), activation=nn.ReLU(), norm=norm).double()
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
        x = torch.randn(2, 1, 8, 8, dtype=torch.float64)
        scaled[norm] = torch.allclose(net(100 * x), 100 * net(x), rtol=1e-10, atol=1e-12)
    assert scaled == {True: False, False: True}


def test_the_convolutional_deeponet_at_its_published_size() -> None:
    grid = Grid(Axis("x", 0.0, 1.0, 64), Axis("y", 0.0, 1.0, 64))
    flow = Function((Quantity("u"),), DomainType.of(grid))
    operator = Operator.build(Signature({"flow": flow}, flow), "deeponet/cfdbench-auto-cnn", grid)
    assert isinstance(operator, ResidualOperator)
    inner = operator.operator
    assert isinstance(inner, DecodedDeepONet)
    assert inner.branch.width == inner.trunk.width == 512
    sizes = [[2, 100, 100, 100, 100, 512], [512, 512, 1]]
    dense = sum(a * b + b for widths in sizes for a, b in pairwise(widths))
    branch = sum(parameter.numel() for parameter in inner.branch.parameters())
    assert inner.parameter_count == dense + branch


def test_a_decoder_that_sums_makes_a_deeponet() -> None:
    with initialised(0):
        branch = NetworkBranch(ParameterSensors("case", 3), MLP([3, 7], nn.Tanh()), 7)
        trunk, decoder = NetworkTrunk(MLP([2, 7], nn.Tanh()), 7), MLP([7, 1], nn.Tanh())
    output = Function((Quantity("u"),), DomainType.of(BOX))
    signature = Signature({"case": CASE}, output)
    with torch.no_grad():
        decoder.layers[0].weight.fill_(1)
    decoded, plain = DecodedDeepONet(signature, BOX, branch, trunk, decoder), DeepONet(signature, BOX, branch, trunk)
    inputs = {"case": flows()["case"]}
    for query in (None, points(), points().expand(3, -1, -1)):
        torch.testing.assert_close(decoded(inputs, query), plain(inputs, query), rtol=1e-4, atol=1e-5)
    with pytest.raises(SignatureError, match="7 coefficients meets a trunk of 8"):
        DecodedDeepONet(signature, BOX, branch, NetworkTrunk(MLP([2, 8], nn.Tanh()), 8), decoder)


def test_a_shape_cuts_the_answer_of_a_multi_task_deeponet() -> None:
    for preset in ("multi-task-deeponet/tiny", "multi-task-deeponet/darcy"):
        operator = Operator.build(SIGNATURE, preset, BOX).eval()
        inputs = flows()
        values = operator(inputs)
        assert not values[(inputs["mask"] == 0).expand_as(values)].any()
        assert values[(inputs["mask"] == 1).expand_as(values)].all()


def test_the_published_multi_task_networks_by_their_counts() -> None:
    """Fisher: 4 coefficients and 64 initial values → 128 → 128 → 300, layer norms, and (t, x) → 3 x 128 → 300."""
    line, times = Grid(Axis("x", 0, 1, 64)), Grid(Axis("t", 0, 1, 20))
    reaction = Parameter(tuple(Quantity(f"c{i}") for i in range(1, 5)))
    inputs = {"reaction": reaction, "initial": Function((Quantity("u"),), DomainType.of(line))}
    output = Function((Quantity("u"),), DomainType.of(times * line))
    operator = Operator.build(Signature(inputs, output), "multi-task-deeponet/fisher", times * line)
    branch = 68 * 128 + 128 + 128 * 128 + 128 + 128 * 300 + 300 + 2 * 2 * 128
    trunk = 2 * 128 + 128 + 2 * (128 * 128 + 128) + 128 * 300 + 300
    assert operator.parameter_count == branch + trunk


def test_adapted_operators_have_the_outputs_of_their_data() -> None:
    """Mean and deviation of an untrained operator's range are those of the training outputs, inputs standardised."""
    inputs, output = flows(50), 7 + 3 * torch.randn(50, 2, 16, 16)
    for name in ("deeponet/tiny", "feed-forward/tiny", "multionet/tiny", "mionet/tiny", "stacked-deeponet/tiny"):
        with initialised(0):
            operator = Operator.build(SIGNATURE, name, BOX)
        plain = operator(inputs)
        adapted = operator.adapted(inputs, output)
        assert adapted.transform is not None
        torch.testing.assert_close(adapted.transform.shift, torch.full((2,), 7.0), rtol=0.02, atol=0)
        torch.testing.assert_close(adapted.transform.scale, torch.full((2,), 3.0), rtol=0.02, atol=0)
        assert adapted.parameter_count == operator.parameter_count
        torch.testing.assert_close((adapted(inputs) - 7) / 3, operator(inputs), rtol=0.1, atol=0.1)
        assert plain.shape == adapted(inputs).shape
        assert isinstance(adapted, FeedForward | DeepONet)


def test_a_trunk_closes_on_periodic_axes() -> None:
    circle = Grid(Axis("x", 0.0, 3.0, 16, periodic=True))
    function = Function((Quantity("u"),), DomainType.of(circle))
    operator = Operator.build(Signature({"u": function}, function), "deeponet/tiny", circle).double()
    u, y = {"u": torch.randn(2, 1, 16, dtype=torch.float64)}, 3 * torch.rand(5, 1, dtype=torch.float64)
    torch.testing.assert_close(operator(u, y + 3), operator(u, y), rtol=1e-12, atol=1e-12)
