"""An artifact gives back the bits it was given, or an ArtifactError that says which file is wrong: nothing else."""

import hashlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from small_operators import PLANE, SIGNATURE, OnItsGrid, deeponet, inputs, points

from fredholm.deploy import Artifact, load, save
from fredholm.errors import ArtifactError, SignatureError

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    path = tmp_path_factory.mktemp("artifact") / "operator"
    return save(deeponet(), path, provenance={"seed": 3, "iterations": 10}, accuracy={"relative_l2": 0.25})


@pytest.fixture
def copy(saved: Artifact, tmp_path: Path) -> Path:
    shutil.copytree(saved.path, tmp_path / "operator")
    return tmp_path / "operator"


def seal(path: Path, entries: dict[str, Any]) -> None:
    """Write a manifest whose own digest is right, as somebody who edits it on purpose would."""
    entries.pop("sha256", None)
    entries["sha256"] = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    (path / MANIFEST).write_text(json.dumps(entries))


def reseal(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    entries = json.loads((path / MANIFEST).read_text())
    change(entries)
    seal(path, entries)


def rewrite_weights(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change tensors and let every digest agree, so that only the tensors are wrong."""
    tensors = load_file(path / WEIGHTS)
    change(tensors)
    save_file(tensors, path / WEIGHTS)
    digest = hashlib.sha256((path / WEIGHTS).read_bytes()).hexdigest()
    reseal(path, lambda entries: entries["files"].update({WEIGHTS: digest}))


def bits(artifact: Artifact) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in artifact.operator.state_dict().items()}


def test_what_is_loaded_is_what_was_saved_to_the_bit(saved: Artifact) -> None:
    again = load(saved.path)
    assert bits(again) == bits(saved)
    assert again.manifest.provenance == {"seed": 3, "iterations": 10}
    assert again.manifest.accuracy == {"relative_l2": 0.25}
    assert again.signature == SIGNATURE
    assert again.operator.output_domain == PLANE
    for query in (None, points(7), points(3, 7)):
        assert torch.equal(again.predict(inputs(3), query), saved.predict(inputs(3), query))


def test_another_process_loads_it_which_has_built_nothing_yet(saved: Artifact) -> None:
    program = f"import fredholm; print(type(fredholm.load({str(saved.path)!r}).operator.branch.network).__name__)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("MLP\n", 0), done.stderr


def test_arrays_and_tensors_are_the_same_to_predict(saved: Artifact) -> None:
    arrays = {name: tensor.double().numpy() for name, tensor in inputs(2).items()}
    assert torch.equal(saved.predict(arrays, points(4).numpy()), saved.predict(inputs(2), points(4)))


def test_values_that_are_not_finite_are_refused(saved: Artifact) -> None:
    wrong = inputs(2)
    wrong["load"][1, 0, 3] = torch.nan
    with pytest.raises(SignatureError, match=r"input 'load' has 1 values .* index \(1, 0, 3\)"):
        saved.predict(wrong)
    query = points(4)
    query[2, 1] = torch.inf
    with pytest.raises(SignatureError, match=r"query has 1 values .* index \(2, 1\)"):
        saved.predict(inputs(2), query)


def test_one_weight_under_two_names_is_saved(tmp_path: Path) -> None:
    operator = OnItsGrid(SIGNATURE, PLANE)
    save(operator, tmp_path / "tied")
    assert torch.equal(load(tmp_path / "tied").predict(inputs(2)), operator(inputs(2)))


def test_saving_again_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "operator"
    save(deeponet(seed=1), path)
    second = save(deeponet(seed=2), path)
    assert bits(load(path)) == bits(second)
    assert os.listdir(tmp_path) == ["operator"]
    assert sorted(os.listdir(path)) == [MANIFEST, WEIGHTS]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_save_that_fails_leaves_the_old_artifact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    path = tmp_path / "operator"
    first = save(deeponet(seed=1), path)
    rename, calls = Path.rename, []

    def disk_trouble(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", disk_trouble)
    with pytest.raises(ArtifactError, match=r"operator cannot be written: .*No space left.*untouched"):
        save(deeponet(seed=2), path)
    assert bits(load(path)) == bits(first)
    assert os.listdir(tmp_path) == ["operator"]


def test_a_save_that_was_killed_says_where_the_artifact_is(copy: Path) -> None:
    left = copy.parent / ".operator.abcd1234"
    left.mkdir()
    copy.rename(left / "old")
    with pytest.raises(ArtifactError, match=r"cut short: move .*abcd1234/old to .*operator"):
        load(copy)


def test_other_directories_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ArtifactError, match="exists and is no artifact"):
        save(deeponet(), tmp_path)
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_what_cannot_be_kept_is_refused_by_name(tmp_path: Path) -> None:
    diverged = deeponet()
    with torch.no_grad():
        diverged.bias[1] = torch.nan
    with pytest.raises(ArtifactError, match="weight 'bias' is not finite"):
        save(diverged, tmp_path / "operator")
    with pytest.raises(ArtifactError, match=r"accuracy\['rmse'\] cannot be written.*float32"):
        save(deeponet(), tmp_path / "operator", accuracy={"rmse": np.float32(0.5)})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda path: shutil.rmtree(path),
            r"operator is no artifact: it does not exist; expected a directory that `save` wrote",
        ),
        (lambda path: (path / MANIFEST).unlink(), r"operator is no artifact: its manifest.json cannot be read"),
        (lambda path: (path / WEIGHTS).unlink(), r"weights.safetensors cannot be read.*copy the whole artifact again"),
        (lambda path: os.truncate(path / WEIGHTS, 100), r"weights.safetensors differs .* truncated or was edited"),
        (lambda path: os.truncate(path / MANIFEST, 100), r"manifest.json is not a manifest: .*truncated"),
        (lambda path: (path / MANIFEST).write_text("3"), r"manifest.json is not a manifest"),
        (lambda path: (path / MANIFEST).write_text("[" * 100_000), r"manifest.json is not a manifest"),
        (
            lambda path: (path / MANIFEST).write_text((path / MANIFEST).read_text().replace("0.25", "0.01")),
            r"manifest.json differs from its digest: it was edited",
        ),
        (lambda path: reseal(path, lambda e: e.update(format=7)), r"has format 7, .* reads up to 2: update fredholm"),
        (lambda path: reseal(path, lambda e: e["architecture"].update(type="DeepOnet")), r"did you mean 'DeepONet'\?"),
        (lambda path: reseal(path, lambda e: e.update(files={})), r"names no weights.safetensors"),
        (lambda path: reseal(path, lambda e: e.update(files=[WEIGHTS])), r"is not a manifest: files: "),
        (lambda path: reseal(path, lambda e: e["files"].update({"../x": "0"})), r"names the file '../x', which is not"),
        (lambda path: reseal(path, lambda e: e.update(hook="x()")), r"is not a manifest: hook: "),
        (lambda path: reseal(path, lambda e: e.update(signature={})), r"signature and architecture disagree"),
        (
            lambda path: reseal(path, lambda e: e.update(architecture={"domain": PLANE.to_json()})),
            r"no operator but Grid",
        ),
        (lambda path: rewrite_weights(path, lambda t: t.pop("bias")), r"tensor 'bias' is missing, .* expects \(2,\)"),
        (lambda path: rewrite_weights(path, lambda t: t.update(extra=torch.ones(1))), r"tensor 'extra' is \(1,\)"),
        (lambda path: rewrite_weights(path, lambda t: t.update(bias=torch.ones(3))), r"'bias' is \(3,\) .* \(2,\)"),
        (lambda path: rewrite_weights(path, lambda t: t.update(bias=t["bias"].double())), r"torch.float64, .*float32"),
        (lambda path: rewrite_weights(path, lambda t: t.update(bias=t["bias"] / 0)), r"tensor 'bias' is not finite"),
    ],
)
def test_every_corruption_is_named(copy: Path, change: Callable[[Path], object], message: str) -> None:
    change(copy)
    with pytest.raises(ArtifactError, match=message):
        load(copy)


class Payload:
    """What would happen if anything here were unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("executed",))


def test_a_pickle_in_place_of_the_weights_is_not_opened(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent)
    payload = pickle.dumps(Payload())
    (copy / WEIGHTS).write_bytes(payload)
    (copy / "weights.pt").write_bytes(payload)
    digest = hashlib.sha256(payload).hexdigest()
    reseal(copy, lambda entries: entries["files"].update({WEIGHTS: digest, "weights.pt": digest}))
    with pytest.raises(ArtifactError, match="not a safetensors file"):
        load(copy)
    assert not Path("executed").exists()
    pickle.loads(payload)  # which would have executed
    assert Path("executed").exists()


def load_or_refuse(path: Path, named: str) -> Artifact | None:
    """The artifact, or None for an ArtifactError that names what is wrong; other errors pass."""
    try:
        return load(path)
    except ArtifactError as error:
        if named not in str(error):
            raise
        return None


RELAXED = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], derandomize=True
)


