"""Training: `fit`, its losses and hooks, and recipes that build and fit an operator for a data set."""

from fredholm.training.fit import Settings, fit, load_weights
from fredholm.training.history import History
from fredholm.training.hooks import EarlyStopping, Hook
from fredholm.training.losses import Loss, MeanSquaredError, RelativeL2, SelfAdaptiveWeights
from fredholm.training.validation import Validation

__all__ = [
    "EarlyStopping",
    "History",
    "Hook",
    "Loss",
    "MeanSquaredError",
    "RelativeL2",
    "SelfAdaptiveWeights",
    "Settings",
    "Validation",
    "fit",
    "load_weights",
]
