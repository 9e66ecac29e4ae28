"""Hooks: what else happens in a training step. Their state is saved and restored with every checkpoint."""

from collections.abc import Mapping
from typing import Any


class Hook:
    """Called at fixed places of `fit`; a subclass overrides what it needs."""

    def after_backward(self, iteration: int) -> None:
        """Gradients are there, before clipping and the optimiser's step."""

    def after_step(self, iteration: int) -> None:
        """Weights have moved."""

    def after_validation(self, iteration: int, error: float) -> None:
        """A validation error is there."""

    @property
    def finished(self) -> bool:
        """Whether training should end."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """Numbers, strings, lists, dictionaries and tensors from which the hook goes on."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""


class EarlyStopping(Hook):
    """Ends the training when `patience` validations in a row were not better than the best by the factor `margin`.

    >>> stopping = EarlyStopping(patience=2)
    >>> for iteration, error in enumerate([1.0, 0.5, 0.6, 0.5]):
    ...     stopping.after_validation(iteration, error)
    >>> stopping.finished
    True
    """

    def __init__(self, patience: int, margin: float = 1.0) -> None:
        self.patience, self.margin = patience, margin
        self.best, self.waited = float("inf"), 0

    def after_validation(self, iteration: int, error: float) -> None:
        self.waited = 0 if error < self.best * self.margin else self.waited + 1
        self.best = min(self.best, error)

    @property
    def finished(self) -> bool:
        return self.waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.best, self.waited = float(state["best"]), int(state["waited"])
