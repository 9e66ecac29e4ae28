"""Export: the operator as ONNX graphs, checked to compute what the operator computes.

`operator.onnx` maps the signature's inputs and a query to the output. A DeepONet also becomes two graphs,

    branch.onnx   inputs -> coefficients (batch, channels, p)
    trunk.onnx    query (points, d) -> basis (points, channels, p)

whose contraction over p is the output: then a moving source costs a branch, and a moving listener a trunk.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fredholm.deploy.artifact import WEIGHTS, Artifact, Manifest, load, replace_artifact
from fredholm.deploy.backend import Backend, Compiled, Graph, OnnxRuntimeBackend, TorchBackend, session, to_onnx
from fredholm.errors import ExportError
from fredholm.fields.signature import Function
from fredholm.operators.deeponet import DeepONet
from fredholm.operators.operator import Operator

TOLERANCE = 1e-5
_BATCHES, _POINTS = (1, 2, 7), (1, 13, 257)


@dataclass(frozen=True)
class Comparison:
    """Worst difference of one graph on one back-end from the operator in float64, over all shapes tried.

    Differences are relative to the largest output; `rounding` is that of the operator itself in float32.
    """

    graph: str
    backend: str
    version: str
    shapes: tuple[tuple[int, ...], ...]
    difference: float
    rounding: float
    tolerance: float


@dataclass(frozen=True)
class Certificate:
    """What an export was checked for."""

    comparisons: tuple[Comparison, ...]

    @property
    def summary(self) -> str:
        """One line."""
        worst = max(self.comparisons, key=lambda c: c.difference)
        tried = sum(len(c.shapes) for c in self.comparisons)
        return (
            f"{len(self.comparisons)} graphs equal in {worst.backend} {worst.version}: worst relative difference "
            f"{worst.difference:.1e} ({worst.graph}) over {tried} shapes"
        )


def export(artifact: Artifact | str | Path, *, tolerance: float = TOLERANCE) -> Certificate:
    """Add ONNX graphs to an artifact, after checking each in ONNX Runtime.

    Raises ExportError, leaving the artifact as it was, if a graph differs by more than `tolerance` of its largest
    output.

    >>> print(export("runs/room/artifact").summary)  # doctest: +SKIP
    """
    artifact = artifact if isinstance(artifact, Artifact) else load(artifact)
    contents, comparisons = {}, []
    for name, graph in graphs_of(artifact.operator).items():
        model = to_onnx(graph)
        comparisons.append(compare(name, graph, session(model), OnnxRuntimeBackend(), tolerance))
        contents[f"{name}.onnx"] = model
    certificate = Certificate(tuple(comparisons))
    _store(artifact, contents, certificate)
    return certificate


def compare(name: str, graph: Graph, compiled: Compiled, backend: Backend, tolerance: float) -> Comparison:
    """Run a compiled graph and the operator side by side on random inputs of several shapes; raises ExportError."""
    exact, single = TorchBackend("float64").compile(graph), TorchBackend("float32").compile(graph)
    generator = np.random.default_rng(0)
    worst, rounding, shapes = 0.0, 0.0, []
    for lengths in _lengths(graph):
        inputs = {
            key: _random(value, graph.free.get(key, {}), lengths, generator) for key, value in graph.example.items()
        }
        truth = exact(inputs)[graph.output]
        scale = float(np.abs(truth).max()) or 1.0
        answer = compiled(inputs)[graph.output]
        if answer.shape != truth.shape:
            raise ExportError(f"{name}.onnx answers shape {answer.shape}, the operator {truth.shape}, for {lengths}")
        worst = max(worst, float(np.abs(answer - truth).max()) / scale)
        rounding = max(rounding, float(np.abs(single(inputs)[graph.output] - truth).max()) / scale)
        shapes.append(tuple(truth.shape))
        if not worst <= tolerance:
            raise ExportError(
                f"{name}.onnx differs from the operator by {worst:.2e} of the largest output in {backend.name} for "
                f"lengths {lengths}; allowed are {tolerance:.0e}, and float32 itself rounds by {rounding:.1e}"
            )
    return Comparison(name, backend.name, backend.version(), tuple(shapes), worst, rounding, tolerance)


def graphs_of(operator: Operator) -> dict[str, Graph]:
    """The graphs an operator is exported as, by name."""
    import json

    metadata = {"fredholm.signature": json.dumps(operator.signature.to_json())}
    inputs = {name: _example(operator, name) for name in operator.signature.inputs}
    batched = {name: {0: "batch"} for name in inputs}
    lower, upper = operator.output_domain.bounds.float()
    query = lower + (upper - lower) * torch.rand(11, len(lower), generator=torch.Generator().manual_seed(0))
    free_query = {"query": {0: "points"}}
    names = list(inputs)
    graphs = {
        "operator": Graph(
            _Whole(operator, names), {**inputs, "query": query}, "output", {**batched, **free_query}, metadata
        )
    }
    if isinstance(operator, DeepONet):
        graphs["branch"] = Graph(_Coefficients(operator, names), inputs, "coefficients", batched, metadata)
        graphs["trunk"] = Graph(_Basis(operator), {"query": query}, "basis", free_query, metadata)
    return graphs


class _Whole(nn.Module):
    def __init__(self, operator: Operator, names: list[str]) -> None:
        super().__init__()
        self.operator, self.names = operator, names

    def forward(self, *tensors: Tensor) -> Tensor:
        *inputs, query = tensors
        values: Tensor = self.operator(dict(zip(self.names, inputs, strict=True)), query)
        return values


class _Coefficients(nn.Module):
    def __init__(self, operator: DeepONet, names: list[str]) -> None:
        super().__init__()
        self.operator, self.names = operator, names

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.operator.coefficients(dict(zip(self.names, inputs, strict=True)))


class _Basis(nn.Module):
    def __init__(self, operator: DeepONet) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, query: Tensor) -> Tensor:
        return self.operator.basis(query)


def _example(operator: Operator, name: str) -> Tensor:
    entry = operator.signature.inputs[name]
    if not isinstance(entry, Function):
        shape: tuple[int, ...] = (len(entry.components),)
    elif entry.domain.shape is None:
        raise ExportError(f"input {name!r} has a domain of each sample's own, which export does not cover yet")
    else:
        shape = (len(entry.channels), *entry.domain.shape)
    return torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))


def _lengths(graph: Graph) -> Iterable[dict[str, int]]:
    """Combinations of lengths of the graph's free axes."""
    names = sorted({length for axes in graph.free.values() for length in axes.values()})
    choices = [_BATCHES if name == "batch" else _POINTS for name in names]
    for combination in product(*choices):
        yield dict(zip(names, combination, strict=True))


def _random(
    example: Tensor, free: dict[int, str], lengths: dict[str, int], generator: np.random.Generator
) -> np.ndarray:
    """Rows drawn from the example and mixed, so that a query stays inside its domain."""
    rows = lengths.get(free.get(0, ""), len(example))
    first, second = (generator.integers(0, len(example), rows) for _ in range(2))
    mix = generator.random((rows, *[1] * (example.ndim - 1))).astype(np.float32)
    values = example.numpy()
    mixed: np.ndarray = mix * values[first] + (1 - mix) * values[second]
    return mixed


def _store(artifact: Artifact, contents: dict[str, bytes], certificate: Certificate) -> None:
    import hashlib

    weights = (artifact.path / WEIGHTS).read_bytes()
    files = {WEIGHTS: artifact.manifest.files[WEIGHTS]}
    files |= {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    certificates = [asdict(comparison) for comparison in certificate.comparisons]
    manifest = Manifest(**{**vars(artifact.manifest), "files": files, "certificates": certificates})
    replace_artifact(artifact.path, manifest, {WEIGHTS: weights, **contents})
