"""Training by equations: exact derivatives at points, residuals as an operator fitted to zero, weights of terms."""

from fredholm.training.physics.jets import jet, operator_jet
from fredholm.training.physics.residuals import Prescribed, Residuals
from fredholm.training.physics.term_weights import AscendingTermWeights, FixedTermWeights, TangentKernelWeights
from fredholm.training.physics.weak_form import BalanceLaw, Diffusion, LocalFields, ViscousConvection, WeakForm

__all__ = [
    "AscendingTermWeights",
    "BalanceLaw",
    "Diffusion",
    "FixedTermWeights",
    "LocalFields",
    "Prescribed",
    "Residuals",
    "TangentKernelWeights",
    "ViscousConvection",
    "WeakForm",
    "jet",
    "operator_jet",
]
