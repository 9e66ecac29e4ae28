"""Damage of every kind, at random: an artifact loads as it was saved, or an ArtifactError says what is wrong with it.

Unsealed damage is what disks and copies do: some digest no longer agrees, and nothing but the old operator may load.
Sealed damage is done on purpose, with all digests made to agree again: it may load as another operator, and may raise
nothing but ArtifactError.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_operators import PLANE, SIGNATURE, deeponet, inputs

from fredholm.data import Dataset
from fredholm.deploy import Artifact, calibrate, load, save
from fredholm.deploy.artifact import CALIBRATION, MANIFEST, WEIGHTS
from fredholm.errors import (
    ArtifactError,
    DamagedFileError,
    ForeignArchitectureError,
    FutureVersionError,
    MissingTensorError,
)
from fredholm.operators import Operator
from fredholm.problems import Darcy

Contents = dict[str, bytes]
Damage = Callable[[Contents], None]
FILES = st.sampled_from([MANIFEST, WEIGHTS, CALIBRATION])
PLACES = st.floats(0, 1, exclude_max=True)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["\ud800", "..", "", "a\0b", MANIFEST, "DeepONet", "torch.nn.ReLU", "F32", 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _bytes_changed(draw: st.DrawFn) -> Damage:
    """Flipped, cut, inserted or foreign bytes; files removed or exchanged."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "replace", "remove", "exchange"]))
    file, other, place = draw(FILES), draw(FILES), draw(PLACES)
    mask, more = draw(st.integers(1, 255)), draw(st.binary(min_size=1, max_size=16))

    def damage(contents: Contents) -> None:
        content = contents.get(file, b"")
        at = int(place * len(content))
        if kind == "flip" and content:
            contents[file] = content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]
        elif kind == "cut":
            contents[file] = content[:at]
        elif kind == "insert":
            contents[file] = content[:at] + more + content[at:]
        elif kind == "replace":
            contents[file] = more
        elif kind == "remove":
            contents.pop(file, None)
        elif kind == "exchange" and file in contents and other in contents:
            contents[file], contents[other] = contents[other], contents[file]

    return damage


@st.composite
def _json_changed(draw: st.DrawFn) -> Damage:
    """One entry replaced, removed or added, somewhere in the manifest or in the header of a file of tensors."""
    file, value, steps = draw(FILES), draw(JSON), draw(st.lists(PLACES, min_size=1, max_size=9))
    kind, name = draw(st.sampled_from(["set", "remove", "add"])), draw(st.text(max_size=6))

    def damage(contents: Contents) -> None:
        content = contents.get(file, b"")
        length = 0 if file == MANIFEST else int.from_bytes(content[:8], "little")
        head = content if file == MANIFEST else content[8 : 8 + length]
        try:
            entries = json.loads(head)
        except (ValueError, RecursionError):
            return
        _change(entries, steps, kind, name, value)
        changed = json.dumps(entries).encode()
        contents[file] = (
            changed if file == MANIFEST else len(changed).to_bytes(8, "little") + changed + content[8 + length :]
        )

    return damage


def _change(entries: Any, steps: list[float], kind: str, name: str, value: Any) -> None:
    """Walk down by fractions of the keys, and change what is there."""
    place = entries
    for step, more in zip(steps, [*steps[1:], None], strict=True):
        if not isinstance(place, dict | list) or not place:
            return
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[int(step * len(keys))]
        if more is None or not isinstance(place[key], dict | list) or not place[key]:
            if kind == "set":
                place[key] = value
            elif kind == "remove":
                del place[key]
            elif isinstance(place, dict):
                place[name] = value
            else:
                place.append(value)
            return
        place = place[key]


def sealed(contents: Contents) -> None:
    """Make all digests agree, where there is a manifest to hold them."""
    try:
        entries = json.loads(contents.get(MANIFEST, b""))
        for name in entries["files"]:
            if name in contents and name != MANIFEST:
                entries["files"][name] = hashlib.sha256(contents[name]).hexdigest()
        entries.pop("sha256", None)
        entries["sha256"] = hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    contents[MANIFEST] = json.dumps(entries).encode()


