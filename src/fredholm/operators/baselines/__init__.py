"""Baselines: what an operator has to beat."""

from fredholm.operators.baselines.affine import AffineMap
from fredholm.operators.baselines.identity import Identity
from fredholm.operators.baselines.resnet import ResNet

__all__ = ["AffineMap", "Identity", "ResNet"]
