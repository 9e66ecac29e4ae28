"""The page of a room in three dimensions, on the real service with the cube that ships with the package."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from test_room_page import browser, drag, drawn, pytestmark, settle, state, wait_until  # noqa: F401 - fixtures and skip

from fredholm.deploy import Artifact, load
from fredholm.deploy.pretrained import pretrained_rooms
from fredholm.deploy.service import running_service
from fredholm.problems import Room

LARGEST = 0.02  # error on a sheet, for any source; the manifest tells that of whole fields, on average


@pytest.fixture(scope="module")
def cube() -> Artifact:
    return load(pretrained_rooms()["cube"])


@pytest.fixture(scope="module")
def loaded(browser: Any) -> Iterator[dict[str, Any]]:  # noqa: F811
    """The page opened once, with everything it complained about and everything it asked for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_service(pretrained_rooms(), port=port):
        page = browser.new_page(viewport={"width": 1040, "height": 720})
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on("request", lambda request: requests.append(request.url))
        origin = f"http://127.0.0.1:{port}"
        page.goto(f"{origin}/v1/models/cube/room/")
        page.evaluate("window.fredholm.ready")
        yield {"page": page, "complaints": complaints, "requests": requests, "origin": origin}
        page.close()


@pytest.fixture
def page(loaded: dict[str, Any]) -> Any:
    settle(loaded["page"])
    return loaded["page"]


def sheet_of(room: Room, cut: dict[str, int], time: float) -> torch.Tensor:
    """Points (x, y, z, t) of the nodes on a sheet, in the page's order."""
    axes = [axis.points() for axis in room.grid.axes]
    axes[cut["axis"]] = axes[cut["axis"]][cut["index"]][None]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    return torch.cat([points, torch.full((len(points), 1), time)], 1).float()


def python_field(cube: Artifact, now: dict[str, Any]) -> np.ndarray:
    """What the operator answers in Python on the sheet of a page's state."""
    room = cube.problem
    assert isinstance(room, Room)
    pulse = room.pulses(torch.tensor([now["source"]], dtype=torch.float64))
    points = sheet_of(room, now["cut"], now["timeIndex"] * room.recording.interval)
    field: np.ndarray = cube.predict(pulse, points)[0, 0].numpy()
    return field


def test_it_opens_without_complaint_and_asks_its_own_origin_only(loaded: dict[str, Any]) -> None:
    now = settle(loaded["page"])
    assert now["cut"] == {"axis": 2, "index": 8}
    assert len(now["source"]) == len(now["listener"]) == 3
    assert loaded["page"].locator("#room-name").text_content() == "Room, 2 × 2 × 2 m"
    assert loaded["page"].locator("#problem").is_hidden()
    # A machine without a graphics card draws in software, and its driver remarks that this is slow.
    assert [text for text in loaded["complaints"] if "GL Driver Message" not in text] == []
    assert [url for url in loaded["requests"] if not url.startswith((loaded["origin"], "data:", "blob:"))] == []


def test_the_sheet_in_the_browser_is_the_operator_s_in_python(page: Any, cube: Artifact) -> None:
    for axis, place in (("z", 5), ("x", 12)):
        page.locator(f"input[name=cut][value={axis}]").check(force=True)
        page.locator("#cut-place").fill(str(place))
        now = settle(page)
        assert now["cut"] == {"axis": "xyz".index(axis), "index": place}
        expected = python_field(cube, now)
        np.testing.assert_allclose(page.evaluate("window.fredholm.field()"), expected, atol=1e-5 * np.ptp(expected))


def test_the_error_against_the_solver_is_the_one_that_is_known(page: Any) -> None:
    assert 0 < state(page)["relativeError"] < LARGEST
    assert drawn(page).locator("#error-whole").text_content().endswith("%")


def test_dragging_the_source_in_space_changes_field_and_response(page: Any, cube: Artifact) -> None:
    before = state(page)
    drag(page, "source", 40, -30)
    after = settle(page)
    assert sum(a != b for a, b in zip(after["source"], before["source"], strict=True)) >= 2
    assert after["source"][2] > before["source"][2]  # upwards on the page is upwards in the room
    assert after["listener"] == before["listener"]
    assert after["fieldChecksum"] != before["fieldChecksum"]
    assert after["responseChecksum"] != before["responseChecksum"]
    expected = python_field(cube, after)
    np.testing.assert_allclose(page.evaluate("window.fredholm.field()"), expected, atol=1e-5 * np.ptp(expected))


def test_shift_drags_along_one_axis(page: Any) -> None:
    before = state(page)
    page.keyboard.down("Shift")
    drag(page, "listener", 3, 45)
    page.keyboard.up("Shift")
    after = settle(page)
    moved = [a != b for a, b in zip(after["listener"], before["listener"], strict=True)]
    assert moved == [False, False, True]
    assert after["fieldChecksum"] == before["fieldChecksum"]
    assert after["responseChecksum"] != before["responseChecksum"]


def test_keys_move_in_all_three_directions(page: Any) -> None:
    before = state(page)["listener"]
    page.locator("#listener").focus()
    for key in ("ArrowLeft", "ArrowUp", "PageUp", "PageUp"):
        page.keyboard.press(key)
    after = settle(page)["listener"]
    np.testing.assert_allclose(np.subtract(after, before), [-0.02, 0.02, 0.04], atol=1e-9)


def test_a_source_stays_in_the_trained_box(page: Any) -> None:
    drag(page, "source", 0, -900)
    assert settle(page)["source"][2] == pytest.approx(1.5)
    assert drawn(page).locator("#status").text_content() == "Source kept inside the trained region"


def test_turning_the_room_moves_nothing_in_it(page: Any) -> None:
    before = settle(page)
    handle = page.locator("#source svg").bounding_box()
    box = page.locator("#field").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 90, steps=5)
    page.mouse.up()
    drawn(page)
    turned = page.locator("#source svg").bounding_box()
    assert abs(turned["x"] - handle["x"]) + abs(turned["y"] - handle["y"]) > 5
    after = state(page)
    assert (after["source"], after["listener"]) == (before["source"], before["listener"])


def test_walking_moves_the_listener_on_a_level(page: Any) -> None:
    before = settle(page)
    page.locator("#walk").click()
    page.keyboard.down("w")
    wait_until(page, lambda now: np.hypot(*np.subtract(now["listener"], before["listener"])[:2]) > 0.1)
    page.keyboard.up("w")
    after = settle(page)
    assert after["listener"][2] == before["listener"][2]
    assert after["responseChecksum"] != before["responseChecksum"]
    page.keyboard.press("Escape")
    assert page.locator("#walk").get_attribute("aria-pressed") == "false"


@pytest.mark.slow
def test_another_room_is_a_choice_away(page: Any) -> None:
    page.locator("#room-choice").select_option("Room, 2 × 2 m")
    page.wait_for_url("**/square/room/")
    page.evaluate("window.fredholm.ready")
    now = settle(page)
    assert now["cut"] is None
    assert len(now["source"]) == 2
    page.go_back()
    page.evaluate("window.fredholm.ready")
