"""The identity of a run: what must be equal for a checkpoint to be gone on from.

The number of iterations is not part of it, so that a run can be prolonged; nor is what only watches the run.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fredholm.data.dataset import Dataset
from fredholm.data.online.stream import Stream
from fredholm.data.sampling import Sampler
from fredholm.errors import TrainingError
from fredholm.layers.architecture import describe
from fredholm.operators.operator import Operator
from fredholm.training.losses import Loss
from fredholm.training.settings import Settings

_MOVING = {  # entries of torch's schedules that change from step to step
    "last_epoch",
    "_step_count",
    "_last_lr",
    "_get_lr_called_within_step",
    "_is_initial",
    "T_cur",
    "T_i",
}


def run_identity(
    operator: Operator,
    data: Dataset | Stream,
    sampler: Sampler,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    loss: Loss,
    settings: Settings,
) -> dict[str, str]:
    """What makes two runs the same run, by name, so that a difference can be named."""
    validation = settings.validation
    return {
        "architecture": architecture_digest(operator),
        "data set": data.fingerprint(),
        "sampler": _stated(sampler),
        **_optimiser(optimizer),
        **({} if schedule is None else _schedule("schedule", type(schedule).__name__, schedule.state_dict())),
        "loss": _stated(loss),
        "hooks": ", ".join(type(hook).__name__ for hook in settings.hooks),
        "clip": str(settings.clip),
        "validation set": "none" if validation is None else validation.data.fingerprint(),
        "seed": str(settings.seed),
        "precision": settings.device.precision,
    }


def architecture_digest(operator: Operator) -> str:
    """SHA-256 of an operator's architecture, its weights left out."""
    return hashlib.sha256(json.dumps(describe(operator), sort_keys=True).encode()).hexdigest()


def require_same_run(path: Path, saved: Mapping[str, str], here: Mapping[str, str]) -> None:
    """Raise TrainingError naming every entry in which the run of the checkpoint `path` differs from this one."""
    names = [name for name in {**here, **saved} if saved.get(name) != here.get(name)]
    if names:
        changes = "; ".join(f"{name}: {_short(saved.get(name))} there, {_short(here.get(name))} here" for name in names)
        raise TrainingError(
            f"{path} is the checkpoint of another run ({changes}): choose another directory, or delete it to start anew"
        )


def _optimiser(optimizer: Optimizer) -> dict[str, str]:
    entries = {"optimiser": type(optimizer).__name__}
    for number, group in enumerate(optimizer.param_groups):
        where = "optimiser" if len(optimizer.param_groups) == 1 else f"optimiser group {number}"
        fixed = {key: value for key, value in group.items() if key not in ("params", "initial_lr")}
        fixed["lr"] = group.get("initial_lr", group["lr"])  # a schedule moves the rate itself
        entries.update({f"{where}, {key}": str(value) for key, value in fixed.items()})
        entries[f"{where}, trained numbers"] = str(sum(parameter.numel() for parameter in group["params"]))
    return entries


def _schedule(name: str, kind: str, state: Mapping[str, Any]) -> dict[str, str]:
    entries = {name: kind}
    for key, value in state.items():
        if key == "_schedulers":
            for number, inner in enumerate(value):
                entries.update(_schedule(f"{name} part {number}", "part", inner))
        elif key not in _MOVING:
            entries[f"{name}, {key}"] = str(value)
    return entries


def _stated(value: object) -> str:
    """How an object states itself, without the address that an object with no words of its own gives."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _short(value: str | None) -> str:
    return "none" if value is None else value if len(value) <= 60 else f"{value[:12]}…"
