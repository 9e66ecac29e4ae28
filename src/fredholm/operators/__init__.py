"""Operators: maps from functions to functions."""

from fredholm.operators.deeponet import DeepONet, FixedQuery, fit_linear_branch, fit_pod_linear
from fredholm.operators.feed_forward import FeedForward
from fredholm.operators.operator import Operator, Query

__all__ = ["DeepONet", "FeedForward", "FixedQuery", "Operator", "Query", "fit_linear_branch", "fit_pod_linear"]
