"""Artifacts: a trained operator on disk, as a directory.

    manifest.json          architecture, signature, provenance, measured accuracy, exports; digests of all files
    weights.safetensors    parameters and buffers
    *.onnx                 exported graphs, once there are any

Loading checks the manifest against its own digest and every file against the manifest, builds the operator from
classes that are already defined, and executes nothing that the directory holds.
"""

import glob
import hashlib
import json
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm import __version__, layers, operators
from fredholm.errors import ArtifactError, FredholmError
from fredholm.fields.signature import Inputs, Signature, require_finite
from fredholm.layers.architecture import build, describe
from fredholm.operators.operator import Operator

FORMAT = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"
_ASIDE = "old"


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself.

    `architecture` is what `layers.architecture.describe` made of the operator; `files` maps names to SHA-256 digests;
    `certificates` holds what every export was checked for.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    architecture: dict[str, Any]
    signature: dict[str, Any]
    files: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)
    certificates: list[dict[str, Any]] = field(default_factory=list)
    version: str = __version__
    format: int = FORMAT


@dataclass(frozen=True)
class Artifact:
    """An operator that was loaded, with its manifest and its place on disk."""

    operator: Operator
    manifest: Manifest
    path: Path

    @property
    def signature(self) -> Signature:
        """Typed inputs and output."""
        return self.operator.signature

    def predict(self, inputs: Mapping[str, Tensor | np.ndarray], query: Tensor | np.ndarray | None = None) -> Tensor:
        """The operator's output, after checking names, shapes and values; raises SignatureError."""
        given, points = self.checked(inputs, query)
        with torch.inference_mode():
            return self.operator(given, points)

    def checked(
        self, inputs: Mapping[str, Tensor | np.ndarray], query: Tensor | np.ndarray | None
    ) -> tuple[Inputs, Tensor | None]:
        """Inputs and query as float32 tensors that fit the signature; raises SignatureError naming what does not."""
        given = {name: torch.as_tensor(values, dtype=torch.float32) for name, values in inputs.items()}
        points = None if query is None else torch.as_tensor(query, dtype=torch.float32)
        self.signature.check(given, points, finite=True)
        self.operator.require_query(points)
        if points is not None:
            require_finite("query", points)
        return given, points

    def read(self, name: str) -> bytes:
        """A file of the artifact, checked against its digest; raises ArtifactError."""
        return _checked(self.path, name, self.manifest.files[name])


def save(
    operator: Operator,
    path: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    accuracy: Mapping[str, Any] | None = None,
) -> Artifact:
    """Write an operator to the directory `path`, replacing an artifact that is there.

    Raises ArtifactError for weights that are not finite, an operator that cannot be described, provenance or accuracy
    that JSON cannot hold, or a place that holds something else. What was there before then stays.

    >>> artifact = save(operator, "runs/room/artifact")  # doctest: +SKIP
    """
    from safetensors.torch import save as to_bytes

    path = Path(path)
    # copies, because tensors that share memory (tied weights) cannot be written as they stand
    state = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in operator.state_dict().items()
    }
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ArtifactError(f"weight {name!r} is not finite: an operator that diverged is not saved")
    for what, entries in (("provenance", provenance), ("accuracy", accuracy)):
        for name, value in (entries or {}).items():
            _require_json(f"{what}[{name!r}]", value)
    weights = to_bytes(state)
    manifest = Manifest(
        describe(operator),
        operator.signature.to_json(),
        {WEIGHTS: _sha256(weights)},
        dict(provenance or {}),
        dict(accuracy or {}),
    )
    replace_artifact(path, manifest, {WEIGHTS: weights})
    return Artifact(operator, manifest, path)


def load(path: str | Path) -> Artifact:
    """Read an artifact; raises ArtifactError naming the file that is missing, truncated, edited or of an unknown kind.

    >>> load("runs/room/artifact").operator  # doctest: +SKIP
    """
    path = Path(path)
    manifest = read_manifest(path)
    contents = {name: _checked(path, name, digest) for name, digest in manifest.files.items()}
    if WEIGHTS not in contents:
        raise ArtifactError(f"{path / MANIFEST} names no {WEIGHTS}: the artifact is incomplete, save it again")
    _define_building_blocks()
    try:
        operator = build(manifest.architecture)
    except FredholmError as error:
        raise ArtifactError(f"{path / MANIFEST}: {error}; import the module that defines it first") from error
    except Exception as error:  # constructors raise many kinds; all mean that these arguments build no operator
        raise ArtifactError(f"{path / MANIFEST}: the architecture cannot be built: {error}") from error
    if not isinstance(operator, Operator):
        raise ArtifactError(f"{path / MANIFEST}: the architecture is no operator but {type(operator).__name__}")
    _load_weights(operator, contents[WEIGHTS], path / WEIGHTS)
    if json.loads(json.dumps(operator.signature.to_json())) != manifest.signature:
        raise ArtifactError(f"{path / MANIFEST}: signature and architecture disagree: the manifest was edited")
    return Artifact(operator.eval(), manifest, path)


