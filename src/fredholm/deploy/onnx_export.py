"""Export: the operator as ONNX graphs, checked to compute what the operator computes.

`operator.onnx` maps the signature's inputs and, if the operator takes one, a query to the output; `field.onnx` answers
on the output domain. A DeepONet becomes, in its place, two graphs,

    branch.onnx   inputs -> coefficients (batch, channels, p)
    trunk.onnx    query (points, d) -> basis (points, channels, p)

whose contraction over p is the output: then a moving source costs a branch, and a moving listener a trunk.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fredholm.deploy.artifact import Artifact, load, replace_artifact, sha256_of
from fredholm.deploy.backend import (
    Arrays,
    Backend,
    Compiled,
    Graph,
    OnnxRuntimeBackend,
    TorchBackend,
    session,
    to_onnx,
)
from fredholm.errors import ExportError
from fredholm.fields.signature import Function, Signature
from fredholm.operators.deeponet import DeepONet
from fredholm.operators.operator import Operator, Query

TOLERANCE = 1e-5
_ROUNDINGS, _LARGEST = 3.0, 1e-4  # a deep network may differ by what its own float32 loses, within bounds
_BATCHES, _POINTS = (1, 2, 7), (1, 13, 257)


@dataclass(frozen=True)
class Comparison:
    """Worst difference of one graph on one back-end from the operator in float64, over all shapes tried.

    `difference` and `rounding` are relative to the largest magnitude of the channel at hand, over all calls;
    `rounding` is what the operator itself loses in float32. `absolute` is in the output's units.
    """

    graph: str
    backend: str
    version: str
    shapes: tuple[tuple[int, ...], ...]
    difference: float
    absolute: float
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
        names = ", ".join(c.graph for c in self.comparisons)
        return (
            f"graphs equal in {worst.backend} {worst.version} ({names}): worst relative difference "
            f"{worst.difference:.1e} ({worst.graph}) over {tried} shapes"
        )


def export(artifact: Artifact | str | Path, *, tolerance: float | None = None, progress: bool = True) -> Certificate:
    """Add ONNX graphs to an artifact, after checking each in ONNX Runtime.

    Raises ExportError, leaving the artifact as it was, if a graph differs by more than `tolerance` of the largest
    output in a channel. Without one that is 1e-5 or, for a deep network whose own float32 answers lose more than a
    third of that, three times what they lose, at most 1e-4.

    >>> print(export("runs/room/artifact").summary)  # doctest: +SKIP
    """
    from rich.console import Console

    artifact = artifact if isinstance(artifact, Artifact) else load(artifact)
    backend, graphs = OnnxRuntimeBackend(), graphs_of(artifact.operator)
    contents: dict[str, bytes] = {}
    compiled: dict[str, Compiled] = {}
    comparisons = []
    with Console(stderr=True, quiet=not progress).status("exporting") as status:
        for name, graph in graphs.items():
            status.update(f"exporting {name}.onnx")
            contents[f"{name}.onnx"] = to_onnx(graph)
            compiled[name] = session(contents[f"{name}.onnx"])
            comparisons.append(compare(name, graph, compiled[name], backend, tolerance))
        if "branch" in graphs:
            parts = _contracted(compiled["branch"], compiled["trunk"], graphs)
            comparisons.append(compare("branch x trunk", graphs["operator"], parts, backend, tolerance))
    certificate = Certificate(tuple(comparisons))
    _store(artifact, contents, certificate)
    return certificate


def compare(
    name: str, graph: Graph, compiled: Compiled, backend: Backend, tolerance: float | None = None
) -> Comparison:
    """Run a compiled graph and the operator side by side on random inputs of several shapes.

    Raises ExportError naming the worst place if they differ by more than `tolerance` (see `export`), or are not finite.
    """
    calls = _calls(name, graph, compiled)
    # one scale for all calls: a single value near zero says nothing of its channel's range
    scale = np.max([call.magnitude for call in calls], axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    rounding = max(float(call.error(call.single, scale).max()) for call in calls)
    worst = max(calls, key=lambda call: call.error(call.answer, scale).max())
    error = worst.error(worst.answer, scale)
    difference = float(error.max())
    allowed = max(TOLERANCE, min(_ROUNDINGS * rounding, _LARGEST)) if tolerance is None else tolerance
    if not difference <= allowed:
        index = np.unravel_index(int(error.argmax()), error.shape)
        raise ExportError(
            f"{name} differs from the operator in {backend.name} by {difference:.2e} of its largest output, with "
            f"{worst.lengths} at index {tuple(map(int, index))}: it answers {worst.answer[index]:.8g}, the operator "
            f"{worst.truth[index]:.8g}. Allowed are {allowed:.0e}, and float32 itself loses {rounding:.1e}: look "
            "for randomness or an operation that the exporter renders otherwise"
        )
    absolute = max(float(np.abs(call.answer - call.truth).max()) for call in calls)
    shapes = tuple(tuple(call.truth.shape) for call in calls)
    return Comparison(name, backend.name, backend.version(), shapes, difference, absolute, rounding, allowed)


@dataclass(frozen=True)
class _Call:
    """Outputs of one call, channels on axis 1: the operator's in float64, a back-end's, the operator's in float32."""

    lengths: dict[str, int]
    truth: np.ndarray
    answer: np.ndarray
    single: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """Largest magnitude in every channel."""
        largest: np.ndarray = np.abs(np.moveaxis(self.truth, 1, 0)).reshape(self.truth.shape[1], -1).max(axis=1)
        return largest

    def error(self, values: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Differences in units of each channel's scale; what is not finite is infinitely wrong."""
        channels = scale.reshape(-1, *[1] * (self.truth.ndim - 2))
        return np.nan_to_num(np.abs(values - self.truth) / channels, nan=np.inf, posinf=np.inf)


def _calls(name: str, graph: Graph, compiled: Compiled) -> list[_Call]:
    exact, single = TorchBackend("float64").compile(graph), TorchBackend("float32").compile(graph)
    generator = np.random.default_rng(0)
    calls = []
    for lengths in _lengths(graph):
        inputs = {
            key: _random(value, graph.free.get(key, {}), lengths, generator) for key, value in graph.example.items()
        }
        call = _Call(lengths, *(run(inputs)[graph.output] for run in (exact, compiled, single)))
        if call.answer.shape != call.truth.shape:
            raise ExportError(f"{name} answers shape {call.answer.shape}, the operator {call.truth.shape}: {lengths}")
        calls.append(call)
    return calls


def graphs_of(operator: Operator) -> dict[str, Graph]:
    """The graphs an operator is exported as, by name."""
    import json

    metadata = {"fredholm.signature": json.dumps(operator.signature.to_json())}
    inputs, free = examples_of(operator.signature), _free_axes(operator.signature)
    lower, upper = operator.output_domain.bounds.float()
    query = lower + (upper - lower) * torch.rand(11, len(lower), generator=torch.Generator().manual_seed(0))
    free_query = {"query": {0: "points"}}
    names = list(inputs)
    whole = _Whole(operator, names)
    graphs = {}
    if Query.SHARED in operator.queries:
        example = {**inputs, "query": query}
        graphs["operator"] = Graph(whole, example, "output", {**free, **free_query}, metadata)
    if isinstance(operator, DeepONet):
        graphs["branch"] = Graph(_Coefficients(operator, names), inputs, "coefficients", free, metadata)
        graphs["trunk"] = Graph(_Basis(operator), {"query": query}, "basis", free_query, metadata)
    elif Query.DOMAIN in operator.queries:
        name = "field" if graphs else "operator"
        graphs[name] = Graph(whole, inputs, "output", free, metadata)
    return graphs


class _Whole(nn.Module):
    def __init__(self, operator: Operator, names: list[str]) -> None:
        super().__init__()
        self.operator, self.names = operator, names

    def forward(self, *tensors: Tensor) -> Tensor:
        query = tensors[len(self.names)] if len(tensors) > len(self.names) else None
        values: Tensor = self.operator(dict(zip(self.names, tensors, strict=False)), query)
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


def _contracted(branch: Compiled, trunk: Compiled, graphs: dict[str, Graph]) -> Compiled:
    """The two graphs of a DeepONet as one function of inputs and query, which is how a page or a service uses them."""

    def run(arrays: Mapping[str, np.ndarray]) -> Arrays:
        inputs = {name: arrays[name] for name in graphs["branch"].example}
        coefficients = branch(inputs)[graphs["branch"].output]
        basis = trunk({"query": arrays["query"]})[graphs["trunk"].output]
        return {graphs["operator"].output: np.einsum("bcp,mcp->bcm", coefficients, basis, optimize=True)}

    return run


def examples_of(signature: Signature) -> dict[str, Tensor]:
    """A batch of three of all input tensors, with random values."""
    generator = torch.Generator().manual_seed(1)
    examples = {}
    for name, entry in signature.inputs.items():
        if not isinstance(entry, Function):
            examples[name] = torch.randn(3, len(entry.components), generator=generator)
        elif entry.domain.shape is not None:
            examples[name] = torch.randn(3, len(entry.channels), *entry.domain.shape, generator=generator)
        else:
            lower = torch.tensor([axis.lower for axis in entry.domain.axes])
            extent = torch.tensor([axis.extent for axis in entry.domain.axes])
            examples[name] = torch.randn(3, len(entry.channels), 17, generator=generator)
            unit = torch.rand(3, 17, len(extent), generator=generator)
            examples[f"{name}.coordinates"] = lower + extent * unit
            examples[f"{name}.weights"] = (0.5 + torch.rand(3, 17, generator=generator)) * float(extent.prod()) / 17
    return {name: examples[name] for name in signature.tensors}


def _free_axes(signature: Signature) -> dict[str, dict[int, str]]:
    """Which axes of the input tensors may have other lengths than the examples."""
    free = {name: {0: "batch"} for name in signature.tensors}
    for name, entry in signature.inputs.items():
        if isinstance(entry, Function) and entry.domain.shape is None:
            points = f"{name}_points"
            free[name] = {0: "batch", 2: points}
            free[f"{name}.coordinates"] = free[f"{name}.weights"] = {0: "batch", 1: points}
    return free


def _lengths(graph: Graph) -> Iterable[dict[str, int]]:
    """Combinations of lengths of the graph's free axes."""
    names = sorted({length for axes in graph.free.values() for length in axes.values()})
    choices = [_BATCHES if name == "batch" else _POINTS for name in names]
    for combination in product(*choices):
        yield dict(zip(names, combination, strict=True))


def _random(
    example: Tensor, free: dict[int, str], lengths: dict[str, int], generator: np.random.Generator
) -> np.ndarray:
    """Rows drawn from the example and mixed, so that a query stays inside its domain; other free axes are repeated."""
    rows = lengths.get(free.get(0, ""), len(example))
    first, second = (generator.integers(0, len(example), rows) for _ in range(2))
    mix = generator.random((rows, *[1] * (example.ndim - 1))).astype(np.float32)
    values = example.numpy()
    mixed: np.ndarray = mix * values[first] + (1 - mix) * values[second]
    for axis, length in free.items():
        if axis > 0:
            mixed = mixed.take(np.arange(lengths[length]) % mixed.shape[axis], axis)
    return mixed


def _store(artifact: Artifact, contents: dict[str, bytes], certificate: Certificate) -> None:
    kept = {name: artifact.read(name) for name in artifact.manifest.files if not name.endswith(".onnx")}
    contents = {**kept, **contents}
    files = {name: sha256_of(content) for name, content in contents.items()}
    certificates = [asdict(comparison) for comparison in certificate.comparisons]
    replace_artifact(artifact.path, replace(artifact.manifest, files=files, certificates=certificates), contents)
