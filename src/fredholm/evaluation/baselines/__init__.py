"""Honest baselines: what an operator has to beat. Every report shows all that apply, with the bytes they store."""

from fredholm.evaluation.baselines.baseline import Baseline
from fredholm.evaluation.baselines.linear import PODLinear, Superposition
from fredholm.evaluation.baselines.lookup import MultilinearLookup, NearestSample, PredictMean

BASELINES: tuple[type[Baseline], ...] = (PredictMean, NearestSample, MultilinearLookup, Superposition, PODLinear)

__all__ = [
    "BASELINES",
    "Baseline",
    "MultilinearLookup",
    "NearestSample",
    "PODLinear",
    "PredictMean",
    "Superposition",
]
