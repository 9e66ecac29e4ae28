"""`fit`: draw a batch, take a step, and be able to go on after anything.

Devices, processes and precision are Lightning Fabric's. A run with checkpoints keeps two, the last and the best;
started again with the same arguments it goes on from the last, and on a CPU ends with the same bytes as if it had
never stopped. Under `torchrun` every process draws batches of its own and gradients are averaged; process 0 writes.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.online.stream import Stream
from fredholm.data.sampling import Sampler
from fredholm.errors import TrainingError
from fredholm.operators.operator import Operator
from fredholm.training.checkpoint import load_state, save_state
from fredholm.training.display import Display
from fredholm.training.history import History
from fredholm.training.hooks import Hook
from fredholm.training.identity import architecture_digest, require_same_run, run_identity
from fredholm.training.interruption import deferred_interrupt
from fredholm.training.log import RunLog
from fredholm.training.losses import Loss, MeanSquaredError
from fredholm.training.randomness import Randomness
from fredholm.training.settings import Checkpoints, Device, Settings
from fredholm.training.streaming import Streaming

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def fit(
    operator: Operator,
    data: Dataset | Stream,
    *,
    sampler: Sampler,
    iterations: int,
    optimizer: Optimizer,
    schedule: LRScheduler | None = None,
    loss: Loss | None = None,
    settings: Settings | None = None,
) -> History:
    """Train an operator, in place, for `iterations` steps in all.

    Args:
        operator: what is trained; its signature must be the data's.
        data: training samples, stored or streamed from simulations that run meanwhile.
        sampler: what a step draws from them.
        iterations: optimiser steps, counting those that a checkpoint already holds; fewer, where a stream ends before.
        optimizer: a torch optimiser over the operator's parameters; LBFGS, which needs several evaluations, as well.
        schedule: a torch schedule of it, advanced at every step.
        loss: what to make small; the mean squared error by default.
        settings: seed, checkpoints, device, clipping, validation, hooks.

    Raises SignatureError if the data are not the operator's, TrainingError if the loss is not finite or the directory
    holds another run, and KeyboardInterrupt on Ctrl-C, after the last step is saved.

    >>> history = fit(operator, data, sampler=CartesianPoints(16, 1000), iterations=5000,
    ...               optimizer=adam(operator, 1e-3))  # doctest: +SKIP
    """
    settings, loss = settings or Settings(), loss or MeanSquaredError()
    operator.signature.require(data.signature, "the training data")
    run = _Run(operator, data, sampler, optimizer, schedule, loss, settings)
    run.require_sense()
    run.start()
    return run.until(iterations)


def load_weights(operator: Operator, checkpoint: Path) -> None:
    """Put the weights of a checkpoint into an operator; raises TrainingError if its architecture is another."""
    state = load_state(checkpoint)
    if state["run"]["architecture"] != architecture_digest(operator):
        raise TrainingError(
            f"{checkpoint} holds the weights of another architecture than this {type(operator).__name__}: "
            "build the operator that was trained, with the same arguments"
        )
    operator.load_state_dict(state["operator"])


class _Run:
    """The state of a run, and its steps."""

    def __init__(
        self,
        operator: Operator,
        data: Dataset | Stream,
        sampler: Sampler,
        optimizer: Optimizer,
        schedule: LRScheduler | None,
        loss: Loss,
        settings: Settings,
    ) -> None:
        self.operator, self.data, self.sampler, self.loss = operator, data, sampler, loss
        self.optimizer, self.schedule, self.settings = optimizer, schedule, settings
        self.hooks: list[Hook] = [*settings.hooks, *([loss] if isinstance(loss, Hook) else [])]
        if isinstance(data, Stream):
            self.hooks.append(Streaming(data, sampler, loss))
        self.checkpoints: Checkpoints | None = settings.checkpoints
        self.history = History()
        self.lowest = float("inf")
        self.pending: list[Tensor] = []  # losses since the last entry of the log, not waited for
        self.log_position = 0
        self.saved: int | None = None  # iteration of the last checkpoint

    @property
    def iteration(self) -> int:
        return self.history.iterations

    def require_sense(self) -> None:
        """Refuse arguments that would silently do nothing, or fail late."""
        if isinstance(self.schedule, ReduceLROnPlateau):
            raise TrainingError("ReduceLROnPlateau waits for an error at every step: use a schedule of steps")
        for hook in self.hooks:
            if self.settings.validation is None and type(hook).after_validation is not Hook.after_validation:
                raise TrainingError(
                    f"{type(hook).__name__} waits for validation errors, and there is no validation: "
                    "pass Settings(validation=Validation(...))"
                )

    def start(self) -> None:
        """Move to the device, and go on from the last checkpoint if there is one."""
        settings = self.settings
        self.fabric = _fabric(settings.device)
        if self.checkpoints is not None:
            self.identity = run_identity(
                self.operator, self.data, self.sampler, self.optimizer, self.schedule, self.loss, settings
            )
            self.identity["processes"] = str(self.fabric.world_size)
        self.module, self.stepper = self.fabric.setup(self.operator, self.optimizer)
        if self.fabric.world_size == 1 and settings.device.precision == "32-true":
            self.module = (
                self.operator
            )  # there is nothing to add to it, and a wrapper would take its time in every step
        self.randomness = Randomness(settings.seed, self.fabric.global_rank, self.fabric.device)
        for hook in self.hooks:
            hook.start(self.fabric.device)
        if self.checkpoints is not None:
            Path(self.checkpoints.directory).mkdir(parents=True, exist_ok=True)
            if self.checkpoints.last.exists():
                self._resume(self.checkpoints)

    def until(self, iterations: int) -> History:
        """Take steps until `iterations` are taken, a hook has enough or Ctrl-C comes."""
        start = time.perf_counter()
        first = self.fabric.global_rank == 0
        directory = self.checkpoints.directory if self.checkpoints and first else None
        interrupted = False
        self.operator.train()
        with (
            RunLog(directory, self.log_position, self.iteration) as log,
            Display(iterations, self.iteration, first and not self.settings.quiet) as display,
            self.randomness.own(),
            deferred_interrupt() as came,
        ):
            while self.iteration < iterations:
                interrupted, finished = self._agreed(came)
                if interrupted or finished:
                    break
                self._step()
                self._observe(log, display, last=self.iteration == iterations)
            self._save(log)
        self.operator.eval()
        self.history.seconds = time.perf_counter() - start
        if interrupted:
            raise KeyboardInterrupt(self._how_to_go_on())
        return self.history

    def _step(self) -> None:
        step = self.iteration + 1
        for hook in self.hooks:
            hook.before_step(step)
        batch = self._draw().to(self.fabric.device)

        def gradient() -> Tensor:
            self.stepper.zero_grad()
            prediction = self.module(batch.inputs, batch.query)
            for hook in self.hooks:
                hook.after_prediction(prediction, batch)
            loss = self.loss(prediction, batch)
            self.fabric.backward(loss)
            for hook in self.hooks:
                hook.after_backward(step)
            if self.settings.clip is not None:
                limit = self.settings.clip
                self.fabric.clip_gradients(self.module, self.stepper, max_norm=limit, error_if_nonfinite=False)
            return loss.detach()

        self.pending.append(self.stepper.step(gradient))
        if self.schedule is not None:
            self.schedule.step()
        self.history.iterations = step
        for hook in self.hooks:
            hook.after_step(step)

    def _draw(self) -> Batch:
        if isinstance(self.data, Stream):
            return self.data.draw(self.sampler, self.randomness.sampler)
        return self.sampler.draw(self.data, self.randomness.sampler)

    def _observe(self, log: RunLog, display: Display, last: bool) -> None:
        """Log, validate and save, each when it is time."""
        if last or self.iteration % self.settings.log_every == 0:
            self._flush(log)
            status = "; ".join(filter(None, (hook.status() for hook in self.hooks)))
            display.update(self.iteration, self.history.losses[-1][1], self._rate(), status)
        validation = self.settings.validation
        if validation is not None and self.iteration % validation.every == 0:
            self._validate(log)
        if self.checkpoints is not None and (last or self.iteration % self.checkpoints.every == 0):
            if validation is None and self.history.losses:
                self._keep_best(self.history.losses[-1][1])
            self._save(log)

    def _flush(self, log: RunLog) -> None:
        """Mean loss since the last entry, into log and history."""
        if not self.pending:
            return
        mean = float(self._finite_losses().mean())
        self.pending.clear()
        self.history.losses.append((self.iteration, mean))
        observed = {name: value for hook in self.hooks for name, value in hook.observed().items()}
        log.write(self.iteration, loss=mean, learning_rate=self._rate(), **observed)

    def _validate(self, log: RunLog) -> None:
        validation = self.settings.validation
        assert validation is not None
        self._flush(log)
        self.operator.eval()
        error = validation.error(self.operator, self.fabric.device)
        self.operator.train()
        self.history.validation.append((self.iteration, error))
        log.write(self.iteration, validation=error)
        self._keep_best(error)
        for hook in self.hooks:
            hook.after_validation(self.iteration, error)

    def _finite_losses(self) -> Tensor:
        """Losses since the last entry, averaged over processes; raises TrainingError for one that is not finite."""
        losses = torch.stack(self.pending)
        if self.fabric.world_size > 1:
            losses = self.fabric.all_reduce(losses, reduce_op="mean")  # type: ignore[assignment]
        finite = torch.isfinite(losses)
        if not bool(finite.all()):
            bad = int((~finite).nonzero()[0, 0])
            iteration = self.iteration - len(losses) + bad + 1
            raise TrainingError(f"the loss is {float(losses[bad])} at iteration {iteration}{self._what_to_do()}")
        return losses

    def _require_finite(self) -> None:
        """Before a checkpoint replaces one from which training can go on."""
        if self.pending:
            self._finite_losses()
        for name, weights in self.operator.named_parameters():
            if not bool(torch.isfinite(weights).all()):
                raise TrainingError(
                    f"weights {name!r} are not finite after iteration {self.iteration}{self._what_to_do()}"
                )

    def _what_to_do(self) -> str:
        kept = "nothing was saved"
        if self.checkpoints is not None and self.saved is not None:
            kept = f"the last checkpoint, {self.checkpoints.last}, is from iteration {self.saved}"
        advice = "lower it, clip the gradient (Settings.clip) or look at the data"
        return f", at a learning rate of {self._rate():.2e}: {advice}; {kept}"

    def _how_to_go_on(self) -> str:
        if self.checkpoints is None:
            return f"training stopped after iteration {self.iteration}; without Settings.checkpoints nothing was saved"
        return (
            f"training stopped after iteration {self.iteration}, saved in {self.checkpoints.last}: "
            "start it again with the same arguments to go on"
        )

    def _rate(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])

    def _agreed(self, came: Callable[[], bool]) -> tuple[bool, bool]:
        """Whether Ctrl-C came, and whether a hook has had enough; before that, wait until all hooks are ready.

        Where hooks wait, processes agree before every step, so that all take the same last one; else at entries of the
        log, so that none waits for one that has left.
        """
        finished = any(hook.finished for hook in self.hooks)
        while not (came() or finished or all(hook.ready() for hook in self.hooks)):
            finished = any(hook.finished for hook in self.hooks)
        if self.fabric.world_size == 1:
            return came(), finished
        waits = any(type(hook).ready is not Hook.ready for hook in self.hooks)
        if not waits and self.iteration % self.settings.log_every:
            return False, finished
        flags = self.fabric.all_reduce(torch.tensor([float(came()), float(finished)]), reduce_op="sum")
        return bool(flags[0]), bool(flags[1])

    def _keep_best(self, error: float) -> None:
        if self.checkpoints is None or not error < self.lowest:
            return
        self._require_finite()
        self.lowest, self.history.best = error, self.checkpoints.best
        if self.fabric.global_rank == 0:
            operator = self.operator.state_dict()
            state = {"run": self.identity, "iteration": self.iteration, "error": error, "operator": operator}
            save_state(self.checkpoints.best, state)

    def _save(self, log: RunLog) -> None:
        """Write everything a run goes on from."""
        if self.checkpoints is None or self.saved == self.iteration:
            return
        self._require_finite()
        state = {
            "run": self.identity,
            "iteration": self.iteration,
            "operator": self.operator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict() if self.schedule else None,
            "hooks": self._hooks_of_all_processes(),
            "processes": self._of_all_processes(),
            "lowest": self.lowest,
            "losses": self.history.losses,
            "validation": self.history.validation,
            "log": log.position(),
        }
        if self.fabric.global_rank == 0:
            save_state(self.checkpoints.last, state)
        self.saved = self.iteration

    def _of_all_processes(self) -> dict[str, Tensor]:
        """Random states and pending losses, (processes, ...)."""
        own = self.randomness.state()
        own["pending"] = torch.stack(self.pending) if self.pending else torch.empty(0)
        if self.fabric.world_size == 1:
            return {name: values.unsqueeze(0) for name, values in own.items()}
        gathered: Any = self.fabric.all_gather(own)
        return dict(gathered)

    def _hooks_of_all_processes(self) -> list[list[dict[str, Any]]]:
        """States of the hooks of every process: streams have simulations of their own."""
        own = [hook.state_dict() for hook in self.hooks]
        if self.fabric.world_size == 1:
            return [own]
        states: list[list[dict[str, Any]]] = [[] for _ in range(self.fabric.world_size)]
        torch.distributed.all_gather_object(states, own)
        return states

    def _resume(self, checkpoints: Checkpoints) -> None:
        state = load_state(checkpoints.last)
        require_same_run(checkpoints.last, state["run"], self.identity)
        if "optimizer" not in state:
            raise TrainingError(
                f"{checkpoints.last} is a best checkpoint, weights alone: use load_weights, or delete it"
            )
        self.operator.load_state_dict(state["operator"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        for hook, saved in zip(self.hooks, state["hooks"][self.fabric.global_rank], strict=True):
            hook.load_state_dict(saved)
        # Cloned, because torch crashes on a random state that is a view into a larger tensor.
        own = {name: values[self.fabric.global_rank].clone() for name, values in state["processes"].items()}
        self.pending = list(own.pop("pending").to(self.fabric.device))
        self.randomness.load(own)
        self.lowest, self.log_position, self.saved = state["lowest"], state["log"], state["iteration"]
        best = checkpoints.best if checkpoints.best.exists() else None
        self.history = History(state["iteration"], 0.0, list(state["losses"]), list(state["validation"]), best)


def _fabric(device: Device) -> "Fabric":
    """Fabric on one device of this machine, or on all processes of a `torchrun`."""
    from lightning_fabric import Fabric

    world, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if world == 1:
        fabric = Fabric(accelerator=device.kind, devices=1, precision=device.precision)
    else:
        nodes = world // local
        fabric = Fabric(
            accelerator=device.kind, strategy="ddp", devices=local, num_nodes=nodes, precision=device.precision
        )
    fabric.launch()
    return fabric
