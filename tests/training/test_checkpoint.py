"""What a checkpoint holds comes back as it was, and no other file passes for one."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import TrainingError
from fredholm.training.checkpoint import load_state, save_state

DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.complex64]
tensors = st.builds(
    lambda dtype, shape: (torch.randn(shape) * 3).to(dtype),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 3), max_size=3),
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | tensors
keys = st.text() | st.integers() | st.booleans()
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return (math.isnan(one) and math.isnan(other)) or (one, math.copysign(1, one)) == (
            other,
            math.copysign(1, other),
        )
    return bool(one == other)


@settings(max_examples=60, deadline=None)
@given(state=st.dictionaries(st.text(), trees))
def test_nested_states_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, state: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    save_state(path, state)
    assert same(load_state(path), state)
    content = path.read_bytes()
    save_state(path, state)
    assert path.read_bytes() == content


def test_tensors_that_share_storage_come_back_apart(tmp_path: Path) -> None:
    values = torch.arange(6.0)
    save_state(tmp_path / "s", {"all": values, "part": values[2:4], "turned": values.view(2, 3).T})
    state = load_state(tmp_path / "s")
    assert state["part"].tolist() == [2.0, 3.0]
    assert torch.equal(state["turned"], values.view(2, 3).T)


@pytest.mark.parametrize(
    "optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, torch.optim.Adagrad, torch.optim.LBFGS]
)
def test_the_states_of_optimisers_come_back(tmp_path: Path, optimizer: Any) -> None:
    def stepped(steps: int, path: Path | None = None) -> torch.Tensor:
        x = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
        kind = optimizer([x], lr=0.02, **({"momentum": 0.9} if optimizer is torch.optim.SGD else {}))

        def closure() -> torch.Tensor:
            kind.zero_grad()
            loss = (x**4 - 2 * x**2).sum()
            loss.backward()
            return loss

        if path is not None and path.exists():
            state = load_state(path)
            x.data.copy_(state["x"])
            kind.load_state_dict(state["optimizer"])
        for _ in range(steps):
            kind.step(closure)
        if path is not None:
            save_state(path, {"x": x, "optimizer": kind.state_dict()})
        return x.detach()

    stepped(4, tmp_path / "half")
    whole = stepped(7)
    assert bool(whole.isfinite().all())
    assert torch.equal(stepped(3, tmp_path / "half"), whole)


def test_what_has_no_plain_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="type object cannot be part of a checkpoint"):
        save_state(tmp_path / "s", {"thing": object()})
    assert not list(tmp_path.iterdir())


def test_a_write_that_fails_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    save_state(path, {"a": torch.zeros(2)})

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(TrainingError, match=r"cannot be written: .*No space left.*before it is untouched"):
        save_state(path, {"a": torch.ones(2)})
    assert load_state(path)["a"].tolist() == [0.0, 0.0]
    assert list(tmp_path.iterdir()) == [path]


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    state = {"a": torch.arange(4.0), "rate": 0.1, "name": "x"}
    save_state(path, state)
    content = path.read_bytes()
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x04
        path.write_bytes(damaged)
        try:
            read = load_state(path)
        except TrainingError:
            continue
        assert same(read, state), position  # a byte without meaning, as padding


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere.safetensors cannot be read"):
        load_state(tmp_path / "nowhere.safetensors")
