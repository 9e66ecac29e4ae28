"""Operators on the sphere: spherical Fourier, graph on an icosahedral mesh, shifted windows, U-Net."""

from fredholm.operators.sphere.graphcast import GraphCast
from fredholm.operators.sphere.sfno import SFNO, SphericalBlock
from fredholm.operators.sphere.swin import SphericalSwin
from fredholm.operators.sphere.unet import SphericalUNet

__all__ = ["SFNO", "GraphCast", "SphericalBlock", "SphericalSwin", "SphericalUNet"]
