"""Modules on disk: an architecture as JSON and tensors as safetensors, from which nothing is executed.

A module is built from classes that are already defined, and its tensors are compared with what the architecture
expects before any is loaded.
"""

import functools
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from fredholm import inverse, layers, operators
from fredholm.errors import (
    ArtifactError,
    DamagedFileError,
    ForeignArchitectureError,
    FredholmError,
    MissingTensorError,
    UnknownNameError,
)
from fredholm.layers.architecture import build

Module = TypeVar("Module", bound=nn.Module)


def tensor_bytes(module: nn.Module) -> bytes:
    """All parameters and buffers as a safetensors file; raises ArtifactError for one that is not finite."""
    from safetensors.torch import save

    # copies, because tensors that share memory (tied weights) cannot be written as they stand
    state = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in module.state_dict().items()
    }
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ArtifactError(f"weight {name!r} is not finite: an operator that diverged is not saved")
    return save(state)


def restored(kind: type[Module], architecture: Any, content: bytes, manifest: Path, file: Path) -> Module:
    """The module of an architecture in `manifest`, with the tensors that `file` holds.

    Raises ForeignArchitectureError, MissingTensorError or DamagedFileError, naming the file and what is wrong with it.
    """
    _define_building_blocks()
    try:
        module = build(architecture)
    except UnknownNameError as error:
        raise ForeignArchitectureError(f"{manifest}: {error}; import the module that defines it first") from error
    except FredholmError as error:
        raise ForeignArchitectureError(f"{manifest}: the architecture cannot be built: {error}") from error
    except Exception as error:  # constructors raise many kinds; all mean that these arguments build no module
        raise ForeignArchitectureError(f"{manifest}: the architecture cannot be built: {error!r}") from error
    if not isinstance(module, kind):
        raise ForeignArchitectureError(
            f"{manifest}: the architecture is no {kind.__name__.lower()} but {type(module).__name__}"
        )
    _load_tensors(module, content, file)
    return module.eval()


def _load_tensors(module: nn.Module, content: bytes, file: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        state = load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:  # KeyError: a type torch does not have
        raise DamagedFileError(f"{file} is not a safetensors file: {error!r}") from error
    expected = module.state_dict()
    for name in sorted(set(expected) | set(state)):
        here, there = expected.get(name), state.get(name)
        if here is None or there is None or here.shape != there.shape or here.dtype != there.dtype:
            was, wanted = (_described(tensor) for tensor in (there, here))
            raise MissingTensorError(f"{file}: tensor {name!r} is {was}, the architecture expects {wanted}")
        if not bool(torch.isfinite(there).all()):
            raise DamagedFileError(f"{file}: tensor {name!r} is not finite")
    module.load_state_dict(state)


def _described(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else f"{tuple(tensor.shape)} {tensor.dtype}"


@functools.cache
def _define_building_blocks() -> None:
    """Import the toolkit's own layers, operators and priors, which a file may name; it brings none of its own."""
    for package in (layers, operators, inverse):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