def bits(artifact: Artifact) -> tuple[dict[str, bytes], dict[str, bytes]]:
    modules = (artifact.operator, artifact.calibration)
    first, second = (
        {} if module is None else {name: tensor.numpy().tobytes() for name, tensor in module.state_dict().items()}
        for module in modules
    )
    return first, second


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An operator with error bars, and provenance of several kinds."""
    path = tmp_path_factory.mktemp("fuzz") / "operator"
    save(deeponet(), path, provenance={"seed": 3, "problem": {"name": "none", "parameters": {}}})
    given = inputs(40)
    with torch.no_grad():
        truth = deeponet()(given)
    noise = 0.1 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    return calibrate(path, Dataset.from_arrays(SIGNATURE, PLANE, given, truth + noise), progress=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "operator"


CASES = st.one_of(
    st.tuples(st.lists(_bytes_changed() | _json_changed(), min_size=1, max_size=3), st.booleans()),
    st.tuples(st.lists(_json_changed(), min_size=1, max_size=2), st.just(True)),  # most get past the digests
    st.tuples(st.lists(_json_changed(), min_size=1, max_size=1), st.just(True)),
)
RELAXED = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


def survives(saved: Artifact, place: Path, damages: list[Damage], seal: bool) -> None:
    contents = {name: (saved.path / name).read_bytes() for name in (MANIFEST, WEIGHTS, CALIBRATION)}
    for damage in damages:
        damage(contents)
    if seal:
        sealed(contents)
    place.mkdir(exist_ok=True)
    for name in (MANIFEST, WEIGHTS, CALIBRATION):
        (place / name).unlink(missing_ok=True)
        if name in contents:
            (place / name).write_bytes(contents[name])
    try:
        loaded = load(place)
    except ArtifactError as error:
        assert str(place) in str(error)  # noqa: PT017 - the message must name the place
        return
    if not seal:
        assert bits(loaded) == bits(saved)
        assert loaded.manifest == load(saved.path).manifest


@settings(RELAXED, max_examples=300)
@given(case=CASES)
def test_damage_loads_as_it_was_or_is_an_artifact_error(
    saved: Artifact, place: Path, case: tuple[list[Damage], bool]
) -> None:
    survives(saved, place, *case)


@pytest.mark.slow
@settings(RELAXED, max_examples=10_000)
@given(case=CASES)
def test_ten_thousand_damages(saved: Artifact, place: Path, case: tuple[list[Damage], bool]) -> None:
    survives(saved, place, *case)


@pytest.fixture
def copy(saved: Artifact, tmp_path: Path) -> Path:
    for name in (MANIFEST, WEIGHTS, CALIBRATION):
        (tmp_path / name).write_bytes((saved.path / name).read_bytes())
    return tmp_path


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    entries = json.loads((path / MANIFEST).read_text())
    change(entries)
    contents = {file.name: file.read_bytes() for file in path.iterdir()} | {MANIFEST: json.dumps(entries).encode()}
    sealed(contents)
    (path / MANIFEST).write_bytes(contents[MANIFEST])


def test_each_kind_of_damage_has_an_error_of_its_own(copy: Path) -> None:
    good = (copy / WEIGHTS).read_bytes()
    (copy / WEIGHTS).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match=r"weights.safetensors differs from the manifest's digest"):
        load(copy)
    (copy / WEIGHTS).write_bytes(good)
    resealed(copy, lambda entries: entries["architecture"].update(type="FourierNetOfTomorrow"))
    with pytest.raises(ForeignArchitectureError, match="unknown building block 'FourierNetOfTomorrow'"):
        load(copy)
    resealed(copy, lambda entries: entries.update(format=99))
    with pytest.raises(FutureVersionError, match=r"has format 99, this version reads up to 2: update fredholm"):
        load(copy)


def test_a_missing_normaliser_is_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    problem, path = Darcy(points=16), tmp_path / "normalised"
    given = problem.sample(4, seed=0)
    operator = Operator.build(problem.signature, "deeponet/tiny", problem.output_domain)
    save(operator.adapted(given, problem.solve(given)), path)
    entries = json.loads((path / MANIFEST).read_text())
    del entries["architecture"]["arguments"]["transform"]  # of the output, which is kept as numbers
    (path / MANIFEST).write_text(json.dumps(entries))
    with pytest.raises(DamagedFileError, match=r"manifest.json differs from its digest"):
        load(path)
    save(operator.adapted(given, problem.solve(given)), path)
    tensors = load_file(path / WEIGHTS)
    del tensors["branch.sensors.deviation"]  # of the input, which is kept as a tensor
    save_file(tensors, path / WEIGHTS)
    resealed(path, lambda entries: None)
    with pytest.raises(MissingTensorError, match=r"tensor 'branch\.sensors\.deviation' is missing, the architecture"):
        load(path)


def test_an_artifact_of_the_first_format_loads(copy: Path) -> None:
    def before_calibration(entries: dict[str, Any]) -> None:
        del entries["calibration"], entries["files"][CALIBRATION]
        entries["format"] = 1

    resealed(copy, before_calibration)
    assert load(copy).calibration is None


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
def test_what_is_no_file_is_not_read(copy: Path, name: str) -> None:
    (copy / name).unlink()
    os.mkfifo(copy / name)  # which nobody will ever write to
    with pytest.raises(DamagedFileError, match=f"{name} is no plain file"):
        load(copy)


def test_names_that_no_file_can_have_are_refused(copy: Path) -> None:
    for name in ("\ud800", "", "..", "a\0b", "sub/file", "-rf"):
        resealed(copy, lambda entries, name=name: entries["files"].update({name: "0"}))
        with pytest.raises(DamagedFileError, match="names the file"):
            load(copy)
        resealed(copy, lambda entries, name=name: entries["files"].pop(name))
