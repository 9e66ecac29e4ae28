"""The room page in a real browser, against a room whose field is known in closed form."""

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

playwright_api = pytest.importorskip("playwright.sync_api")
pytest.importorskip("onnx")
pytest.importorskip("uvicorn")

import rigid_shoebox as room  # noqa: E402

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

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page needs a browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with room.serve(room.make_application(room.graphs())) as page_address:
        yield page_address


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
    yield {
        "page": page,
        "complaints": complaints,
        "requests": requests,
        "origin": address.removesuffix("/room/"),
    }
    page.close()


@pytest.fixture
def page(loaded: dict[str, Any]) -> Any:
    settle(loaded["page"])
    return loaded["page"]


def state(page: Any) -> dict[str, Any]:
    return dict(page.evaluate("window.fredholm.state()"))


def wait_until(page: Any, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Poll the page's state from outside, since its content policy forbids injected predicates."""
    deadline = time.monotonic() + 20.0
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
    x, y = np.meshgrid(*room.SENSORS, indexing="ij")
    pulse = np.exp(-((x - source[0]) ** 2 + (y - source[1]) ** 2) / room.PULSE_WIDTH**2).astype(np.float32)
    (coefficients,) = runtime.InferenceSession(room.branch_graph()).run(None, {"initial_pressure": pulse[None, None]})
    query = np.stack(np.meshgrid(*room.GRID, room.TIMES[7], indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    (basis,) = runtime.InferenceSession(room.trunk_graph()).run(None, {"query": query})
    network = np.einsum("k,pk->p", coefficients[0, 0], basis[:, 0]).reshape(len(room.GRID[0]), len(room.GRID[1]))
    np.testing.assert_allclose(network, room.LOUDER * room.exact_pressure(source)[7], atol=2e-5)


def test_the_page_opens_without_complaint_and_asks_its_own_origin_only(loaded: dict[str, Any]) -> None:
    settled = settle(loaded["page"])
    assert settled["slicesReady"] == len(room.TIMES)
    assert loaded["page"].locator("#room-name").text_content() == "Rigid shoebox"
    assert loaded["page"].locator("#problem").is_hidden()
    assert loaded["complaints"] == []
    strangers = [u for u in loaded["requests"] if not u.startswith((loaded["origin"], "data:", "blob:"))]
    assert strangers == []


def test_the_error_read_out_is_the_known_five_per_cent(page: Any) -> None:
    assert state(page)["relativeError"] == pytest.approx(room.LOUDER - 1, abs=1e-5)
    assert drawn(page).locator("#error-whole").text_content() == "5.0 %"
    assert drawn(page).locator("#error-now").text_content() == "5.0 %"


def test_dragging_the_source_changes_field_and_response_and_keeps_the_error(page: Any) -> None:
    before = state(page)
    drag(page, "source", 70, -50)
    after = settle(page)
    assert after["source"][0] > before["source"][0]
    assert after["source"][1] > before["source"][1]
    assert after["listener"] == before["listener"]
    assert after["fieldChecksum"] != before["fieldChecksum"]
    assert after["responseChecksum"] != before["responseChecksum"]
    assert after["relativeError"] == pytest.approx(room.LOUDER - 1, abs=1e-5)
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
    assert settle(page)["source"][0] == pytest.approx(room.REGION[0][0])
    assert drawn(page).locator("#status").text_content() == "Source kept inside the trained region"
    drag(page, "source", 60, 0)
    assert settle(page)["source"][0] > room.REGION[0][0]
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
        page.locator(f"input[name=view][value={view}]").check(force=True)
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
    assert drawn(page).locator("#clock").text_content() == f"{1e3 * room.TIMES[4]:.1f} ms"


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


def test_a_refusing_solver_is_quoted_and_the_network_goes_on(browser: Any) -> None:
    application = room.make_application(room.graphs(), refusal="the source lies in a wall")
    with room.serve(application) as address:
        page = browser.new_page()
        page.goto(address)
        page.evaluate("window.fredholm.ready")
        page.get_by_text("No comparison: the source lies in a wall").wait_for()
        before = wait_until(page, lambda now: now["slicesReady"] == len(room.TIMES))
        drag(page, "source", 30, 0)
        after = wait_until(page, lambda now: now["fieldChecksum"] != before["fieldChecksum"])
        assert after["relativeError"] is None
        page.close()


def test_a_missing_graph_is_named_with_a_way_out(browser: Any) -> None:
    with room.serve(room.make_application({"branch": room.branch_graph()})) as address:
        page = browser.new_page()
        page.goto(address)
        page.locator("#problem").wait_for(state="visible")
        assert "/room/graphs/trunk.onnx answered 404" in page.locator("#problem-message").text_content()
        assert "export" in page.locator("#problem-remedy").text_content()
        page.close()
