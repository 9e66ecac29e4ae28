"""Data sets: generate them with a reference solver, store them, sample from them."""

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints, PairedPoints, Sampler, WholeFields

__all__ = ["Batch", "CartesianPoints", "Dataset", "PairedPoints", "Sampler", "WholeFields"]