@settings(RELAXED, max_examples=250)
@given(file=st.sampled_from([MANIFEST, WEIGHTS]), place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_any_flipped_byte_is_noticed(saved: Artifact, copy: Path, file: str, place: float, flip: int) -> None:
    content = bytearray((saved.path / file).read_bytes())
    content[int(place * len(content))] ^= flip
    shutil.copytree(saved.path, copy, dirs_exist_ok=True)
    (copy / file).write_bytes(content)
    loaded = load_or_refuse(copy, file)
    if loaded is not None:  # white space of the manifest, say
        assert file == MANIFEST
        assert (bits(loaded), loaded.manifest) == (bits(saved), load(saved.path).manifest)


@settings(RELAXED, max_examples=60)
@given(file=st.sampled_from([MANIFEST, WEIGHTS]), kept=st.floats(0, 1, exclude_max=True))
def test_any_truncation_is_noticed(saved: Artifact, copy: Path, file: str, kept: float) -> None:
    content = (saved.path / file).read_bytes()
    shutil.copytree(saved.path, copy, dirs_exist_ok=True)
    (copy / file).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ArtifactError, match=file):
        load(copy)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 40) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(RELAXED, max_examples=60)
@given(data=st.data(), value=JSON)
def test_a_manifest_edited_on_purpose_raises_nothing_else(
    saved: Artifact, copy: Path, data: st.DataObject, value: Any
) -> None:
    entries = json.loads((saved.path / MANIFEST).read_text())
    place: Any = entries
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    seal(copy, entries)
    loaded = load_or_refuse(copy, "operator")
    if loaded is not None:
        assert set(bits(loaded)) == set(bits(saved))
