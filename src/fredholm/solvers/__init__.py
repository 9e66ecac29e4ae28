"""Numerics without learning."""

from fredholm.solvers.wave import WaveSolver

__all__ = ["WaveSolver"]
