"""Exported graphs compute what the operator computes, which a certificate says; if not, nothing is left behind."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from small_operators import PLANE, SIGNATURE, Hesitant, OnItsGrid, Restless, deeponet, inputs, points

from fredholm.deploy import Artifact, OnnxRuntimeBackend, TorchBackend, export, load, save
from fredholm.deploy.backend import Arrays, Compiled, session
from fredholm.deploy.onnx_export import Certificate, Comparison, compare, graphs_of
from fredholm.errors import ExportError
from fredholm.fields.signature import Signature
from fredholm.operators import Operator
from fredholm.operators.output_transform import Rescaled


def run(artifact: Artifact, name: str, arrays: Mapping[str, torch.Tensor]) -> Arrays:
    return session(artifact.read(f"{name}.onnx"), threads=1)({key: value.numpy() for key, value in arrays.items()})


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("m", [1, 101])
def test_the_graphs_and_their_product_are_the_operator(small: Artifact, batch: int, m: int) -> None:
    exact = deeponet().double()({k: v.double() for k, v in inputs(batch).items()}, points(m).double()).detach().numpy()
    whole = run(small, "operator", {**inputs(batch), "query": points(m)})["output"]
    coefficients = run(small, "branch", inputs(batch))["coefficients"]
    basis = run(small, "trunk", {"query": points(m)})["basis"]
    np.testing.assert_allclose(whole, exact, atol=1e-5)
    np.testing.assert_allclose(np.einsum("bcp,mcp->bcm", coefficients, basis), exact, atol=1e-5)


@pytest.mark.parametrize("name", ["operator", "branch", "trunk"])
def test_graphs_are_standard_typed_and_in_one_piece(room: Artifact, name: str) -> None:
    model = onnx.load_model_from_string(room.read(f"{name}.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version >= 18) for entry in model.opset_import] == [("", True)]
    assert {node.domain for node in model.graph.node} == {""}  # ONNX Runtime's WebAssembly build has no others
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in [*model.graph.input, *model.graph.output]
    }
    terms = room.operator.terms
    pressure, query = ["batch", 1, 21, 21], ["points", 3]
    assert (
        shapes
        == {
            "operator": {"initial_pressure": pressure, "query": query, "output": ["batch", 1, "points"]},
            "branch": {"initial_pressure": pressure, "coefficients": ["batch", 1, terms]},
            "trunk": {"query": query, "basis": ["points", 1, terms]},
        }[name]
    )
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert Signature.from_json(json.loads(metadata["fredholm.signature"])) == room.signature


def test_the_certificate_travels_with_the_artifact(small: Artifact) -> None:
    comparisons = small.manifest.certificates
    assert [entry["graph"] for entry in comparisons] == ["operator", "branch", "trunk", "branch x trunk"]
    assert [1, 2, 1] in comparisons[0]["shapes"]
    assert [7, 2, 257] in comparisons[0]["shapes"]
    for entry in comparisons:
        assert entry["backend"] == "onnxruntime"
        assert entry["difference"] <= entry["tolerance"] == 1e-5
        assert 0 < entry["rounding"] < 1e-5
        assert 0 < entry["absolute"] < 1e-4
    kept = (Comparison(**{**entry, "shapes": tuple(map(tuple, entry["shapes"]))}) for entry in comparisons)
    said = Certificate(tuple(kept)).summary
    assert "graphs equal in onnxruntime" in said
    assert "over 24 shapes" in said


def test_an_operator_on_its_own_grid_has_a_graph_without_query(tmp_path: Path) -> None:
    save(OnItsGrid(SIGNATURE, PLANE), tmp_path / "operator")
    export(tmp_path / "operator", progress=False)
    answer = run(load(tmp_path / "operator"), "operator", inputs(5))["output"]
    np.testing.assert_allclose(answer, OnItsGrid(SIGNATURE, PLANE)(inputs(5)).detach(), atol=1e-6)


@pytest.mark.parametrize(
    ("operator", "message"),
    [
        (Restless, r"operator differs from the operator in onnxruntime by .* at index \(\d, \d, \d+\): it answers"),
        (Hesitant, r"'output' cannot be exported to ONNX: .*data-dependent"),
    ],
)
def test_a_graph_that_is_not_the_operator_leaves_nothing_behind(
    tmp_path: Path, operator: type[Operator], message: str
) -> None:
    path = tmp_path / "operator"
    save(operator(SIGNATURE, PLANE), path)
    before = {file.name: file.read_bytes() for file in path.iterdir()}
    with pytest.raises(ExportError, match=f"(?i){message}"):
        export(path, progress=False)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["operator"]


def spoilt(compiled: Compiled, channel: int, factor: float) -> Compiled:
    """A back-end that multiplies one channel by a factor."""

    def answer(arrays: Mapping[str, np.ndarray]) -> Arrays:
        values = {name: value.copy() for name, value in compiled(arrays).items()}
        for value in values.values():
            value[:, channel] *= factor
        return values

    return answer


@pytest.mark.parametrize("factor", [1 + 3e-5, np.nan, np.inf, 0.0])
@pytest.mark.parametrize("channel", [0, 1])
def test_one_wrong_channel_is_wrong_however_small_it_is(channel: int, factor: float) -> None:
    kilometre_and_millimetre = Rescaled([1e3, 1e-3], [0.0, 0.0])
    graph = graphs_of(deeponet(transform=kilometre_and_millimetre))["operator"]
    exact = TorchBackend("float64").compile(graph)
    assert compare("operator", graph, exact, TorchBackend("float64"), tolerance=1e-5).difference == 0.0
    with pytest.raises(ExportError, match="differs from the operator"):
        compare("operator", graph, spoilt(exact, channel, factor), OnnxRuntimeBackend(), tolerance=1e-5)


def test_float32_that_rounds_more_than_allowed_is_said_to(tmp_path: Path) -> None:
    graph = graphs_of(deeponet())["operator"]
    single = TorchBackend("float32")
    with pytest.raises(ExportError, match=r"Allowed are 1e-12, and float32 itself loses \d\.\de-0[678]"):
        compare("operator", graph, single.compile(graph), single, tolerance=1e-12)
