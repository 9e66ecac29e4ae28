"""Back-ends: ways to run the same operator, behind one protocol.

`compile` takes a module with named inputs and outputs and answers a function of arrays. Export checks one back-end
against another through it; so can anything else that compares them.
"""

import contextlib
import copy
import io
import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
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
    """What a back-end can do.

    Args:
        free_axes: whether the lengths of free axes (batch, points) may change from call to call.
        precisions: of its arithmetic.
        device: where it computes.
    """

    free_axes: bool
    precisions: tuple[str, ...]
    device: str = "cpu"


class Backend(ABC):
    """A way to run a graph."""

    name: ClassVar[str]
    precision: str = "float32"
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def compile(self, graph: Graph) -> Compiled:
        """The graph as a function of named arrays; raises ExportError if this back-end cannot run it."""

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
        dtype = getattr(torch, self.precision)
        return _in_torch(graph, copy.deepcopy(graph.module).to(dtype).eval(), dtype)

    def version(self) -> str:
        return torch.__version__


class TorchCompileBackend(Backend):
    """torch.compile, in float32.

    Args:
        compiler: of the traced graph; see `torch.compiler.list_backends`. The default needs a C++ compiler.
    """

    name: ClassVar[str] = "torch.compile"
    capabilities: ClassVar[Capabilities] = Capabilities(True, ("float32",))

    def __init__(self, compiler: str = "inductor") -> None:
        self.compiler = compiler

    def compile(self, graph: Graph) -> Compiled:
        module = copy.deepcopy(graph.module).eval()
        compiled = torch.compile(module, dynamic=True, backend=self.compiler)
        run = _in_torch(graph, compiled, torch.float32)
        try:
            run({name: value.numpy() for name, value in graph.example.items()})  # compilation happens at the first call
        except Exception as error:  # the compiler raises many kinds; all mean that this module cannot be compiled
            reason = next(iter(str(_root(error)).splitlines()), type(error).__name__)
            raise ExportError(f"{graph.output!r} cannot be compiled by torch: {reason}") from error
        return run

    def version(self) -> str:
        return torch.__version__


def _in_torch(graph: Graph, module: Callable[..., Tensor], dtype: torch.dtype) -> Compiled:
    """A function of arrays that calls a torch module."""

    def run(arrays: Mapping[str, np.ndarray]) -> Arrays:
        tensors = [torch.from_numpy(np.asarray(arrays[name])).to(dtype) for name in graph.example]
        with torch.inference_mode():
            return {graph.output: module(*tensors).numpy()}

    return run


class OnnxRuntimeBackend(Backend):
    """ONNX Runtime on the CPU, from a graph that torch exports to ONNX."""

    name: ClassVar[str] = "onnxruntime"
    capabilities: ClassVar[Capabilities] = Capabilities(True, ("float32",))

    def compile(self, graph: Graph) -> Compiled:
        return session(to_onnx(graph))

    def version(self) -> str:
        import onnxruntime

        return str(onnxruntime.__version__)


def session(model: bytes, threads: int = 0, spinning: bool = True) -> Compiled:
    """A function that runs an ONNX model; `threads` 0 lets ONNX Runtime choose.

    Threads that are `spinning` wait for the next run by using their cores, which others then lack.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in run.get_outputs()]

    def compiled(arrays: Mapping[str, np.ndarray]) -> Arrays:
        feed = {name: np.ascontiguousarray(values, np.float32) for name, values in arrays.items()}
        return dict(zip(outputs, run.run(outputs, feed), strict=True))

    return compiled


def to_onnx(graph: Graph) -> bytes:
    """The graph as an ONNX model in one piece; raises ExportError if torch cannot export the module."""
    dims: dict[str, Any] = {}
    shapes = []
    for name in graph.example:
        free = graph.free.get(name, {})
        for length in free.values():
            dims.setdefault(length, torch.export.Dim(length, min=1))
        shapes.append({axis: dims[length] for axis, length in free.items()})
    try:
        with _quiet_exporter():
            exported = torch.export.export(
                _Positional(graph.module).eval(), tuple(graph.example.values()), dynamic_shapes=(tuple(shapes),)
            )
            program = torch.onnx.export(
                exported, input_names=list(graph.example), output_names=[graph.output], dynamo=True, verbose=False
            )
    except Exception as error:  # the exporter raises many kinds; all mean that this module cannot be exported
        reason = next(iter(str(_root(error)).splitlines()), type(error).__name__)
        raise ExportError(f"{graph.output!r} cannot be exported to ONNX: {reason}") from error
    assert program is not None
    program.optimize()
    model = program.model_proto
    _name_free_axes(model.graph, graph)
    for node in model.graph.node:
        del node.metadata_props[:]  # traces of the stack, which name places on this machine
    for key, value in graph.metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    content: bytes = model.SerializeToString()
    return content


def _name_free_axes(rendered: Any, graph: Graph) -> None:
    """Call the lengths of free axes by the graph's names, which the exporter replaces by symbols of its own."""
    names = {
        value.type.tensor_type.shape.dim[axis].dim_param: name
        for value in rendered.input
        for axis, name in graph.free.get(value.name, {}).items()
    }
    for value in (*rendered.input, *rendered.output, *rendered.value_info):
        for length in value.type.tensor_type.shape.dim:
            if length.dim_param:
                length.dim_param = names.get(length.dim_param, length.dim_param)


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporter without its running commentary; what it finds wrong, it raises."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


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
