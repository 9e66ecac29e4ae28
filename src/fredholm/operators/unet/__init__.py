"""U-Nets: the plain one, the modern one, and the one between functions."""

from fredholm.operators.unet.integral_unet import IntegralUNet, Level
from fredholm.operators.unet.modern import ModernUNet
from fredholm.operators.unet.unet import UNet

__all__ = ["IntegralUNet", "Level", "ModernUNet", "UNet"]
