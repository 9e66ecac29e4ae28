"""The service answers what the operator answers, and refuses with a reason what does not fit."""

import math
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient

from fredholm.deploy import Artifact, Limits, create_app, save
from fredholm.deploy.service import PortInUseError, require_free, running_service
from rooms import TEST_ROOM


@pytest.fixture(scope="module")
def client(room: Artifact) -> Iterator[TestClient]:
    with TestClient(create_app(room, Limits(body_bytes=200_000, values=50_000))) as client:
        yield client


def pulse() -> torch.Tensor:
    return TEST_ROOM.pulses(torch.tensor([[0.8, 1.1]], dtype=torch.float64))["initial_pressure"]


def test_prediction_is_the_operator_s(client: TestClient, room: Artifact) -> None:
    query = [[0.5, 0.5, 0.004], [1.37, 0.21, 0.0055]]
    answer = client.post("/v1/predict", json={"inputs": {"initial_pressure": pulse().tolist()}, "query": query}).json()
    expected = room.predict({"initial_pressure": pulse()}, torch.tensor(query))
    np.testing.assert_allclose(answer["values"], expected.numpy(), atol=1e-6)
    assert answer["shape"] == [1, 1, 2]
    assert answer["channels"] == ["pressure"]
    assert answer["units"] == ["Pa"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"inputs": {}}, 422, "initial_pressure"),
        ({"inputs": {"initial_pressure": [[1.0]]}}, 422, "expected (batch, 1, 21, 21)"),
        ({"inputs": {"initial_pressure": [[[[1.0, "x"]]]]}}, 422, "not a regular array"),
        ({"inputs": {"initial_pressure": pulse().tolist(), "other": [1.0]}}, 422, "other"),
        ({"inputs": {"initial_pressure": pulse().tolist()}, "query": [[0.5, 0.5]]}, 422, "coordinates ['x', 'y', 't']"),
        ({"inputs": {"initial_pressure": pulse().tolist()}, "query": [[0.5, 2.5, 0.0]]}, 422, "y = 2.5"),
        ({"inputs": {"initial_pressure": (pulse() * 3e38).tolist()}}, 422, "the answer has"),
        ({"inputs": {"initial_pressure": pulse().expand(20, -1, -1, -1).tolist()}}, 422, "ask for fewer"),
        ({"inputs": {"initial_pressure": pulse().expand(200, -1, -1, -1).tolist()}}, 413, "over 200000 bytes"),
    ],
)
def test_what_does_not_fit_is_refused(client: TestClient, body: dict, status: int, reason: str) -> None:
    answer = client.post("/v1/predict", json=body)
    assert answer.status_code == status
    assert reason in answer.json()["error"]


