"""An operator's architecture is data: described, built again, and never mistaken for another."""

import json

import pytest
import torch
from torch import nn

from fredholm.errors import ArtifactError, UnknownNameError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import Described, build, describe
from fredholm.layers.perceptron import MLP, ModifiedMLP, SineMLP


class Shifted(nn.Module, Described):
    def __init__(self, inner: nn.Module, shift: float = 1.0, where: Grid | None = None) -> None:
        super().__init__()
        self.inner, self.shift, self.where = inner, shift, where


class TwiceShifted(Shifted):
    def __init__(self, inner: nn.Module, amount: float) -> None:
        super().__init__(inner, shift=2 * amount)


def rebuilt(value: object) -> object:
    return build(json.loads(json.dumps(describe(value))))


def test_a_tree_survives_json() -> None:
    grid = Grid(Axis("x", 0.0, 1.0, 4), mask=torch.tensor([True, True, True, False]))
    again = rebuilt(Shifted(MLP([2, 5, 3], nn.Tanh()), where=grid))
    assert isinstance(again, Shifted)
    assert again.where == grid
    assert again.shift == 1.0  # a default is stated, so that a later default cannot change an old file
    assert [p.shape for p in again.inner.parameters()] == [p.shape for p in MLP([2, 5, 3], nn.Tanh()).parameters()]


def test_a_subclass_is_described_by_its_own_arguments() -> None:
    again = rebuilt(TwiceShifted(nn.ReLU(), amount=3.0))
    assert isinstance(again, TwiceShifted)
    assert again.shift == 6.0


@pytest.mark.parametrize(
    "activation",
    [nn.GELU(approximate="tanh"), nn.GELU(), nn.Softplus(beta=4.0), nn.Softplus(1.0, 2.0), nn.ELU(0.3), nn.SiLU()],
    ids=repr,
)
def test_an_activation_is_the_same_function_afterwards(activation: nn.Module) -> None:
    x = torch.linspace(-3, 3, 101)
    again = rebuilt(activation)
    assert isinstance(again, nn.Module)
    torch.testing.assert_close(again(x), activation(x), rtol=0, atol=0)


@pytest.mark.parametrize("network", [MLP([2, 4, 1], nn.ELU(0.5)), SineMLP([2, 4, 1], 7.0), ModifiedMLP([2, 4, 4, 1])])
def test_weights_of_a_network_fit_the_one_built_again(network: nn.Module) -> None:
    again = rebuilt(network)
    assert isinstance(again, nn.Module)
    again.load_state_dict(network.state_dict())
    x = torch.randn(5, 2)
    assert torch.equal(again(x), network(x))


def test_unknown_and_undescribable_things_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'SineMLP'"):
        build({"type": "SinMLP", "arguments": {}})
    with pytest.raises(UnknownNameError, match=r"os\.system"):
        build({"type": "os.system", "arguments": {"command": "true"}})
    with pytest.raises(ArtifactError, match="Conv1d"):
        describe(Shifted(nn.Conv1d(1, 1, 1)))
    with pytest.raises(ArtifactError, match="cannot be built"):
        build({"type": "MLP", "arguments": {"widths": [1, 2]}})


def test_a_class_is_not_mistaken_for_another_of_its_name() -> None:
    namesake = type("MLP", (Shifted,), {"__module__": __name__})
    with pytest.raises(ArtifactError, match=r"fredholm\.layers\.perceptron has a class of that name"):
        describe(namesake(nn.ReLU()))
    assert isinstance(rebuilt(MLP([1, 1], nn.ReLU())), MLP)


def test_a_class_may_be_defined_again() -> None:
    """As when a cell of a notebook runs twice: the last definition counts."""
    first, second = (type("Notebook", (Shifted,), {"__module__": __name__}) for _ in range(2))
    assert isinstance(rebuilt(second(nn.ReLU())), second)
    assert isinstance(rebuilt(first(nn.ReLU())), second)
