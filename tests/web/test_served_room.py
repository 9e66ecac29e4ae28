"""The room page on the real service: the square that ships, the solver beside it, in a real browser."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from test_room_page import browser, drag, pytestmark, settle, state, wait_until  # noqa: F401 - fixtures and the skip

from fredholm.deploy import load
from fredholm.deploy.pretrained import pretrained_rooms
from fredholm.deploy.service import running_service


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, float]]:
    """The address of the page, and the operator's measured error."""
    path = pretrained_rooms()["square"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_service(path, port=port):
        yield f"http://127.0.0.1:{port}/room/", load(path).manifest.accuracy["relative_l2"]


@pytest.fixture(scope="module")
def page(browser: Any, served: tuple[str, float]) -> Iterator[Any]:  # noqa: F811
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.goto(served[0])
    page.evaluate("window.fredholm.ready")
    settle(page)
    yield page
    page.close()
    assert not complaints


def test_network_in_the_browser_agrees_with_the_solver_as_measured(page: Any, served: tuple[str, float]) -> None:
    now = wait_until(page, lambda current: current["relativeError"] is not None)
    assert 0 < now["relativeError"] < 4 * served[1]
    assert now["relativeError"] < 0.03


def test_dragging_source_and_listener_changes_field_and_response(page: Any) -> None:
    before = settle(page)
    drag(page, "source", 60, -40)
    moved = settle(page)
    assert moved["source"] != before["source"]
    assert moved["fieldChecksum"] != before["fieldChecksum"]
    assert moved["responseChecksum"] != before["responseChecksum"]
    assert moved["relativeError"] < 0.03
    drag(page, "listener", -120, -60)
    heard = settle(page)
    assert heard["listener"] != moved["listener"]
    assert heard["fieldChecksum"] == moved["fieldChecksum"]
    assert heard["responseChecksum"] != moved["responseChecksum"]


def test_solver_and_difference_are_a_key_away(page: Any) -> None:
    network = settle(page)
    page.keyboard.press("2")
    solver = wait_until(page, lambda now: now["view"] == "solver")
    page.keyboard.press("3")
    difference = wait_until(page, lambda now: now["view"] == "difference")
    assert len({network["view"], solver["view"], difference["view"]}) == 3
    page.keyboard.press("1")
    assert wait_until(page, lambda now: now["view"] == "network")["relativeError"] == state(page)["relativeError"]
