"""`fit`: draw a batch, take a step, and be able to go on after anything.

Devices, processes and precision are Lightning Fabric's. A run with a directory keeps two checkpoints, the last and
the best; started again with the same arguments it goes on from the last, and on a CPU ends with the same bytes as if
it had never stopped. Under `torchrun` every process draws batches of its own and gradients are averaged; process 0
writes.
"""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import Sampler
from fredholm.errors import TrainingError
from fredholm.layers.architecture import describe
from fredholm.operators.operator import Operator
from fredholm.problems.problem import generator_of
from fredholm.training.checkpoint import load_state, save_state
from fredholm.training.history import History
from fredholm.training.hooks import Hook
from fredholm.training.log import RunLog, progress_bar
from fredholm.training.losses import Loss, MeanSquaredError
from fredholm.training.validation import Validation

if TYPE_CHECKING:
    from lightning_fabric import Fabric

LAST, BEST = "last.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Settings:
    """How a run is run.

    Args:
        seed: of the batches.
        directory: of checkpoints and logs; None keeps nothing.
        checkpoint_every: iterations between checkpoints.
        log_every: iterations between entries of the log.
        clip: largest global norm of the gradient; None clips nothing.
        precision: "32-true", or "bf16-mixed" for matrix products in bfloat16.
        hooks: what else happens in a step.
        quiet: no progress bar.
    """

    seed: int = 0
    directory: Path | None = None
    checkpoint_every: int = 500
    log_every: int = 50
    clip: float | None = None
    precision: str = "32-true"
    hooks: tuple[Hook, ...] = ()
    quiet: bool = False


def fit(
    operator: Operator,
    data: Dataset,
    *,
    sampler: Sampler,
    iterations: int,
    optimizer: Optimizer,
    schedule: LRScheduler | None = None,
    loss: Loss | None = None,
    validation: Validation | None = None,
    settings: Settings | None = None,
) -> History:
    """Train an operator, in place, for `iterations` steps in all.

    Args:
        operator: what is trained; its signature must be the data's.
        data: training samples.
        sampler: what a step draws from them.
        iterations: optimiser steps, counting those of an interrupted run before.
        optimizer: a torch optimiser over the operator's parameters.
        schedule: a torch schedule of it, advanced at every step.
        loss: what to make small; the mean squared error by default.
        validation: error on other samples now and then; it chooses the best checkpoint.
        settings: seed, directory, precision, clipping, hooks.

    Raises SignatureError if the data are not the operator's, TrainingError if the loss is not finite or the
    directory holds another run, and KeyboardInterrupt on Ctrl-C, after the last step is saved.

    >>> history = fit(operator, data, sampler=CartesianPoints(16, 1000), iterations=5000,
    ...               optimizer=torch.optim.Adam(operator.parameters(), 1e-3))  # doctest: +SKIP
    """
    settings, loss = settings or Settings(), loss or MeanSquaredError()
    operator.signature.require(data.signature, "the training data")
    run = _Run(operator, data, sampler, optimizer, schedule, loss, validation, settings)
    return run.until(iterations)


