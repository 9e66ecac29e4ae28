"""Training: `fit`, its losses and hooks, and recipes that build and fit an operator for a data set."""

from fredholm.training.adaptive_weights import SelfAdaptiveWeights
from fredholm.training.fit import fit, load_weights
from fredholm.training.generative import GenerativeSettings, fit_generative
from fredholm.training.history import History
from fredholm.training.hooks import EarlyStopping, Hook
from fredholm.training.incremental_modes import IncrementalModes
from fredholm.training.losses import Loss, MeanSquaredError, QuadratureSquaredError, RelativeL2
from fredholm.training.one_cycle import fit_one_cycle
from fredholm.training.optimizers import adam
from fredholm.training.settings import Checkpoints, Device, Settings
from fredholm.training.sobolev_loss import SobolevLoss
from fredholm.training.validation import Validation

__all__ = [
    "Checkpoints",
    "Device",
    "EarlyStopping",
    "GenerativeSettings",
    "History",
    "Hook",
    "IncrementalModes",
    "Loss",
    "MeanSquaredError",
    "QuadratureSquaredError",
    "RelativeL2",
    "SelfAdaptiveWeights",
    "Settings",
    "SobolevLoss",
    "Validation",
    "adam",
    "fit",
    "fit_generative",
    "fit_one_cycle",
    "load_weights",
]
