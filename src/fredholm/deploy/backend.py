"""Back-ends: ways to run the same operator, behind one protocol.

`compile` takes a module with named inputs and outputs and answers a function of arrays. Export checks one back-end
against another through it; so can anything else that compares them.
"""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fredholm.errors import ExportError

Arrays = dict[str, np.ndarray]
Compiled = Callable[[Mapping[str, np.ndarray]], Arrays]


@dataclass(frozen=True)
class Graph:
    """A module as a function of named arrays.

    Args:
        module: called with the inputs by position, in the order of `example`; answers a tensor.
        example: one valid value of every input.
        output: name of the output.
        free: for every input, the axes whose lengths may differ from the example's, with a name for each length.
        metadata: text that travels with the graph.
    """

    module: nn.Module
    example: dict[str, Tensor]
    output: str
    free: dict[str, dict[int, str]]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Capabilities:
    """What a back-end can do: lengths of axes that change from call to call, and precisions of its arithmetic."""

    free_axes: bool
    precisions: tuple[str, ...]


class Backend(ABC):
    """A way to run a graph."""

    name: ClassVar[str]
    precision: str = "float32"
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def compile(self, graph: Graph) -> Compiled:
        """The graph as a function of named arrays."""

    @abstractmethod
    def version(self) -> str:
        """Version of what runs the graph."""


class TorchBackend(Backend):
    """Eager torch, in float32 or float64."""

    name: ClassVar[str] = "torch"
    capabilities: ClassVar[Capabilities] = Capabilities(True, ("float32", "float64"))

    def __init__(self, precision: str = "float32") -> None:
        self.precision = precision

    def compile(self, graph: Graph) -> Compiled:
        import copy

        dtype = getattr(torch, self.precision)
        module = copy.deepcopy(graph.module).to(dtype).eval()

        def run(arrays: Mapping[str, np.ndarray]) -> Arrays:
            tensors = [torch.from_numpy(np.asarray(arrays[name])).to(dtype) for name in graph.example]
            with torch.inference_mode():
                return {graph.output: module(*tensors).numpy()}

        return run

    def version(self) -> str:
        return torch.__version__


class OnnxRuntimeBackend(Backend):
    """ONNX Runtime on the CPU, from a graph that torch exports to ONNX."""

    name: ClassVar[str] = "onnxruntime"
    capabilities: ClassVar[Capabilities] = Capabilities(True, ("float32",))

    def compile(self, graph: Graph) -> Compiled:
        return session(to_onnx(graph))

    def version(self) -> str:
        import onnxruntime

        return str(onnxruntime.__version__)


def session(model: bytes, threads: int = 0) -> Compiled:
    """A function that runs an ONNX model; `threads` 0 lets ONNX Runtime choose."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in run.get_outputs()]

    def compiled(arrays: Mapping[str, np.ndarray]) -> Arrays:
        feed = {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}
        return dict(zip(outputs, run.run(outputs, feed), strict=True))

    return compiled


def to_onnx(graph: Graph) -> bytes:
    """The graph as an ONNX model in one piece; raises ExportError if torch cannot export the module."""
    import contextlib
    import logging
    import warnings

    dims: dict[str, Any] = {}
    shapes = []
    for name in graph.example:
        free = graph.free.get(name, {})
        for length in free.values():
            dims.setdefault(length, torch.export.Dim(length, min=1))
        shapes.append({axis: dims[length] for axis, length in free.items()})
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            exported = torch.export.export(
                _Positional(graph.module).eval(), tuple(graph.example.values()), dynamic_shapes=(tuple(shapes),)
            )
            program = torch.onnx.export(
                exported, input_names=list(graph.example), output_names=[graph.output], dynamo=True, verbose=False
            )
    except Exception as error:  # the exporter raises many kinds; all mean that this module cannot be exported
        reason = str(_root(error)).splitlines()[0]
        raise ExportError(f"{type(graph.module).__name__} cannot be exported to ONNX: {reason}") from error
    assert program is not None
    program.optimize()
    model = program.model_proto
    for key, value in graph.metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content


class _Positional(nn.Module):
    """One calling convention for every module, which the exporter's shapes have to mirror."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *tensors: Tensor) -> Tensor:
        values: Tensor = self.module(*tensors)
        return values


def _root(error: BaseException) -> BaseException:
    return _root(error.__cause__) if error.__cause__ is not None else error