class _Run:
    """The state of a run, and its steps."""

    def __init__(
        self,
        operator: Operator,
        data: Dataset,
        sampler: Sampler,
        optimizer: Optimizer,
        schedule: LRScheduler | None,
        loss: Loss,
        validation: Validation | None,
        settings: Settings,
    ) -> None:
        self.operator, self.data, self.sampler, self.loss = operator, data, sampler, loss
        self.validation, self.settings, self.schedule = validation, settings, schedule
        self.identity = _identity(operator, data, sampler, optimizer, settings)
        self.optimizer = optimizer
        self.hooks = [*settings.hooks, *([loss] if isinstance(loss, Hook) else [])]
        self.fabric = _fabric(settings.precision)
        self.module, self.stepper = self.fabric.setup(operator, optimizer)
        self.generator = generator_of(settings.seed, self.fabric.global_rank)
        self.history = History()
        self.lowest = float("inf")
        self.pending: list[torch.Tensor] = []  # losses since the last entry of the log
        self.log_position = 0
        if settings.directory is not None:
            settings.directory.mkdir(parents=True, exist_ok=True)
            self._resume(settings.directory / LAST)

    @property
    def iteration(self) -> int:
        return self.history.iterations

    def until(self, iterations: int) -> History:
        start = time.perf_counter()
        first = self.fabric.global_rank == 0
        directory = self.settings.directory if first else None
        shown = first and not self.settings.quiet and iterations - self.iteration > 200
        self.operator.train()
        with RunLog(directory, self.log_position) as log, progress_bar(shown) as bar, _deferred_interrupt() as stop:
            task = bar.add_task("fit", total=iterations, completed=self.iteration, loss=float("nan"), rate=0.0)
            while self.iteration < iterations and not (stop() or any(hook.finished for hook in self.hooks)):
                self._step()
                if self.iteration % self.settings.log_every == 0 or self.iteration == iterations:
                    mean = self._flush(log)
                    bar.update(task, completed=self.iteration, loss=mean, rate=self._rate())
                self._validate(log)
                if self.iteration % self.settings.checkpoint_every == 0:
                    self._save(log)
            if not (self.pending and not torch.isfinite(torch.stack(self.pending)).all()):
                self._save(log)
            interrupted = stop()
        self.operator.eval()
        self.history.seconds = time.perf_counter() - start
        if interrupted:
            where = (
                f"in {self.settings.directory}" if self.settings.directory else "(without a directory: nothing saved)"
            )
            raise KeyboardInterrupt(
                f"training stopped after iteration {self.iteration} {where}; start it again to go on"
            )
        return self.history

    def _step(self) -> None:
        batch = self.sampler.draw(self.data, self.generator).to(self.fabric.device)
        self.stepper.zero_grad()
        loss = self.loss(self.module(batch.inputs, batch.query), batch)
        self.fabric.backward(loss)
        for hook in self.hooks:
            hook.after_backward(self.iteration)
        if self.settings.clip is not None:
            self.fabric.clip_gradients(self.module, self.stepper, max_norm=self.settings.clip, error_if_nonfinite=False)
        self.stepper.step()
        if self.schedule is not None:
            self.schedule.step()
        self.history.iterations += 1
        self.pending.append(loss.detach())
        for hook in self.hooks:
            hook.after_step(self.iteration)

    def _rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _flush(self, log: RunLog) -> float:
        """Mean loss since the last entry, into log and history; raises TrainingError for one that is not finite."""
        if not self.pending:
            return float("nan")
        losses = torch.stack(self.pending).cpu()
        if not bool(torch.isfinite(losses).all()):
            bad = int((~torch.isfinite(losses)).nonzero()[0, 0])
            kept = f"the checkpoint {self.settings.directory / LAST}" if self.settings.directory else "no checkpoint"
            raise TrainingError(
                f"the loss is {float(losses[bad])} at iteration {self.iteration - len(losses) + bad + 1}, at a "
                f"learning rate of {self._rate():.2e}: lower it, clip the gradient or look at the "
                f"data; {kept} is from before"
            )
        mean = float(losses.mean())
        self.pending.clear()
        self.history.losses.append((self.iteration, mean))
        log.write(self.iteration, loss=mean, learning_rate=self._rate())
        if self.validation is None:
            self._keep_best(mean)
        return mean

    def _validate(self, log: RunLog) -> None:
        """Measure the validation error, if it is time."""
        if self.validation is None or self.iteration % self.validation.every:
            return
        self._flush(log)
        self.operator.eval()
        error = self.validation.error(self.operator, self.fabric.device)
        self.operator.train()
        self.history.validation.append((self.iteration, error))
        log.write(self.iteration, validation=error)
        self._keep_best(error)
        for hook in self.hooks:
            hook.after_validation(self.iteration, error)

    def _keep_best(self, error: float) -> None:
        if error >= self.lowest or self.settings.directory is None:
            return
        self.lowest = error
        self.history.best = self.settings.directory / BEST
        if self.fabric.global_rank == 0:
            save_state(self.history.best, {"run": self.identity, "operator": self.operator.state_dict()})

    def _save(self, log: RunLog) -> None:
        """Everything a resumed run needs; what other processes draw they replay from their own generators."""
        if self.settings.directory is None:
            return
        position = log.position()
        generators = self._gathered(self.generator.get_state())
        if self.fabric.global_rank:
            return
        state = {
            "run": self.identity,
            "iteration": self.iteration,
            "operator": self.operator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule else None,
            "hooks": [hook.state_dict() for hook in self.hooks],
            "generators": generators,
            "torch": torch.get_rng_state(),
            "pending": self.pending,
            "lowest": self.lowest,
            "losses": self.history.losses,
            "validation": self.history.validation,
            "log": position,
        }
        save_state(self.settings.directory / LAST, state)

    def _gathered(self, state: torch.Tensor) -> list[torch.Tensor]:
        if self.fabric.world_size == 1:
            return [state]
        gathered: torch.Tensor = self.fabric.all_gather(state.int())  # type: ignore[assignment]
        return list(gathered.byte().cpu())

    def _resume(self, path: Path) -> None:
        if not path.exists():
            return
        state = load_state(path)
        if state["run"] != self.identity:
            changed = [key for key in self.identity if state["run"].get(key) != self.identity[key]]
            raise TrainingError(
                f"{path} is the checkpoint of another run, with another {' and '.join(changed)}: "
                "choose another directory, or delete it to start again"
            )
        self.operator.load_state_dict(state["operator"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        for hook, saved in zip(self.hooks, state["hooks"], strict=True):
            hook.load_state_dict(saved)
        self.generator.set_state(state["generators"][self.fabric.global_rank])
        torch.set_rng_state(state["torch"])
        self.pending, self.lowest, self.log_position = list(state["pending"]), state["lowest"], state["log"]
        best = path.with_name(BEST)
        self.history = History(
            state["iteration"], 0.0, list(state["losses"]), list(state["validation"]), best if best.exists() else None
        )


def load_weights(operator: Operator, checkpoint: Path) -> None:
    """Put the weights of a checkpoint into an operator of the same architecture."""
    operator.load_state_dict(load_state(checkpoint)["operator"])


def _identity(
    operator: Operator, data: Dataset, sampler: Sampler, optimizer: Optimizer, settings: Settings
) -> dict[str, str]:
    """What makes two runs the same run, by name, so that a difference can be named."""
    groups = [{k: v for k, v in group.items() if k not in ("params", "lr")} for group in optimizer.param_groups]
    architecture = json.dumps(describe(operator), sort_keys=True)
    return {
        "architecture": hashlib.sha256(architecture.encode()).hexdigest(),
        "data set": data.fingerprint(),
        "sampler": repr(sampler),
        "optimiser": f"{type(optimizer).__name__} {groups}",
        "seed": str(settings.seed),
        "precision": settings.precision,
    }


def _fabric(precision: Any) -> "Fabric":
    """Fabric on this machine's accelerator, or on all processes of a `torchrun`."""
    from lightning_fabric import Fabric

    world, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if world == 1:
        fabric = Fabric(devices=1, precision=precision)
    else:
        fabric = Fabric(devices=local, num_nodes=world // local, strategy="ddp", precision=precision)
    fabric.launch()
    return fabric


@contextmanager
def _deferred_interrupt() -> Iterator[Any]:
    """Ctrl-C sets a flag instead of cutting a step in half; yields a function that tells whether it came."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = signal.signal(signal.SIGINT, lambda *_: came.set())
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGINT, before)
