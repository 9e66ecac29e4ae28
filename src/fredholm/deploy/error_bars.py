"""Calibrate a saved operator: its error bars and limits are kept in the artifact, beside its weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fredholm.data.dataset import Dataset
from fredholm.deploy.artifact import CALIBRATION, FORMAT, Artifact, load, replace_artifact, sha256_of
from fredholm.deploy.stored_module import tensor_bytes
from fredholm.errors import DataError
from fredholm.evaluation.calibration import fit_calibration
from fredholm.evaluation.spread import Spread
from fredholm.layers.architecture import describe


def calibrate(
    artifact: Artifact | str | Path,
    data: Dataset,
    *,
    training: Dataset | None = None,
    spread: Spread | None = None,
    levels: Sequence[float] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Artifact:
    """Add error bars to an artifact, made of samples that its operator has not seen; those it had are replaced.

    The arguments are those of `evaluation.calibration.fit_calibration`. Raises DataError for the very samples that
    trained the operator, and for too few of them; the artifact then stays as it was.

    >>> artifact = calibrate("runs/room/artifact", unseen)  # doctest: +SKIP
    >>> artifact.predict(inputs, band=0.9).lower  # doctest: +SKIP
    """
    from rich.console import Console

    artifact = artifact if isinstance(artifact, Artifact) else load(artifact)
    fingerprint = data.fingerprint()
    if fingerprint == artifact.manifest.provenance.get("data"):
        raise DataError("these samples trained the operator, whose errors on them tell nothing: take unseen ones")
    with Console(stderr=True, quiet=not progress).status(f"calibrating with {len(data)} samples"):
        calibration = fit_calibration(
            artifact.operator,
            data,
            training=training,
            problem=artifact.problem,
            spread=spread,
            levels=levels,
            seed=seed,
        )
        content = tensor_bytes(calibration)
    about = {
        "architecture": describe(calibration),
        "levels": list(calibration.levels),
        "checks": list(calibration.checks),
        "samples": len(data),
        "data": fingerprint,
        "seed": seed,
    }
    files = {**artifact.manifest.files, CALIBRATION: sha256_of(content)}
    manifest = replace(artifact.manifest, files=files, calibration=about, format=FORMAT)
    contents = {name: artifact.read(name) for name in artifact.manifest.files if name != CALIBRATION}
    replace_artifact(artifact.path, manifest, {**contents, CALIBRATION: content})
    return Artifact(artifact.operator, manifest, artifact.path, calibration)
