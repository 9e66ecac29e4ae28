"""Data sets: generate them with a reference solver, store them, sample from them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints, PairedPoints, Sampler, WholeFields
from fredholm.data.subsampling import subsampled

if TYPE_CHECKING:
    from fredholm.data.cluster import Cluster
    from fredholm.data.generation import generate
    from fredholm.data.readers import Window, contents_of, open_file
    from fredholm.data.simulation import simulate
    from fredholm.data.store import open_dataset, verify

# loaded when used: training on arrays needs no problems and no files
_HOMES = {
    "Cluster": "fredholm.data.cluster",
    "generate": "fredholm.data.generation",
    "Window": "fredholm.data.readers",
    "contents_of": "fredholm.data.readers",
    "open_dataset": "fredholm.data.store",
    "open_file": "fredholm.data.readers",
    "simulate": "fredholm.data.simulation",
    "verify": "fredholm.data.store",
}

__all__ = [
    "Batch",
    "CartesianPoints",
    "Cluster",
    "Dataset",
    "PairedPoints",
    "Sampler",
    "WholeFields",
    "Window",
    "contents_of",
    "generate",
    "open_dataset",
    "open_file",
    "simulate",
    "subsampled",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fredholm.data' has no attribute {name!r}; it offers {', '.join(__all__)}")
