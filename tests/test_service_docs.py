"""The examples of the page about the service work as they stand, on a service of the kind that they are about."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from fredholm.cli import app
from fredholm.deploy import Artifact, save
from fredholm.deploy.service import running_service
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import Concatenated, FunctionSensors, ParameterSensors
from fredholm.operators import DeepONet
from fredholm.operators.deeponet import NetworkBranch, NetworkTrunk
from test_readme import ROOT, examples, run

LINE = Grid(Axis("x", 0.0, 1.0, 5, units="m"))
PAGE = "docs/service.md"


@pytest.fixture(scope="module")
def beam(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    load = Function((Quantity("force", "N"),), DomainType.of(LINE))
    deflection = Function((Quantity("deflection", "m"),), DomainType.of(LINE))
    signature = Signature({"load": load, "stiffness": Parameter((Quantity("stiffness", "N m"),))}, deflection)
    with initialised(0):
        sensors = Concatenated([FunctionSensors("load", LINE), ParameterSensors("stiffness", 1)])
        branch, trunk = (
            NetworkBranch(sensors, MLP([6, 8, 6], nn.Tanh()), 6),
            NetworkTrunk(MLP([1, 8, 6], nn.Tanh()), 6),
        )
        operator = DeepONet(signature, LINE, branch, trunk).eval()
    return save(operator, tmp_path_factory.mktemp("docs") / "runs" / "first" / "artifact")


@pytest.fixture(scope="module")
def address(beam: Artifact) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_service(beam.path, port=port):
        yield f"127.0.0.1:{port}"


def test_clients_ask_in_json_and_in_binary(beam: Artifact, address: str, tmp_path: Path) -> None:
    plain, binary, _ = examples(PAGE)
    said = run(plain.replace("127.0.0.1:8000", address), tmp_path)
    inputs = {"load": torch.tensor([[[0.0, 0.5, 1.0, 0.5, 0.0]]]), "stiffness": torch.tensor([[2.0]])}
    expected = beam.predict(inputs, torch.tensor([[0.25], [0.5]])).flatten().tolist()
    values, units = said.strip().rsplit(" ", 1)
    np.testing.assert_allclose([float(n) for n in values.strip("[]").split(", ")], expected, atol=1e-6)
    assert units == "['m']"
    assert run(binary.replace("127.0.0.1:8000", address), tmp_path).strip() == "(8, 1, 101)"


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_asks_too(beam: Artifact, address: str, tmp_path: Path) -> None:
    commands = re.findall(r"```bash\n(curl.*?)```", (ROOT / PAGE).read_text(encoding="utf-8"), re.S)
    done = subprocess.run(
        ["bash", "-c", commands[0].replace("127.0.0.1:8000", address)], capture_output=True, text=True, check=True
    )
    assert '"shape":[1,1,2]' in done.stdout
    np.save(tmp_path / "pulse.npy", np.zeros((1, 1, 5)))
    command = commands[1].replace("127.0.0.1:8000", address)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert b"this operator takes ['load', 'stiffness']" in (tmp_path / "pressure.npy").read_bytes()


def test_two_models_are_one_application(beam: Artifact, tmp_path: Path) -> None:
    shutil.copytree(beam.path, tmp_path / "runs/first/artifact")
    shutil.copytree(beam.path, tmp_path / "runs/second/artifact")
    said = run(examples(PAGE)[2] + "\nprint(*sorted(app.openapi()['paths']))", tmp_path)
    assert "/v1/models/first/predict" in said
    assert "/v1/models/second/predict" in said


def test_options_that_the_page_names_exist() -> None:
    told = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page)) - {"--create-home", "--no-cache-dir", "--data-binary"}
    assert {"--watch", "--token-file", "--batch", "--window", "--requests"} <= named
    assert all(option in told for option in named), named
