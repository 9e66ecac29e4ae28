"""Latent spectral models: solve in a few latent tokens, on grids and on point clouds."""

from fredholm.operators.latent_spectral.backbone import BatchNorm, InstanceNorm, MapNorm
from fredholm.operators.latent_spectral.deformation import Deformation
from fredholm.operators.latent_spectral.irregular import IrregularLSM, LatentGrid
from fredholm.operators.latent_spectral.lsm import LSM, LatentSpectrum

__all__ = [
    "LSM",
    "BatchNorm",
    "Deformation",
    "InstanceNorm",
    "IrregularLSM",
    "LatentGrid",
    "LatentSpectrum",
    "MapNorm",
]