def read_manifest(path: Path) -> Manifest:
    """The manifest of an artifact, checked against its digest; raises ArtifactError."""
    from pydantic import TypeAdapter, ValidationError

    file = path / MANIFEST
    try:
        entries = json.loads(file.read_bytes())
        version, digest = entries["format"], entries.pop("sha256")
    except OSError as error:
        raise ArtifactError(_no_manifest(path, error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{file} is not a manifest: {error!r}; it is truncated or was edited") from error
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise ArtifactError(f"{file} has format {version}, this version reads up to {FORMAT}: update fredholm")
    if digest != _digest(entries):
        raise ArtifactError(f"{file} differs from its digest: it was edited; save the operator again")
    try:
        return TypeAdapter(Manifest).validate_python(entries)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactError(f"{file} is not a manifest: {where}: {first['msg']}; save the operator again") from error


def replace_artifact(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    """Write an artifact's directory beside its place and rename it there, the old one out of the way first.

    Raises ArtifactError if something else is there or it cannot be written; the old artifact is then put back. Between
    the two renames there is none: a reader is told so, and a process that is killed leaves both beside the place.
    """
    if path.exists() and not (path / MANIFEST).is_file():
        raise ArtifactError(f"{path} exists and is no artifact: choose another place")
    entries = vars(manifest)
    text = json.dumps({**entries, "sha256": _digest(entries)}, indent=1)
    staging = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        _write(staging / "new", {**contents, MANIFEST: text.encode()})
        _exchange(path, staging / "new", staging / _ASIDE)
    except OSError as error:
        raise ArtifactError(
            f"artifact {path} cannot be written: {error}; what was there before is untouched"
        ) from error
    finally:
        if staging is not None and (path.exists() or not (staging / _ASIDE).exists()):  # never the only copy
            shutil.rmtree(staging, ignore_errors=True)


def _write(directory: Path, contents: Mapping[str, bytes]) -> None:
    directory.mkdir()
    for name, content in contents.items():
        with open(directory / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())


def _exchange(path: Path, fresh: Path, aside: Path) -> None:
    """Put `fresh` in the place `path` and what was there `aside`, or leave all as it was."""
    if path.exists():
        path.rename(aside)
    try:
        fresh.rename(path)
    except BaseException:
        if aside.exists():
            aside.rename(path)
        raise


def _no_manifest(path: Path, error: OSError) -> str:
    """Why there is no manifest, and where an interrupted save left the artifact."""
    if path.is_dir():
        return f"{path} is no artifact: its {MANIFEST} cannot be read ({error.strerror}); expected what `save` wrote"
    left = sorted(path.parent.glob(f".{glob.escape(path.name)}.*/{_ASIDE}/{MANIFEST}"))
    if left:
        return f"{path} was being replaced when the save was cut short: move {left[0].parent} to {path}"
    return f"{path} is no artifact: it does not exist; expected a directory that `save` wrote, with a {MANIFEST}"


def _define_building_blocks() -> None:
    """Import the toolkit's own layers and operators, which an architecture may name; nothing that a file names."""
    for package in (layers, operators):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def _load_weights(operator: Operator, content: bytes, file: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load as from_bytes

    try:
        state = from_bytes(content)
    except SafetensorError as error:
        raise ArtifactError(f"{file} is not a safetensors file: {error}") from error
    expected = operator.state_dict()
    for name in sorted(set(expected) | set(state)):
        here, there = expected.get(name), state.get(name)
        if here is None or there is None or here.shape != there.shape or here.dtype != there.dtype:
            was, wanted = (f"{tuple(t.shape)} {t.dtype}" if t is not None else "missing" for t in (there, here))
            raise ArtifactError(f"{file}: tensor {name!r} is {was}, the architecture expects {wanted}")
        if not bool(torch.isfinite(there).all()):
            raise ArtifactError(f"{file}: tensor {name!r} is not finite")
    operator.load_state_dict(state)


def _checked(path: Path, name: str, digest: str) -> bytes:
    if Path(name).name != name or "\0" in name:
        raise ArtifactError(f"{path / MANIFEST} names the file {name!r}, which is not in the artifact's directory")
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path / name} cannot be read: {error}; copy the whole artifact again") from error
    if _sha256(content) != digest:
        raise ArtifactError(f"{path / name} differs from the manifest's digest: it is truncated or was edited")
    return content


def _require_json(what: str, value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ArtifactError(
            f"{what} cannot be written to {MANIFEST}: {error}; expected numbers, text or lists"
        ) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(entries: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(entries, sort_keys=True).encode())
