"""The room page in a real browser, against a room whose field is known in closed form.

In a rigid shoebox of Lx by Ly metres an initial pressure p0 at rest evolves as

    p(x, y, t) = Σ a_mn cos(mπx/Lx) cos(nπy/Ly) cos(ω_mn t),   ω_mn = cπ √((m/Lx)² + (n/Ly)²),

with a_mn the cosine coefficients of p0. That *is* a branch (p0 -> a_mn, here the trapezoidal rule on the sensors) times
a trunk (the modes), so the two ONNX graphs below are exact mathematics without training. The branch is made 5 % too
loud; the relative L2 error that the page must show is therefore 5 %, at every time and every source.
"""

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
uvicorn = pytest.importorskip("uvicorn")
playwright_api = pytest.importorskip("playwright.sync_api")

from fastapi import FastAPI, Request, Response  # noqa: E402
from fastapi.staticfiles import StaticFiles  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

STATIC = Path(__file__).parents[2] / "src" / "fredholm" / "deploy" / "static" / "room"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SIDES = (2.0, 1.5)  # m
SOUND_SPEED = 343.0  # m/s
MODES = (14, 11)
PULSE_WIDTH = 0.22  # m
LOUDER = 1.05
SENSORS = tuple(np.linspace(0.0, side, n) for side, n in zip(SIDES, (25, 19), strict=True))
GRID = tuple(np.linspace(0.0, side, n) for side, n in zip(SIDES, (41, 31), strict=True))
TIMES = np.linspace(0.0, 0.012, 25)
REGION = ((0.5, 1.5), (0.4, 1.1))

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page needs a browser")


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
    return modes * np.outer(*weights).reshape(-1, 1) * normalisation


def exact_pressure(source: tuple[float, float]) -> np.ndarray:
    """Pressure (times, x, y) of the closed form for a Gaussian pulse at `source`."""
    kx, ky = wave_numbers()
    x, y = np.meshgrid(*SENSORS, indexing="ij")
    pulse = np.exp(-((x - source[0]) ** 2 + (y - source[1]) ** 2) / PULSE_WIDTH**2)
    amplitudes = pulse.ravel() @ analysis_matrix()
    in_time = amplitudes * np.cos(SOUND_SPEED * np.hypot(kx, ky) * TIMES[:, None])
    return np.einsum("tk,xk,yk->txy", in_time, np.cos(GRID[0][:, None] * kx), np.cos(GRID[1][:, None] * ky))


def constant(name: str, values: np.ndarray) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(values), name)