def test_values_that_are_not_numbers_are_refused(client: TestClient) -> None:
    text = '{"inputs": {"initial_pressure": [[[' + ",".join(["[" + ",".join(["NaN"] * 21) + "]"] * 21) + "]]]}}"
    answer = client.post("/v1/predict", content=text, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert "NaN" in answer.json()["error"]


def test_a_body_that_does_not_say_its_length_is_counted(client: TestClient) -> None:
    def body() -> Iterator[bytes]:
        yield b'{"inputs": {"initial_pressure": ['
        for _ in range(30):
            yield b"1.0, " * 2_000

    answer = client.post("/v1/predict", content=body(), headers={"content-type": "application/json"})
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413
    assert answer.json()["error"] == "the body has over 200000 bytes, which is all that is allowed"


def test_an_answer_that_takes_too_long_is_not_waited_for(room: Artifact) -> None:
    app = create_app(room, Limits(seconds=0.2))
    told = threading.Event()
    app.get("/slow")(lambda: {"told": told.wait(60)})  # ends only once the client has been answered
    with TestClient(app) as client:
        answer = client.get("/slow")
        told.set()
        assert answer.status_code == 503
        assert answer.json()["error"] == "the request took longer than 0.2 s: ask for less"
        assert client.get("/health").status_code == 200


def test_every_answer_has_the_headers_that_browsers_heed(client: TestClient) -> None:
    for path in ("/health", "/docs", "/room/", "/nowhere", "/v1/graphs/leaf.onnx"):
        headers = client.get(path).headers
        assert "script-src 'self' 'wasm-unsafe-eval'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
    assert client.get("/nowhere").json() == {"error": "Not Found"}


def test_a_rigid_room_has_a_manifest_of_strict_json(room: Artifact, tmp_path: Path) -> None:
    provenance = {"problem": {"name": "other", "parameters": {"wall_impedance": math.inf}}}
    rigid = save(room.operator, tmp_path / "rigid", provenance=provenance)
    with TestClient(create_app(rigid)) as client:
        answer = client.get("/v1/manifest")
        assert answer.json()["provenance"]["problem"]["parameters"] == {"wall_impedance": "inf"}
        body = {"inputs": {"initial_pressure": pulse().tolist()}, "query": [[0.5, 0.5, 0.004]]}  # without graphs, too
        assert client.post("/v1/predict", json=body).json()["shape"] == [1, 1, 1]


def test_broken_json_and_unknown_graphs(client: TestClient) -> None:
    assert client.post("/v1/predict", content="{", headers={"content-type": "application/json"}).status_code == 422
    missing = client.get("/v1/graphs/leaf.onnx")
    assert missing.status_code == 404
    assert "['branch', 'operator', 'trunk']" in missing.json()["error"]


def test_a_graph_that_a_client_has_is_not_sent_again(client: TestClient, room: Artifact) -> None:
    first = client.get("/v1/graphs/trunk.onnx")
    assert first.content == (room.path / "trunk.onnx").read_bytes()
    again = client.get("/v1/graphs/trunk.onnx", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/v1/graphs/branch.onnx", headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_schema_names_inputs_with_units(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]
    assert "pressure [Pa]" in schema["Inputs"]["properties"]["initial_pressure"]["description"]
    assert "t [s]" in client.get("/docs").text
    assert "http" not in client.get("/docs").text
    assert client.get("/health").json()["models"]["default"]["problem"] == "room"
    assert client.get("/v1/signature").json()["output"]["channels"][0]["units"] == "Pa"
    assert client.get("/v1/manifest").json()["accuracy"]["relative_l2"] == 0.01


def test_room_page_has_its_scene_and_its_assets(client: TestClient) -> None:
    scene = client.get("/room/scene.json").json()
    assert scene["outline"] == [[0, 0], [2, 0], [2, 2], [0, 2]]
    assert len(scene["times"]) == TEST_ROOM.recording.count
    assert scene["pulse"]["width"] == pytest.approx(2 * 343 / (math.pi * 250))
    page = client.get("/room/")
    assert page.status_code == 200
    assert "wasm-unsafe-eval" in page.headers["content-security-policy"]
    assert client.get("/room", follow_redirects=False).headers["location"] == "/room/"
    assert client.get("/room/..%2f..%2fartifact.py").status_code == 404
    assert client.get("/room/nothing.js").status_code == 404


def test_reference_solution_is_the_solver_s(client: TestClient) -> None:
    answer = client.post("/room/solve", json={"source": [0.8, 1.1]})
    shape = tuple(int(n) for n in answer.headers["x-shape"].split(","))
    pressure = np.frombuffer(answer.content, "<f4").reshape(shape)
    expected = TEST_ROOM.solve({"initial_pressure": pulse()})[0, 0].movedim(-1, 0)
    np.testing.assert_array_equal(pressure, expected.numpy())
    outside = client.post("/room/solve", json={"source": [5.0, 1.0]})
    assert outside.status_code == 422
    assert "outside the room" in outside.json()["error"]


def test_a_real_server_on_loopback_and_a_port_in_use(room: Artifact) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_service(room.path, port=port) as get:
        assert b'"ok"' in get("/health")
        assert get("/v1/graphs/branch.onnx") == (room.path / "branch.onnx").read_bytes()
        with pytest.raises(PortInUseError, match=rf"port {port} on 127.0.0.1 is in use.*--port \d+"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
    with pytest.raises(PortInUseError, match="choose one from 1 to 65535"):
        require_free("127.0.0.1", 70_000)


def test_a_room_without_graphs_says_how_to_make_them(room: Artifact, tmp_path: Path) -> None:
    bare = save(room.operator, tmp_path / "bare", provenance=room.manifest.provenance)
    with pytest.raises(Exception, match="run `fredholm export"):
        create_app(bare)
