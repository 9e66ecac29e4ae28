"""Every family becomes graphs that answer alike, for batches and points of any number."""

import json
from pathlib import Path

import pytest
import torch
from families import OUTPUT, SIGNATURE, family, linear_branch, modes
from families import both as both_inputs

from fredholm.deploy.backend import OnnxRuntimeBackend, session, to_onnx
from fredholm.deploy.onnx_export import compare, graphs_of
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import build, describe
from fredholm.operators.deeponet import DeepONet, PODTrunk, SeparableModes, SplitTrunk


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("gated sine", {"branch", "trunk"}),
        ("independent networks", {"operator"}),
        pytest.param("stacked branch, split branch", {"branch"}, marks=pytest.mark.slow),
        ("product of branches, anchored", {"operator"}),
        ("separable modes, split trunk", {"trunk"}),
        pytest.param("feed-forward", {"operator", "field"}, marks=pytest.mark.slow),
    ],
)
def test_graphs_compute_what_the_operator_computes(name: str, parts: set[str]) -> None:
    operator = family(name)
    for part, graph in graphs_of(operator).items():
        if part in parts:
            compare(part, graph, session(to_onnx(graph), threads=1), OnnxRuntimeBackend(), tolerance=1e-5)
    assert type(build(json.loads(json.dumps(describe(operator))))) is type(operator)  # exporting derives namesakes


def test_a_deeponet_is_exported_in_its_parts_too() -> None:
    assert set(graphs_of(family("gated sine"))) == {"operator", "branch", "trunk"}
    assert set(graphs_of(family("feed-forward"))) == {"operator", "field"}


def test_modes_on_periodic_axes_are_exported_too() -> None:
    circle = Grid(Axis("x", 0.0, 2.0, 5, periodic=True), Axis("y", 0.0, 1.0, 4))
    domain = circle * OUTPUT.second
    trunk = PODTrunk(SeparableModes.of(domain, modes(6), 0.1))
    operator = DeepONet(SIGNATURE, domain, linear_branch(both_inputs(), 3), trunk, SplitTrunk(), bias=False)
    graph = graphs_of(operator)["trunk"]
    compare("trunk", graph, session(to_onnx(graph), threads=1), OnnxRuntimeBackend(), tolerance=1e-5)
    wrapped = graph.module(torch.tensor([[0.3, 0.5, 0.1], [2.3, 0.5, 0.1]]))
    torch.testing.assert_close(wrapped[0], wrapped[1], rtol=1e-5, atol=1e-5)


def test_graphs_keep_no_traces_of_the_machine_that_exported_them() -> None:
    content = to_onnx(graphs_of(family("gated sine"))["trunk"])
    assert b".py" not in content
    assert str(Path(__file__).parents[2]).encode() not in content
