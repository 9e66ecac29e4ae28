"""U-Nets: the plain one, the modern one, and the one between functions."""

from fredholm.operators.unet.unet import UNet

__all__ = ["UNet"]
