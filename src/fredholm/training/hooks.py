"""Hooks: what else happens in a training step. Their state is saved and restored with every checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from fredholm.data.batch import Batch


class Hook:
    """Called at fixed places of `fit`; a subclass overrides what it needs.

    Steps are counted from 1. Of several processes each calls its own hooks, and only the state of process 0 is saved:
    what a hook keeps must be equal in all of them (average gradients, decide by the validation error).
    """

    def start(self, device: torch.device) -> None:
        """The run begins, on this device; a saved state is loaded afterwards."""

    def ready(self) -> bool:
        """Whether a step can be taken now; may wait for a moment, and is asked again as long as it cannot."""
        return True

    def before_step(self, step: int) -> None:
        """Nothing of this step has happened."""

    def after_prediction(self, prediction: Tensor, batch: Batch) -> None:
        """The operator has answered for a batch; several times a step for an optimiser like LBFGS."""

    def after_backward(self, step: int) -> None:
        """Gradients are there, not yet clipped; several times a step for an optimiser like LBFGS."""

    def after_step(self, step: int) -> None:
        """Weights have moved."""

    def after_validation(self, step: int, error: float) -> None:
        """A validation error is there, equal in all processes."""

    @property
    def finished(self) -> bool:
        """Whether training should end."""
        return False

    def observed(self) -> dict[str, float]:
        """Numbers for the log, at each of its entries."""
        return {}

    def status(self) -> str:
        """A few words for the progress bar."""
        return ""

    def state_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists, dictionaries and tensors from which the hook goes on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""


class EarlyStopping(Hook):
    """Ends the training when `patience` validations in a row were not below the best so far times `margin`.

    With `margin` < 1 the best moves only when it is beaten by that factor, so that small gains add up to one that
    counts.

    >>> stopping = EarlyStopping(patience=2)
    >>> for step, error in enumerate([1.0, 0.5, 0.6, 0.5]):
    ...     stopping.after_validation(step, error)
    >>> stopping.finished
    True
    """

    def __init__(self, patience: int, margin: float = 1.0) -> None:
        self.patience, self.margin = patience, margin
        self.best, self.waited = float("inf"), 0

    def after_validation(self, step: int, error: float) -> None:
        if error < self.best * self.margin:
            self.best, self.waited = error, 0
        else:
            self.waited += 1

    @property
    def finished(self) -> bool:
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited = float(state["best"]), int(state["waited"])
