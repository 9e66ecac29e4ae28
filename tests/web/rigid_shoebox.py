"""A room known in closed form, as two ONNX graphs and a service that speaks the room page's contract.

In a rigid shoebox of Lx by Ly metres an initial pressure p0 at rest evolves as

    p(x, y, t) = Σ a_mn cos(mπx/Lx) cos(nπy/Ly) cos(ω_mn t),   ω_mn = cπ √((m/Lx)² + (n/Ly)²),

with a_mn the cosine coefficients of p0. That *is* a branch (p0 -> a_mn, here the trapezoidal rule on the
sensors) times a trunk (the modes), so the graphs below are exact mathematics without training. The branch is
made 5 % too loud: the relative L2 error against the closed form is 5 %, at every time and for every source.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from onnx import TensorProto, helper, numpy_helper

STATIC = Path(__file__).parents[2] / "src" / "fredholm" / "deploy" / "static" / "room"
SIDES = (2.0, 1.5)  # m
SOUND_SPEED = 343.0  # m/s
MODES = (14, 11)
PULSE_WIDTH = 0.22  # m
LOUDER = 1.05
SENSORS = tuple(np.linspace(0.0, side, n) for side, n in zip(SIDES, (25, 19), strict=True))
GRID = tuple(np.linspace(0.0, side, n) for side, n in zip(SIDES, (41, 31), strict=True))
TIMES = np.linspace(0.0, 0.012, 25)
REGION = ((0.5, 1.5), (0.4, 1.1))


def wave_numbers() -> tuple[np.ndarray, np.ndarray]:
    """Wave numbers kx, ky of every mode (m, n), flattened, in 1/m."""
    m, n = np.meshgrid(*(np.arange(count) for count in MODES), indexing="ij")
    return np.pi * m.ravel() / SIDES[0], np.pi * n.ravel() / SIDES[1]


def analysis_matrix() -> np.ndarray:
    """Cosine coefficients from sensor values, (sensors, modes), by the trapezoidal rule."""
    kx, ky = wave_numbers()
    weights = [np.full(len(s), s[1] - s[0]) for s in SENSORS]
    for w in weights:
        w[[0, -1]] /= 2
    normalisation = (1 + (kx > 0)) * (1 + (ky > 0)) / (SIDES[0] * SIDES[1])
    x, y = np.meshgrid(*SENSORS, indexing="ij")
    modes = np.cos(x.reshape(-1, 1) * kx) * np.cos(y.reshape(-1, 1) * ky)
    matrix: np.ndarray = modes * np.outer(*weights).reshape(-1, 1) * normalisation
    return matrix


def exact_pressure(source: tuple[float, float]) -> np.ndarray:
    """Pressure (times, x, y) of the closed form for a Gaussian pulse at `source`."""
    kx, ky = wave_numbers()
    x, y = np.meshgrid(*SENSORS, indexing="ij")
    pulse = np.exp(-((x - source[0]) ** 2 + (y - source[1]) ** 2) / PULSE_WIDTH**2)
    amplitudes = pulse.ravel() @ analysis_matrix()
    in_time = amplitudes * np.cos(SOUND_SPEED * np.hypot(kx, ky) * TIMES[:, None])
    modes = np.cos(GRID[0][:, None] * kx), np.cos(GRID[1][:, None] * ky)
    field: np.ndarray = np.einsum("tk,xk,yk->txy", in_time, *modes)
    return field


def constant(name: str, values: np.ndarray) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def graph_bytes(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> bytes:
    graph = helper.make_graph(nodes, "room", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def branch_graph() -> bytes:
    """initial_pressure (batch, 1, sx, sy) -> coefficients (batch, 1, modes), 5 % too loud."""
    shape: list[str | int | None] = ["batch", 1, len(SENSORS[0]), len(SENSORS[1])]
    matrix = (LOUDER * analysis_matrix()).astype(np.float32)
    return graph_bytes(
        [
            helper.make_node("Reshape", ["initial_pressure", "flat"], ["sensors"]),
            helper.make_node("MatMul", ["sensors", "analysis"], ["coefficients"]),
        ],
        [helper.make_tensor_value_info("initial_pressure", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("coefficients", TensorProto.FLOAT, ["batch", 1, matrix.shape[1]])],
        [constant("analysis", matrix), constant("flat", np.array([0, 1, matrix.shape[0]], dtype=np.int64))],
    )


def trunk_graph() -> bytes:
    """query (points, 3) = (x, y, t) -> basis (points, 1, modes), the product of three cosines."""
    kx, ky = wave_numbers()
    rates = np.stack([kx, ky, SOUND_SPEED * np.hypot(kx, ky)]).astype(np.float32)[:, None, :]
    nodes = [helper.make_node("Split", ["query", "ones"], ["x", "y", "t"], axis=1)]
    for axis in "xyt":
        nodes.append(helper.make_node("Unsqueeze", [axis, "last"], [f"{axis}_column"]))
        nodes.append(helper.make_node("Mul", [f"{axis}_column", f"rate_{axis}"], [f"{axis}_phase"]))
        nodes.append(helper.make_node("Cos", [f"{axis}_phase"], [f"{axis}_mode"]))
    nodes.append(helper.make_node("Mul", ["x_mode", "y_mode"], ["plane"]))
    nodes.append(helper.make_node("Mul", ["plane", "t_mode"], ["basis"]))
    return graph_bytes(
        nodes,
        [helper.make_tensor_value_info("query", TensorProto.FLOAT, ["points", 3])],
        [helper.make_tensor_value_info("basis", TensorProto.FLOAT, ["points", 1, len(kx)])],
        [constant(f"rate_{axis}", rate[None]) for axis, rate in zip("xyt", rates, strict=True)]
        + [constant("ones", np.ones(3, dtype=np.int64)), constant("last", np.array([2], dtype=np.int64))],
    )


def graphs() -> dict[str, bytes]:
    """Both graphs by name."""
    return {"branch": branch_graph(), "trunk": trunk_graph()}


def scene() -> dict[str, Any]:
    """The description of the room that the page starts from."""
    (lx, ly), (xs, ys) = SIDES, REGION
    return {
        "name": "Rigid shoebox",
        "outline": [[0, 0], [lx, 0], [lx, ly], [0, ly]],
        "extent": [[0, lx], [0, ly]],
        "times": TIMES.tolist(),
        "grid": [axis.tolist() for axis in GRID],
        "inside": [True] * (len(GRID[0]) * len(GRID[1])),
        "sensors": {"name": "initial_pressure", "grid": [axis.tolist() for axis in SENSORS]},
        "pulse": {"width": PULSE_WIDTH, "amplitude": 1.0},
        "source_region": [list(xs), list(ys)],
        "start": {"source": [0.8, 0.7], "listener": [1.6, 1.1]},
        "sound_speed": SOUND_SPEED,
        "highest_frequency": 1000.0,
        "units": {"pressure": "Pa"},
        "accuracy": {"relative_l2": LOUDER - 1, "rmse": 0.004, "method": "closed form"},
        "model": {"title": "Cosine modes", "bytes": 300_000, "parameters": None},
        "speed": {"solver_seconds": None, "surrogate_seconds": None, "break_even_queries": None},
        "graphs": {"branch": "graphs/branch.onnx", "trunk": "graphs/trunk.onnx"},
    }


def make_application(served: dict[str, bytes], refusal: str = "") -> FastAPI:
    """The service's side of the contract: scene, graphs, reference solution (or its refusal), page."""
    application = FastAPI()

    @application.get("/room/scene.json")
    def read_scene() -> dict[str, Any]:
        return scene()

    @application.get("/room/graphs/{name}.onnx")
    def read_graph(name: str) -> Response:
        found = name in served
        return Response(served.get(name, b""), 200 if found else 404, media_type="application/octet-stream")

    @application.post("/room/solve")
    async def solve(request: Request) -> Response:
        if refusal:
            return Response(json.dumps({"error": refusal}), 422, media_type="application/json")
        source = json.loads(await request.body())["source"]
        field = exact_pressure(tuple(source)).astype("<f4")
        shape = ",".join(map(str, field.shape))
        return Response(field.tobytes(), media_type="application/octet-stream", headers={"X-Shape": shape})

    application.mount("/room", StaticFiles(directory=STATIC, html=True))
    return application


@contextmanager
def serve(application: FastAPI) -> Iterator[str]:
    """Run the application on a free port; yields the address of the room page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}/room/"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
