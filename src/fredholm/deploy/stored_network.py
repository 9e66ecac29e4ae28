"""Networks that are no operators, such as learned priors and reconstructors, in a directory: JSON and safetensors.

    network.json          the architecture, and the digest of the weights
    network.safetensors   the weights

Nothing in it is executed: a network is built from classes that are defined here, and compared with its weights.
"""

import json
from pathlib import Path
from typing import TypeVar

from torch import nn

from fredholm.deploy.artifact import sha256_of
from fredholm.deploy.stored_module import restored, tensor_bytes
from fredholm.errors import ArtifactError, DamagedFileError
from fredholm.layers.architecture import describe

Network = TypeVar("Network", bound=nn.Module)
_ABOUT, _WEIGHTS = "network.json", "network.safetensors"


def save_network(network: nn.Module, directory: str | Path) -> Path:
    """Write a network of described classes; an older one in the same directory is replaced.

    Raises ArtifactError for arguments that cannot be described, weights that are not finite, or a place that cannot be
    written.
    """
    directory, content = Path(directory), tensor_bytes(network)
    about = {"architecture": describe(network), "sha256": sha256_of(content)}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / _WEIGHTS).write_bytes(content)
        (directory / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    except OSError as error:
        raise ArtifactError(f"the network cannot be written to {directory}: {error}") from error
    return directory


def load_network(directory: str | Path, kind: type[Network]) -> Network:
    """The network of `kind` that was saved, in `eval` mode and float32.

    Raises ArtifactError or one of its kinds, naming the file that is gone, damaged, or of another kind.
    """
    about, weights = Path(directory) / _ABOUT, Path(directory) / _WEIGHTS
    try:
        described, content = json.loads(about.read_text(encoding="utf-8")), weights.read_bytes()
        architecture, digest = described["architecture"], described["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{directory} holds no saved network: {error!r}") from error
    if sha256_of(content) != digest:
        raise DamagedFileError(f"{weights} is not the file that was saved: copy the network again")
    return restored(kind, architecture, content, about, weights)
