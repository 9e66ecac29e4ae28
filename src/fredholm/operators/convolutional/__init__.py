"""Convolutional networks: the residual one of pixels, and the one of local operators between functions."""

from fredholm.operators.convolutional.convnet import ConvNet
from fredholm.operators.convolutional.local_no import LocalNO

__all__ = ["ConvNet", "LocalNO"]
