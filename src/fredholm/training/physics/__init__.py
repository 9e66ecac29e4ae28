"""Training by equations: exact derivatives at points, residuals as an operator fitted to zero, weights of terms."""

from fredholm.training.physics.jets import jet, operator_jet
from fredholm.training.physics.residuals import Prescribed, Residuals
from fredholm.training.physics.term_weights import AscendingTermWeights, FixedTermWeights, TangentKernelWeights

__all__ = [
    "AscendingTermWeights",
    "FixedTermWeights",
    "Prescribed",
    "Residuals",
    "TangentKernelWeights",
    "jet",
    "operator_jet",
]
