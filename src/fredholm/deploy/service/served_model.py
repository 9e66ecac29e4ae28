"""A model that is served: the version that answers now, and how another takes its place.

A new version is loaded beside the old one, checked, and swapped in by one assignment. Until then, and for ever if it is
damaged, the old one answers from memory, whatever happens to its files.
"""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fredholm.deploy.artifact import Artifact, load
from fredholm.deploy.service.version import Version
from fredholm.errors import ArtifactError, FredholmError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_EXCHANGE = 0.1  # seconds in which a save puts the new directory into the place of the old one

Stamp = tuple[tuple[str, int, int, int], ...]


class ModelNameError(FredholmError, ValueError):
    """A model that is to be served is not named as it must be."""


class ServedModel:
    """A named place for versions of one model, of which one is current.

    Raises ModelNameError for a name that cannot stand in an address, ArtifactError for an artifact that cannot answer.

    Args:
        name: in addresses and metrics.
        artifact: the first version.
        told: told "swapped" or "refused" whenever a new version was looked at.
    """

    def __init__(self, name: str, artifact: Artifact, told: Callable[[str, str], None]) -> None:
        if not _NAME.fullmatch(name):
            raise ModelNameError(f"{name!r} is no name of a model: expected letters, digits, '_' and '-'")
        self.name, self.path, self._told = name, artifact.path, told
        self.current = Version(name, artifact)
        self.refused: str | None = None
        self._seen: Stamp | None = None
        self._looking = threading.Lock()

    def look(self) -> None:
        """Take what is on disk now if it changed and can be served; else say in `refused` why not."""
        with self._looking:
            if (stamp := _stamp(self.path)) == self._seen:
                return
            try:
                artifact = load(self.path)
                if artifact.manifest.digest != self.current.digest:
                    self.current = self._successor(artifact)
                    self._told(self.name, "swapped")
                self.refused = None
            except Exception as error:  # whatever is wrong with the new version, the old one goes on
                self.refused = str(error) if isinstance(error, FredholmError) else repr(error)
                self._told(self.name, "refused")
            self._seen = stamp

    def summary(self) -> dict[str, Any]:
        """What answers, and whether it is what lies on disk."""
        artifact = self.current.artifact
        return {
            "operator": type(artifact.operator).__name__,
            "problem": artifact.manifest.provenance.get("problem", {}).get("name"),
            "version": self.current.digest,
            "loaded": self.current.loaded,
            "state": "current" if self.refused is None else "outdated",
        }

    def _successor(self, artifact: Artifact) -> Version:
        self.current.artifact.signature.require(artifact.signature, f"the new version of {self.name!r}")
        if missing := sorted(set(self.current.graphs) - set(artifact.manifest.files)):
            raise ArtifactError(f"{self.path} has no {missing[0]} yet: run `fredholm export {self.path}`")
        return Version(self.name, artifact)


def _stamp(path: Path) -> Stamp:
    """Names, sizes, times and numbers of an artifact's files: other ones mean that it was replaced or touched."""
    if not path.exists():
        time.sleep(_EXCHANGE)
    try:
        entries = [(file.name, file.stat()) for file in sorted(path.iterdir())]
    except OSError:
        return ()
    return tuple((name, status.st_size, status.st_mtime_ns, status.st_ino) for name, status in entries)
