"""Operators: maps from functions to functions."""