def graph_bytes(nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: list[Any]) -> bytes:
    graph = helper.make_graph(nodes, "room", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def branch_graph() -> bytes:
    """initial_pressure (batch, 1, sx, sy) -> coefficients (batch, 1, modes), 5 % too loud."""
    shape = ["batch", 1, len(SENSORS[0]), len(SENSORS[1])]
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


def scene() -> dict[str, Any]:
    """The description of the room that the page starts from."""
    (lx, ly), (xs, ys) = SIDES, REGION
    return {
        "name": "Rigid shoebox",
        "outline": [[0, 0], [lx, 0], [lx, ly], [0, ly]],
        "extent": [[0, lx], [0, ly]],
        "times": TIMES.tolist(),
        "grid": {"x": GRID[0].tolist(), "y": GRID[1].tolist()},
        "inside": np.ones((len(GRID[0]), len(GRID[1])), dtype=bool).tolist(),
        "sensors": {"name": "initial_pressure", "x": SENSORS[0].tolist(), "y": SENSORS[1].tolist()},
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


def make_application(graphs: dict[str, bytes]) -> FastAPI:
    """The service's side of the contract: scene, graphs, reference solution, page."""
    application = FastAPI()

    @application.get("/room/scene.json")
    def read_scene() -> dict[str, Any]:
        return scene()

    @application.get("/room/graphs/{name}.onnx")
    def read_graph(name: str) -> Response:
        found = name in graphs
        return Response(graphs.get(name, b""), 200 if found else 404, media_type="application/octet-stream")

    @application.post("/room/solve")
    async def solve(request: Request) -> Response:
        source = json.loads(await request.body())["source"]
        field = exact_pressure(tuple(source)).astype("<f4")
        shape = ",".join(map(str, field.shape))
        return Response(field.tobytes(), media_type="application/octet-stream", headers={"X-Shape": shape})

    application.mount("/room", StaticFiles(directory=STATIC, html=True))
    return application


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
    yield f"http://127.0.0.1:{port}/room/"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    yield from serve(make_application({"branch": branch_graph(), "trunk": trunk_graph()}))


@pytest.fixture(scope="module")
def loaded(browser: Any, address: str) -> Iterator[dict[str, Any]]:
    """The page opened once, with everything it complained about and everything it asked for."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    page.evaluate("window.fredholm.ready")
    yield {"page": page, "complaints": complaints, "requests": requests, "origin": address.removesuffix("/room/")}
    page.close()


@pytest.fixture
def page(loaded: dict[str, Any]) -> Any:
    settle(loaded["page"])
    return loaded["page"]


def state(page: Any) -> dict[str, Any]:
    return dict(page.evaluate("window.fredholm.state()"))


def wait_until(page: Any, condition: Callable[[dict[str, Any]], bool], seconds: float = 20.0) -> dict[str, Any]:
    """Poll the page's state; from outside, since the page's own content policy forbids injected predicates."""
    deadline = time.monotonic() + seconds
    while not condition(current := state(page)):
        assert time.monotonic() < deadline, f"the page stayed at {current}"
        page.wait_for_timeout(20)
    return current


def settle(page: Any) -> dict[str, Any]:
    """Wait until field, response and comparison belong to the source and listener shown."""
    return wait_until(page, lambda now: bool(now["settled"]))


def drag(page: Any, handle: str, right: float, down: float) -> None:
    """Drag a handle by some pixels in a few steps, as a hand would."""
    box = page.locator(f"#{handle} svg").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=6)
    page.mouse.up()


def drawn(page: Any) -> Any:
    """The page, two frames later: what has changed is now on the screen."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page


def picture(page: Any) -> str:
    """The canvas of the room."""
    drawn(page)
    return str(page.evaluate("document.getElementById('field').toDataURL()"))


def test_the_graphs_and_the_closed_form_agree() -> None:
    runtime = pytest.importorskip("onnxruntime")
    source = (0.83, 0.61)
    x, y = np.meshgrid(*SENSORS, indexing="ij")
    pulse = np.exp(-((x - source[0]) ** 2 + (y - source[1]) ** 2) / PULSE_WIDTH**2).astype(np.float32)
    (coefficients,) = runtime.InferenceSession(branch_graph()).run(None, {"initial_pressure": pulse[None, None]})
    query = np.stack(np.meshgrid(*GRID, TIMES[7], indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    (basis,) = runtime.InferenceSession(trunk_graph()).run(None, {"query": query})
    network = np.einsum("k,pk->p", coefficients[0, 0], basis[:, 0]).reshape(len(GRID[0]), len(GRID[1]))
    np.testing.assert_allclose(network, LOUDER * exact_pressure(source)[7], atol=2e-5)


def test_the_page_opens_without_complaint_and_asks_its_own_origin_only(loaded: dict[str, Any]) -> None:
    settled = settle(loaded["page"])
    assert settled["slicesReady"] == len(TIMES)
    assert loaded["page"].locator("#room-name").text_content() == "Rigid shoebox"
    assert loaded["page"].locator("#problem").is_hidden()
    assert loaded["complaints"] == []
    strangers = [u for u in loaded["requests"] if not u.startswith((loaded["origin"], "data:", "blob:"))]
    assert strangers == []


def test_the_error_read_out_is_the_known_five_per_cent(page: Any) -> None:
    assert state(page)["relativeError"] == pytest.approx(LOUDER - 1, abs=1e-5)
    assert drawn(page).locator("#error-whole").text_content() == "5.0 %"
    assert drawn(page).locator("#error-now").text_content() == "5.0 %"


def test_dragging_the_source_changes_field_and_response_and_keeps_the_error(page: Any) -> None:
    before = state(page)
    drag(page, "source", 70, -50)
    after = settle(page)
    assert after["source"][0] > before["source"][0] and after["source"][1] > before["source"][1]
    assert after["listener"] == before["listener"]
    assert after["fieldChecksum"] != before["fieldChecksum"]
    assert after["responseChecksum"] != before["responseChecksum"]
    assert after["relativeError"] == pytest.approx(LOUDER - 1, abs=1e-5)
    assert after["lastUpdateMilliseconds"] > 0


def test_dragging_the_listener_changes_the_response_only(page: Any) -> None:
    before = state(page)
    drag(page, "listener", -90, 40)
    wait_until(page, lambda now: now["responseChecksum"] != before["responseChecksum"])
    after = settle(page)
    assert after["listener"] != before["listener"]
    assert after["source"] == before["source"]
    assert after["fieldChecksum"] == before["fieldChecksum"]


def test_a_source_dragged_out_of_the_trained_region_stops_at_its_edge_and_says_so(page: Any) -> None:
    drag(page, "source", -900, 0)
    assert settle(page)["source"][0] == pytest.approx(REGION[0][0])
    assert drawn(page).locator("#status").text_content() == "Source kept inside the trained region"
    drag(page, "source", 60, 0)
    assert settle(page)["source"][0] > REGION[0][0]
    assert "kept inside" not in drawn(page).locator("#status").text_content()


def test_the_arrow_keys_move_the_focused_source_by_two_centimetres(page: Any) -> None:
    before = state(page)["source"]
    page.locator("#source").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert settle(page)["source"] == pytest.approx([before[0] + 0.02, before[1] - 0.02])


def test_each_view_draws_another_picture(page: Any) -> None:
    pictures = {}
    for view in ("network", "solver", "difference"):
        page.locator(f"input[value={view}]").check(force=True)
        assert state(page)["view"] == view
        pictures[view] = picture(page)
    page.keyboard.press("1")
    assert state(page)["view"] == "network"
    assert pictures["network"] != pictures["solver"]
    assert picture(page) == pictures["network"]


def test_the_slider_chooses_the_recorded_time(page: Any) -> None:
    page.locator("#time").fill("20")
    later = state(page)
    page.locator("#time").fill("4")
    earlier = state(page)
    assert (later["timeIndex"], earlier["timeIndex"]) == (20, 4)
    assert later["fieldChecksum"] != earlier["fieldChecksum"]
    assert drawn(page).locator("#clock").text_content() == f"{1e3 * TIMES[4]:.1f} ms"


def test_play_moves_time_and_pause_holds_it(page: Any) -> None:
    page.locator("#time").fill("2")
    page.locator("#play").click()
    assert state(page)["playing"]
    assert wait_until(page, lambda now: now["timeIndex"] > 4)["framesPerSecond"] > 0
    page.locator("#play").click()
    held = state(page)
    assert not held["playing"]
    page.wait_for_timeout(150)
    assert state(page)["timeIndex"] == held["timeIndex"]


def test_a_missing_graph_is_named_with_a_way_out(browser: Any) -> None:
    for address in serve(make_application({"branch": branch_graph()})):
        page = browser.new_page()
        page.goto(address)
        page.locator("#problem").wait_for(state="visible")
        assert "/room/graphs/trunk.onnx answered 404" in page.locator("#problem-message").text_content()
        assert "export" in page.locator("#problem-remedy").text_content()
        page.close()
