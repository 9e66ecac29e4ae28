"""Answers from exported graphs, for a program or a service that asks again and again.

A DeepONet's basis at given points is evaluated once and kept; each further input then costs a branch and one matrix
product, G(u)(y) = Σₚ coefficients(u)ₚ basis(y)ₚ. Other operators run as one graph.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from fredholm.deploy.artifact import Artifact
from fredholm.deploy.backend import session
from fredholm.errors import ArtifactError

_PART = 16384  # points evaluated at a time, which bounds the trunk's intermediate values


class Predictor:
    """The operator of an exported artifact in ONNX Runtime; agrees with `Artifact.predict` to float32 rounding.

    Args:
        artifact: after `export`.
        threads: of ONNX Runtime; 0 lets it choose.
        cache_bytes: of the bases that are kept, the least recently used making room.
        spinning: whether ONNX Runtime's threads wait busily for the next call; best where nothing else has work to do.

    Raises ArtifactError for an artifact without graphs. May be called from several threads.

    >>> predict = Predictor(load("runs/room/artifact")).predict  # doctest: +SKIP
    >>> predict({"initial_pressure": pulse}, grid_at_one_time).shape  # doctest: +SKIP
    torch.Size([1, 1, 4096])
    """

    def __init__(
        self, artifact: Artifact, *, threads: int = 0, cache_bytes: int = 256 * 2**20, spinning: bool = True
    ) -> None:
        files = artifact.manifest.files
        if "operator.onnx" not in files:
            raise ArtifactError(f"{artifact.path} has no graphs: run `fredholm export {artifact.path}` first")
        self.artifact, self.cache_bytes = artifact, cache_bytes
        self._split = "branch.onnx" in files and "trunk.onnx" in files
        names = ("branch", "trunk") if self._split else ("operator", "field")
        self._graphs = {
            name: session(artifact.read(f"{name}.onnx"), threads, spinning) for name in names if f"{name}.onnx" in files
        }
        self._bases: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def predict(self, inputs: Mapping[str, Tensor | np.ndarray], query: Tensor | np.ndarray | None = None) -> Tensor:
        """Values (batch, channels, m), or on the output domain's shape; raises SignatureError for what does not fit."""
        given, points = self.artifact.checked(inputs, query)
        arrays = {name: values.numpy() for name, values in given.items()}
        if points is not None:
            return torch.from_numpy(self._at(arrays, points.numpy()))
        domain = self.artifact.operator.output_domain
        if not self._split:
            graph = "field" if "field" in self._graphs else "operator"
            return torch.from_numpy(self._graphs[graph](arrays)["output"])
        basis = self._kept(b"the output domain", lambda: domain.coordinates().float().numpy())
        values = _contracted(self._graphs["branch"](arrays)["coefficients"], basis)
        return torch.from_numpy(values).unflatten(-1, domain.shape)

    def _at(self, arrays: dict[str, np.ndarray], points: np.ndarray) -> np.ndarray:
        """Values (batch, channels, m) at points (m, d) or (batch, m, d)."""
        shared = points.ndim == 2
        if self._split:
            coefficients = self._graphs["branch"](arrays)["coefficients"]
            if not shared:
                return self._at_own(coefficients, points)
            return _contracted(coefficients, self._kept(hashlib.sha256(points.tobytes()).digest(), lambda: points))
        run = self._graphs["operator"]
        if shared:
            return run({**arrays, "query": points})["output"]
        samples = [{name: values[i : i + 1] for name, values in arrays.items()} for i in range(len(points))]
        parts = [run({**sample, "query": own})["output"] for sample, own in zip(samples, points, strict=True)]
        return np.concatenate(parts)

    def _at_own(self, coefficients: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Sample by sample and channel by channel, (m, p) x (p, 1)."""
        basis = self._evaluate(points.reshape(-1, points.shape[-1]))
        basis = basis.reshape(*points.shape[:2], *basis.shape[1:]).transpose(0, 2, 1, 3)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite shows in the answer
            values: np.ndarray = np.matmul(basis, coefficients[..., None])
        return values[..., 0]

    def _kept(self, key: bytes, points: Callable[[], np.ndarray]) -> np.ndarray:
        """The basis (channels, p, m) at shared points, kept under a key for the next time."""
        with self._lock:
            if key in self._bases:
                self._bases.move_to_end(key)
                return self._bases[key]
        basis = np.ascontiguousarray(self._evaluate(points()).transpose(1, 2, 0))
        with self._lock:
            self._bases[key] = basis
            while sum(kept.nbytes for kept in self._bases.values()) > self.cache_bytes:
                self._bases.popitem(last=False)
        return basis

    def _evaluate(self, points: np.ndarray) -> np.ndarray:
        """The basis (m, channels, p), part by part."""
        trunk = self._graphs["trunk"]
        parts = [trunk({"query": points[i : i + _PART]})["basis"] for i in range(0, len(points), _PART)]
        return np.concatenate(parts)


def _contracted(coefficients: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Values (batch, channels, m): channel by channel, (batch, p) x (p, m)."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite shows in the answer
        values: np.ndarray = np.matmul(coefficients.transpose(1, 0, 2), basis)
    return values.transpose(1, 0, 2)
