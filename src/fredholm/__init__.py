"""Fredholm: learn operators between functions, and run them for real."""

__version__ = "0.1.0"
