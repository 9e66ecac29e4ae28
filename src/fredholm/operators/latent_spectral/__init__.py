"""Latent spectral models: solve in a few latent tokens, on grids and on point clouds."""

from fredholm.operators.latent_spectral.backbone import BatchNorm, InstanceNorm, MapNorm
from fredholm.operators.latent_spectral.lsm import LSM, LatentSpectrum

__all__ = ["LSM", "BatchNorm", "InstanceNorm", "LatentSpectrum", "MapNorm"]
