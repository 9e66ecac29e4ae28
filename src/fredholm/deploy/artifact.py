"""Artifacts: a trained operator on disk, as a directory.

    manifest.json              architecture, signature, provenance, measured accuracy, exports; digests of all files
    weights.safetensors        parameters and buffers
    calibration.safetensors    error bars and limits, once it is calibrated
    *.onnx                     exported graphs, once there are any

Loading checks the manifest against its own digest and every file against the manifest, builds the operator from
classes that are already defined, and executes nothing that the directory holds.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np
import torch
from torch import Tensor

from fredholm import __version__
from fredholm.deploy.stored_module import restored, tensor_bytes
from fredholm.errors import ArtifactError, DamagedFileError, FutureVersionError
from fredholm.evaluation.calibration import BandedPrediction, Calibration, Examination
from fredholm.fields.signature import Inputs, Signature, require_finite
from fredholm.layers.architecture import describe
from fredholm.operators.operator import Operator
from fredholm.problems.problem import Problem
from fredholm.problems.registry import PROBLEMS, problem_named

FORMAT = 2  # 2: with a calibration
MANIFEST, WEIGHTS, CALIBRATION = "manifest.json", "weights.safetensors", "calibration.safetensors"
_ASIDE = "old"
_FILE_NAME = re.compile(r"\w[\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself.

    `architecture` is what `layers.architecture.describe` made of the operator; `files` maps names to SHA-256 digests;
    `certificates` holds what every export was checked for; `calibration` the architecture of the calibration, and
    the samples that it was made of.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    architecture: dict[str, Any]
    signature: dict[str, Any]
    files: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)
    accuracy: dict[str, Any] = field(default_factory=dict)
    certificates: list[dict[str, Any]] = field(default_factory=list)
    calibration: dict[str, Any] | None = None
    version: str = __version__
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """SHA-256 of all that it says, which tells versions of an artifact apart."""
        return _digest(vars(self))


@dataclass(frozen=True)
class Artifact:
    """An operator that was loaded, with its manifest and its place on disk."""

    operator: Operator
    manifest: Manifest
    path: Path
    calibration: Calibration | None = None

    @property
    def signature(self) -> Signature:
        """Typed inputs and output."""
        return self.operator.signature

    @property
    def problem(self) -> Problem | None:
        """The problem whose data trained the operator, where it is one of the toolkit's."""
        recorded: Any = self.manifest.provenance.get("problem")
        name = recorded.get("name") if isinstance(recorded, dict) else None
        if not isinstance(name, str) or name not in PROBLEMS:
            return None
        return problem_named(name, recorded.get("parameters"))

    @overload
    def predict(
        self,
        inputs: Mapping[str, Tensor | np.ndarray],
        query: Tensor | np.ndarray | None = None,
        *,
        band: None = None,
        simultaneous: bool = False,
    ) -> Tensor: ...

    @overload
    def predict(
        self,
        inputs: Mapping[str, Tensor | np.ndarray],
        query: Tensor | np.ndarray | None = None,
        *,
        band: float,
        simultaneous: bool = False,
    ) -> BandedPrediction: ...

    def predict(
        self,
        inputs: Mapping[str, Tensor | np.ndarray],
        query: Tensor | np.ndarray | None = None,
        *,
        band: float | None = None,
        simultaneous: bool = False,
    ) -> Tensor | BandedPrediction:
        """The operator's output, after checking names, shapes and values; with a `band` of that level, if asked for.

        The band holds at each point with that probability or, if `simultaneous`, over the whole field at once. Raises
        SignatureError for what does not fit, ArtifactError for a band of an artifact that is not calibrated.

        >>> artifact.predict(inputs, band=0.9).upper  # doctest: +SKIP
        """
        given, points = self.checked(inputs, query)
        with torch.inference_mode():
            values: Tensor = self.operator(given, points)
            return values if band is None else self.banded(values, given, points, band, simultaneous)

    def banded(
        self, values: Tensor, inputs: Inputs, query: Tensor | None, level: float, simultaneous: bool
    ) -> BandedPrediction:
        """Values that the operator has answered to checked inputs, with their band."""
        half = self.error_bars.half_width(inputs, query, level=level, simultaneous=simultaneous)
        return BandedPrediction(values, values - half, values + half)

    def examine(self, inputs: Mapping[str, Tensor | np.ndarray]) -> Examination:
        """Is there reason to doubt the answers? Distance from the training inputs, residual and imbalance, with limits.

        Residual and imbalance are those of the answers on the output domain, where the problem has them. Raises
        ArtifactError if the artifact is not calibrated.

        >>> artifact.examine(inputs).passed  # doctest: +SKIP
        tensor([ True, False])
        """
        calibration, (given, _) = self.error_bars, self.checked(inputs, None)
        with torch.inference_mode():
            return calibration.examine(given, self.operator(given), self.problem)

    @property
    def error_bars(self) -> Calibration:
        """The calibration; raises ArtifactError if there is none."""
        if self.calibration is None:
            raise ArtifactError(f"{self.path} has no error bars: run `fredholm calibrate {self.path} DATA` first")
        return self.calibration

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
    path = Path(path)
    weights = tensor_bytes(operator)
    for what, entries in (("provenance", provenance), ("accuracy", accuracy)):
        for name, value in (entries or {}).items():
            _require_json(f"{what}[{name!r}]", value)
    manifest = Manifest(
        describe(operator),
        operator.signature.to_json(),
        {WEIGHTS: sha256_of(weights)},
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
    weights = _named(WEIGHTS, contents, path)
    operator = restored(
        Operator,  # type: ignore[type-abstract]  # compared with, not called
        manifest.architecture,
        weights,
        path / MANIFEST,
        path / WEIGHTS,
    )
    if json.loads(json.dumps(operator.signature.to_json())) != manifest.signature:
        raise DamagedFileError(f"{path / MANIFEST}: signature and architecture disagree: the manifest was edited")
    return Artifact(operator, manifest, path, _calibration_of(operator, manifest, contents, path))


def _calibration_of(
    operator: Operator, manifest: Manifest, contents: Mapping[str, bytes], path: Path
) -> Calibration | None:
    if manifest.calibration is None:
        return None
    architecture, content = manifest.calibration.get("architecture"), _named(CALIBRATION, contents, path)
    calibration = restored(Calibration, architecture, content, path / MANIFEST, path / CALIBRATION)
    channels = len(operator.signature.output.channels)
    if calibration.output_domain != operator.output_domain or len(calibration.floor) != channels:
        raise DamagedFileError(f"{path / MANIFEST}: the calibration is of another operator: calibrate again")
    return calibration


def _named(name: str, contents: Mapping[str, bytes], path: Path) -> bytes:
    if name not in contents:
        raise DamagedFileError(f"{path / MANIFEST} names no {name}: the artifact is incomplete, save it again")
    return contents[name]


def read_manifest(path: Path) -> Manifest:
    """The manifest of an artifact, checked against its digest; raises ArtifactError."""
    from pydantic import TypeAdapter, ValidationError

    file = path / MANIFEST
    try:
        entries = json.loads(_plain(file).read_bytes())
        version, digest = entries["format"], entries.pop("sha256")
    except OSError as error:
        raise ArtifactError(_no_manifest(path, error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(f"{file} is not a manifest: {error!r}; it is truncated or was edited") from error
    if type(version) is not int or version < 1:
        raise DamagedFileError(f"{file} is not a manifest: its format is {version!r}; it was edited")
    if version > FORMAT:
        raise FutureVersionError(f"{file} has format {version}, this version reads up to {FORMAT}: update fredholm")
    if digest != _digest(entries):
        raise DamagedFileError(f"{file} differs from its digest: it was edited; save the operator again")
    try:
        return TypeAdapter(Manifest).validate_python(entries)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DamagedFileError(f"{file} is not a manifest: {where}: {first['msg']}; save the operator again") from error


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


def _checked(path: Path, name: str, digest: str) -> bytes:
    if not _FILE_NAME.fullmatch(name):
        raise DamagedFileError(f"{path / MANIFEST} names the file {name!r}, which is not in the artifact's directory")
    file = path / name
    try:
        content = _plain(file).read_bytes()
    except OSError as error:
        raise DamagedFileError(f"{file} cannot be read: {error}; copy the whole artifact again") from error
    if sha256_of(content) != digest:
        raise DamagedFileError(f"{file} differs from the manifest's digest: it is truncated or was edited")
    return content


def _plain(file: Path) -> Path:
    """The file, unless it is something else: a pipe would be read for ever."""
    if file.exists() and not file.is_file():
        raise DamagedFileError(f"{file} is no plain file: copy the whole artifact again")
    return file


def _require_json(what: str, value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise ArtifactError(
            f"{what} cannot be written to {MANIFEST}: {error}; expected numbers, text or lists"
        ) from error


def sha256_of(content: bytes) -> str:
    """Digest of a file, as a manifest holds it."""
    return hashlib.sha256(content).hexdigest()


def _digest(entries: Mapping[str, Any]) -> str:
    return sha256_of(json.dumps(entries, sort_keys=True).encode())
