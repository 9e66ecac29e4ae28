"""Back-ends run one operator alike, within their declared precision, for batches and points of any number."""

import logging
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from jaxtyping import config
from small_operators import PLANE, SIGNATURE, Hesitant, Restless, deeponet, feed_forward, inputs

from fredholm.deploy import Backend, OnnxRuntimeBackend, TorchBackend, TorchCompileBackend
from fredholm.deploy.onnx_export import compare, graphs_of
from fredholm.errors import ExportError

BACKENDS = [
    TorchBackend("float64"),
    TorchBackend("float32"),
    TorchCompileBackend("aot_eager"),
    pytest.param(TorchCompileBackend(), marks=pytest.mark.slow),  # half a minute of C++ compilation
    OnnxRuntimeBackend(),
]


@pytest.fixture(autouse=True)
def shapes_unchecked() -> Iterator[None]:
    """torch.compile cannot trace through the shape checks of the tests; other tests make them on the same operators."""
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", False)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: f"{backend.name}-{backend.precision}")
@pytest.mark.parametrize(
    "operator", [deeponet(), pytest.param(feed_forward(), marks=pytest.mark.slow)], ids=["deeponet", "feed-forward"]
)
def test_back_ends_agree(backend: Backend, operator: object) -> None:
    graph = graphs_of(operator)["operator"]
    done = compare("operator", graph, backend.compile(graph), backend, tolerance=1e-5)
    assert backend.precision in backend.capabilities.precisions
    assert backend.capabilities.free_axes
    assert {shape[0] for shape in done.shapes} == {1, 2, 7}
    assert {shape[2] for shape in done.shapes} == {1, 13, 257}
    assert done.version
    assert (done.difference == 0.0) == (backend.precision == "float64")


def test_compiling_leaves_operator_and_loggers_alone_and_inputs_may_be_of_any_floating_type() -> None:
    operator = deeponet()
    graph = graphs_of(operator)["branch"]
    level = logging.getLogger("torch.onnx").level
    arrays = {name: value.double().numpy() for name, value in inputs(2).items()}
    backends = (TorchBackend("float64"), TorchBackend(), OnnxRuntimeBackend())
    answers = [backend.compile(graph)(arrays)["coefficients"] for backend in backends]
    assert [answer.dtype for answer in answers] == [np.float64, np.float32, np.float32]
    np.testing.assert_allclose(answers[1], answers[0], atol=1e-5)
    np.testing.assert_allclose(answers[2], answers[0], atol=1e-5)
    assert operator.bias.dtype == torch.float32
    assert logging.getLogger("torch.onnx").level == level


def test_randomness_is_not_equal_to_itself_on_another_back_end() -> None:
    graph = graphs_of(Restless(SIGNATURE, PLANE))["operator"]
    backend = TorchBackend()
    with pytest.raises(ExportError, match="look for randomness"):
        compare("operator", graph, backend.compile(graph), backend, tolerance=1e-5)


def test_what_a_back_end_cannot_run_it_refuses() -> None:
    with pytest.raises(ExportError, match="'output' cannot be exported to ONNX"):
        OnnxRuntimeBackend().compile(graphs_of(Hesitant(SIGNATURE, PLANE))["operator"])
