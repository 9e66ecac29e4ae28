"""What holds for every operator of the catalogue, whatever its family."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from catalogue_examples import build_tiny, examples, first_examples, inputs_on, kinds_of
from torch import nn

import fredholm.operators
from fredholm.errors import UnknownNameError
from fredholm.operators import Operator
from fredholm.operators.catalogue import OPERATORS, preset_named
from fredholm.testing import check_batch, check_description, check_export, check_learning, check_queries

EVERYWHERE = pytest.mark.parametrize(("name", "kind"), examples(), ids=map("/".join, examples()))
ONCE = pytest.mark.parametrize(("name", "kind"), first_examples(), ids=map("/".join, first_examples()))


def double(name: str, kind: str) -> Operator:
    return build_tiny(name, kind).double()


def test_every_family_with_entries_is_in_the_catalogue() -> None:
    source = Path(fredholm.operators.__file__).parent
    from fredholm.operators.catalogue import _FAMILIES

    assert set(_FAMILIES) == {file.parent.name for file in source.glob("*/entries.py")}
    for entry in OPERATORS.values():
        names = [preset.name for preset in entry.presets]
        assert {"tiny", "small"} <= set(names)
        assert len(names) == len(set(names))
        assert kinds_of(entry.name), f"{entry.name} serves no domain of the tests"


def test_names_that_are_none_are_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'fno'"):
        preset_named("fnoo")
    with pytest.raises(UnknownNameError, match="did you mean 'small'"):
        preset_named("fno/smal")


@EVERYWHERE
def test_a_batch_is_its_samples(name: str, kind: str) -> None:
    check_batch(double(name, kind), inputs_on(kind, 3, dtype=torch.float64))


@EVERYWHERE
def test_all_promised_queries_agree(name: str, kind: str) -> None:
    check_queries(double(name, kind), inputs_on(kind, 2, dtype=torch.float64))


@ONCE
def test_gradients_are_those_of_finite_differences(name: str, kind: str) -> None:
    """Along random directions of inputs and weights, in float64."""
    operator, given = double(name, kind), inputs_on(kind, 2, dtype=torch.float64)
    torch.manual_seed(0)
    probe = torch.randn_like(operator(given))
    if not any(parameter.requires_grad for parameter in operator.parameters()):
        pytest.skip(f"{name} has no weights to differentiate")
    parameters = [parameter for parameter in operator.parameters() if parameter.requires_grad]
    a = given["a"].clone().requires_grad_()
    variables = [a, *parameters]
    (operator({**given, "a": a}) * probe).sum().backward()
    directions = [torch.randn_like(variable) for variable in variables]
    slope = sum(float((v.grad * d).sum()) for v, d in zip(variables, directions, strict=True) if v.grad is not None)

    def moved(step: float) -> float:
        shifted = copy.deepcopy(operator)
        with torch.no_grad():
            kept = [p for p in shifted.parameters() if p.requires_grad]
            for parameter, direction in zip(kept, directions[1:], strict=True):
                parameter += step * direction
            return float((shifted({**given, "a": given["a"] + step * directions[0]}) * probe).sum())

    step = 1e-7  # short, so that few units of a network with kinks cross one
    finite = (moved(step) - moved(-step)) / (2 * step)
    assert finite == pytest.approx(slope, rel=1e-4, abs=1e-5)


@ONCE
def test_all_weights_learn(name: str, kind: str) -> None:
    check_learning(build_tiny(name, kind), inputs_on(kind, 3))


@EVERYWHERE
def test_it_is_described_saved_and_built_again(name: str, kind: str) -> None:
    check_description(build_tiny(name, kind), inputs_on(kind, 2))


@ONCE
def test_half_the_digits_give_nearly_the_same(name: str, kind: str) -> None:
    operator, given = build_tiny(name, kind), inputs_on(kind, 2)
    exact = operator(given)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = operator(given).float()
    assert torch.isfinite(rounded).all()
    assert float(((rounded - exact).norm() / exact.norm().clamp_min(1e-12)).detach()) < 0.1


# whose exports take longest, and consist of what the others or tests of their own export
LONG_EXPORTS = {
    *("deeponet", "fno", "graphcast", "integral-unet", "local-no", "lsm", "lsm-irregular", "message-passing"),
    *("mg-tfno", "sphere-unet", "swin", "tfno"),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, id=f"{name}/{kind}", marks=[pytest.mark.slow] * (name in LONG_EXPORTS))
        for name, kind in first_examples()
    ],
)
def test_graphs_answer_alike_for_any_batch(name: str, kind: str) -> None:
    check_export(build_tiny(name, kind))


@pytest.mark.slow
def test_every_operator_compiles_in_one_piece() -> None:
    program = Path(__file__).with_name("compiled_catalogue.py")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    worst = json.loads(done.stdout)
    assert set(worst) == set(OPERATORS)
    assert max(worst.values()) < 1e-4, worst


@ONCE
def test_dropout_and_norms_are_quiet_when_evaluated(name: str, kind: str) -> None:
    operator, given = build_tiny(name, kind), inputs_on(kind, 2)
    state = {key: value.clone() for key, value in operator.state_dict().items()}
    torch.testing.assert_close(operator(given), operator(given), rtol=0, atol=0)
    assert all(torch.equal(value, state[key]) for key, value in operator.state_dict().items())
    assert not any(module.training for module in operator.modules() if isinstance(module, nn.Module))
