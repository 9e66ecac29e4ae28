"""The Fourier family: operators that learn on the low Fourier coefficients of their inputs."""

from fredholm.operators.fourier.fno import FNO

__all__ = ["FNO"]
