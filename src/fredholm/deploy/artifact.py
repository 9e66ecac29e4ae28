"""Artifacts: a trained operator on disk, as a directory.

    manifest.json          architecture, signature, provenance, measured accuracy, exports; digests of all files
    weights.safetensors    parameters and buffers
    *.onnx                 exported graphs, once there are any

Loading checks the manifest against its own digest and every file against the manifest, builds the operator from
classes that are already defined, and executes nothing that the directory holds.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fredholm import __version__
from fredholm.errors import ArtifactError, FredholmError
from fredholm.fields.signature import Signature
from fredholm.layers.architecture import build, describe
from fredholm.operators.operator import Operator

FORMAT = 1
MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself.

    `architecture` is what `layers.architecture.describe` made of the operator; `files` maps names to SHA-256 digests;
    `certificates` holds what every export was checked for.
    """

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

    def predict(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """The operator's output, after checking names, shapes and values; raises SignatureError."""
        given = {name: torch.as_tensor(values, dtype=torch.float32) for name, values in inputs.items()}
        query = None if query is None else torch.as_tensor(query, dtype=torch.float32)
        self.signature.check(given, query, finite=True)
        self.operator.require_query(query)
        with torch.inference_mode():
            return self.operator(given, query)


def save(
    operator: Operator,
    path: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
    accuracy: Mapping[str, Any] | None = None,
) -> Artifact:
    """Write an operator to the directory `path`, replacing an artifact that is there; whoever reads sees old or new.

    Raises ArtifactError for weights that are not finite, an operator that cannot be described, or a place that holds
    something else.

    >>> artifact = save(operator, "runs/room/artifact")  # doctest: +SKIP
    """
    from safetensors.torch import save as to_bytes

    path = Path(path)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in operator.state_dict().items()}
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ArtifactError(f"weight {name!r} is not finite: an operator that diverged is not saved")
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
    try:
        operator = build(manifest.architecture)
    except FredholmError as error:
        raise ArtifactError(f"{path / MANIFEST}: {error}; import the module that defines it first") from error
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise ArtifactError(f"{path / MANIFEST}: the architecture cannot be built: {error}") from error
    if not isinstance(operator, Operator):
        raise ArtifactError(f"{path / MANIFEST}: the architecture is no operator but {type(operator).__name__}")
    _load_weights(operator, contents[WEIGHTS], path / WEIGHTS)
    if operator.signature != Signature.from_json(manifest.signature):
        raise ArtifactError(f"{path / MANIFEST}: signature and architecture disagree: the manifest was edited")
    return Artifact(operator.eval(), manifest, path)


def read_manifest(path: Path) -> Manifest:
    """The manifest of an artifact, checked against its digest; raises ArtifactError."""
    file = path / MANIFEST
    if not file.is_file():
        raise ArtifactError(f"{path} is no artifact: it has no {MANIFEST}; expected a directory that `save` wrote")
    try:
        entries = json.loads(file.read_bytes())
        version = entries["format"]
        digest = entries.pop("sha256")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{file} is not a manifest: {error!r}; it is truncated or was edited") from error
    if not isinstance(version, int) or version > FORMAT:
        raise ArtifactError(f"{file} has format {version}, this version reads up to {FORMAT}: update fredholm")
    if digest != _digest(entries):
        raise ArtifactError(f"{file} differs from its digest: it was edited; save the operator again")
    try:
        return Manifest(**entries)
    except TypeError as error:
        raise ArtifactError(f"{file} is not a manifest: {error}") from error


def replace_artifact(path: Path, manifest: Manifest, contents: Mapping[str, bytes]) -> None:
    """Put an artifact's directory in place in one rename, the old one out of the way first."""
    if path.exists() and not (path / MANIFEST).is_file():
        raise ArtifactError(f"{path} exists and is no artifact: choose another place")
    entries = vars(manifest)
    text = json.dumps({**entries, "sha256": _digest(entries)}, indent=1)
    fresh = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        for name, content in {**contents, MANIFEST: text.encode()}.items():
            with open(fresh / name, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        fresh.chmod(0o755)
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            path.rename(old)
        fresh.rename(path)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        raise ArtifactError(
            f"artifact {path} cannot be written: {error}; what was there before is untouched"
        ) from error


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
    if Path(name).name != name:
        raise ArtifactError(f"{path / MANIFEST} names the file {name!r}, which is not in the artifact's directory")
    try:
        content = (path / name).read_bytes()
    except OSError as error:
        raise ArtifactError(f"{path / name} cannot be read: {error}; copy the whole artifact again") from error
    if _sha256(content) != digest:
        raise ArtifactError(f"{path / name} differs from the manifest's digest: it is truncated or was edited")
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(entries: Mapping[str, Any]) -> str:
    return _sha256(json.dumps(entries, sort_keys=True).encode())
