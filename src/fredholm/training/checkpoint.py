"""Checkpoints: the whole state of a run in one safetensors file, written beside and renamed.

State dictionaries are trees of numbers, strings, lists and tensors. The tensors are stored as such; the tree, with
names in their places, is JSON in the file's metadata, beside a digest of all of it. Nothing in the file can execute.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from fredholm.errors import TrainingError

_METADATA = "fredholm"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` to `path`; whoever reads sees the old file or the new one."""
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_flatten(dict(state), tensors), sort_keys=True)
    metadata = {_METADATA: f"{_digest(tree, tensors)} {tree}"}  # one entry, for their order in the file is not fixed
    partial = path.with_name(path.name + ".partial")
    try:
        with open(partial, "wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TrainingError(f"checkpoint {path} cannot be written: {error}; the one before it is untouched") from error


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote; raises TrainingError for a file that is missing, truncated or edited."""
    try:
        with safe_open(path, "pt") as file:
            digest, _, tree = (file.metadata() or {})[_METADATA].partition(" ")
            # Cloned into torch's own alignment, on which the order of sums in dot products depends.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a mapping
        if digest != _digest(tree, tensors):
            raise ValueError("its digest differs from its contents")
        state: dict[str, Any] = _unflatten(json.loads(tree), tensors)
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read ({error}): delete it to start again, or restore it"
        ) from error
    return state


def _digest(tree: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(tree.encode())
    for name in sorted(tensors):
        values = tensors[name]
        digest.update(f"{name}{values.dtype}{tuple(values.shape)}".encode())
        digest.update(values.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _flatten(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON of a tree; tensors go to `tensors` and leave their names."""
    if isinstance(value, Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.detach().cpu().clone().contiguous()  # storage shared by two entries is stored twice
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"mapping": [[_flatten(key, tensors), _flatten(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_flatten(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_flatten(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": value.hex()}  # exact, and infinities are no JSON
    raise TrainingError(f"a value of type {type(value).__name__} cannot be part of a checkpoint: {value!r}")


def _unflatten(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unflatten(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "float":
        return float.fromhex(content)
    if kind == "tuple":
        return tuple(_unflatten(item, tensors) for item in content)
    if kind == "mapping":
        return {_unflatten(key, tensors): _unflatten(item, tensors) for key, item in content}
    raise ValueError(f"unknown entry {kind!r}")
