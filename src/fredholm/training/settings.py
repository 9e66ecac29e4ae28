"""Settings of a run: seed, device, checkpoints, and what watches or changes its steps."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fredholm.training.hooks import Hook
from fredholm.training.validation import Validation


@dataclass(frozen=True)
class Checkpoints:
    """Where a run keeps its last and best checkpoint and its logs, and how often the last is written.

    >>> Checkpoints(Path("runs/room"), every=200).last
    PosixPath('runs/room/last.safetensors')
    """

    directory: Path
    every: int = 500

    @property
    def last(self) -> Path:
        """Everything a run goes on from."""
        return Path(self.directory) / "last.safetensors"

    @property
    def best(self) -> Path:
        """Weights of the lowest validation error, or of the lowest loss where there is no validation."""
        return Path(self.directory) / "best.safetensors"


@dataclass(frozen=True)
class Device:
    """What computes, and how precisely.

    "auto" is the GPU where there is one. "bf16-mixed" rounds matrix products to bfloat16 (8 bits of mantissa) and keeps
    weights, optimiser and losses in float32.
    """

    kind: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["32-true", "bf16-mixed"] = "32-true"


@dataclass(frozen=True)
class Settings:
    """How a run is run.

    Args:
        seed: of the batches, and of what the operator draws itself (dropout).
        checkpoints: where and how often the state is kept; None keeps nothing.
        device: accelerator and precision.
        clip: largest global norm ‖∇‖₂ of the gradient, which is scaled down to it; None clips nothing.
        validation: error on other samples now and then; it chooses the best checkpoint.
        hooks: what else happens in a step.
        log_every: iterations between entries of the log.
        quiet: no progress bar.
    """

    seed: int = 0
    checkpoints: Checkpoints | None = None
    device: Device = field(default_factory=Device)
    clip: float | None = None
    validation: Validation | None = None
    hooks: tuple[Hook, ...] = ()
    log_every: int = 50
    quiet: bool = False
