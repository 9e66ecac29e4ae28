"""What the room page lets one hear, in a real browser, against the same rendering in Python."""

import io
import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import rigid_shoebox as room
from scipy.io import wavfile
from test_room_page import address, browser, drag, drawn, pytestmark, settle, state, wait_until  # noqa: F401 - fixtures

from fredholm.deploy import load
from fredholm.deploy.pretrained import pretrained_rooms
from fredholm.deploy.service import running_service
from fredholm.deploy.sound import Auralization, PulseResponse, convolve, filtered_along, resampled

HOP = 768  # samples of one fade: six blocks of 128
SINGLE = 2e-6  # of the greatest sample: audio graphs hand on single precision


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Iterator[Any]:  # noqa: F811
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.goto(address)
    page.evaluate("window.fredholm.ready")
    settle(page)
    yield page
    page.close()
    assert complaints == []


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The rooms that ship with the package, on the real service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running_service(pretrained_rooms(), port=port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def listening(page: Any) -> Iterator[Any]:
    """The page while a sound plays."""
    page.locator("#listen").click()
    wait_until(page, lambda now: now["sound"]["playing"])
    yield page
    if state(page)["sound"]["playing"]:
        page.locator("#listen").click()


def filters(pressures: np.ndarray, rate: int) -> np.ndarray:
    """What Python makes of pressure records (records, times)."""
    interval = float(room.TIMES[1] - room.TIMES[0])
    pulse = PulseResponse(interval, 1000.0, dimension=2, sound_speed=room.SOUND_SPEED)
    return resampled(pulse.impulse(pressures), interval, float(rate))


def dry(count: int) -> np.ndarray:
    """Noise in single precision, as an audio buffer holds it."""
    return np.random.default_rng(5).uniform(-1, 1, count).astype(np.float32)


@pytest.mark.parametrize("rate", [44100, 48000])
def test_the_page_renders_the_samples_that_python_renders(page: Any, rate: int) -> None:
    pressure, samples = room.exact_pressure((0.8, 0.7))[:, 30, 20], dry(3000)
    heard = page.evaluate(
        "job => window.fredholm.render(...job)", [samples.tolist(), rate, [pressure.astype(float).tolist()]]
    )
    expected = convolve(samples.astype(float), filters(pressure[None], rate)[0])
    assert len(heard) == len(expected)
    np.testing.assert_allclose(heard, expected, atol=SINGLE * np.abs(expected).max())


def test_a_moving_listener_is_rendered_as_in_python(page: Any) -> None:
    pressures, samples = room.exact_pressure((0.8, 0.7))[:, [30, 26, 20, 9], 20].T, dry(5 * HOP)
    heard = page.evaluate("job => window.fredholm.render(...job)", [samples.tolist(), 48000, pressures.tolist()])
    taps = filters(pressures, 48000)
    expected = filtered_along(samples.astype(float), lambda k: taps[min(k, 3)][None], taps.shape[-1], HOP)[0]
    np.testing.assert_allclose(heard, expected, atol=SINGLE * np.abs(expected).max())


def test_what_is_heard_is_the_network_s_response_at_the_listener(page: Any) -> None:
    before = page.evaluate("window.fredholm.render([1], 48000)")
    drag(page, "listener", -60, 30)
    moved = settle(page)
    after = page.evaluate("window.fredholm.render([1], 48000)")
    field = room.LOUDER * room.exact_pressure(tuple(moved["source"]))
    x, y = moved["listener"]
    i, j = np.abs(room.GRID[0] - x).argmin(), np.abs(room.GRID[1] - y).argmin()
    near = filters(field[:, i, j][None], 48000)[0]  # at a node at most 3.5 cm from the listener
    error = [np.linalg.norm(np.array(found) - near) / np.linalg.norm(near) for found in (before, after)]
    assert error[1] < 0.25 < error[0]


@pytest.mark.parametrize("name", ["square", "cube"])
def test_a_learned_room_sounds_as_the_command_renders_it(browser: Any, served: str, name: str) -> None:  # noqa: F811
    """Network, pulse, dimension and all: the page's filter is that of `fredholm sound render --no-tail`."""
    page = browser.new_page()
    page.goto(f"{served}/v1/models/{name}/room/")
    page.evaluate("window.fredholm.ready")
    now = state(page)
    heard = Auralization(load(pretrained_rooms()[name]), np.array(now["source"]), rate=48000, tail=False)
    expected = heard.filters(np.array([now["listener"]]))[0]
    found = page.evaluate("window.fredholm.render([1], 48000)")
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    page.close()


def test_a_click_starts_the_sound_and_another_ends_it(page: Any) -> None:
    assert not state(page)["sound"]["playing"]
    page.locator("#listen").click()
    assert wait_until(page, lambda now: now["sound"]["playing"])["sound"]["sound"] == "Melody"
    assert page.locator("#listen").text_content().strip() == "Stop"
    page.locator("#listen").click()
    wait_until(page, lambda now: not now["sound"]["playing"])
    assert page.locator("#listen").text_content().strip() == "Listen"


@pytest.mark.parametrize("handle", ["source", "listener"])
def test_dragging_while_it_plays_fades_to_another_response(listening: Any, handle: str) -> None:
    before = state(listening)["sound"]["swaps"]
    drag(listening, handle, 40, -30)
    after = wait_until(listening, lambda now: now["sound"]["swaps"] > before)
    assert after["sound"]["playing"]
    assert after["sound"]["lastSwapMilliseconds"] > 0
    assert drawn(listening).locator("#sound-swap").text_content().endswith(" ms")


def test_network_solver_and_dry_are_heard_in_turn(listening: Any) -> None:
    for heard in ("solver", "dry", "network"):
        before = state(listening)["sound"]["swaps"]
        listening.locator(f"input[name=heard][value={heard}]").check(force=True)
        assert wait_until(listening, lambda now: now["sound"]["swaps"] > before)["sound"]["heard"] == heard  # noqa: B023


def test_one_s_own_wave_file_is_played(listening: Any) -> None:
    content = io.BytesIO()
    wavfile.write(content, 22050, (3000 * np.sin(0.1 * np.arange(11025))).astype(np.int16))
    file = {"name": "hum.wav", "mimeType": "audio/wav", "buffer": content.getvalue()}
    listening.locator("#listen-file").set_input_files(file)
    assert wait_until(listening, lambda now: now["sound"]["sound"] == "hum.wav")["sound"]["playing"]
    listening.locator("#listen-sound").select_option(label="Knocks")
    assert state(listening)["sound"]["sound"] == "Knocks"


def test_what_is_no_sound_file_is_refused_by_name(page: Any) -> None:
    before = state(page)["sound"]["sound"]
    file = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"not a sound"}
    page.locator("#listen-file").set_input_files(file)
    page.get_by_text("notes.txt is no sound file that this browser can read. Choose a WAV file").wait_for()
    assert state(page)["sound"]["sound"] == before


def test_without_worklets_the_page_says_where_it_can_be_heard(browser: Any, address: str) -> None:  # noqa: F811
    page = browser.new_page()
    page.add_init_script("delete window.AudioWorkletNode")  # as browsers do on pages that come over plain http
    page.goto(address)
    page.evaluate("window.fredholm.ready")
    page.locator("#listen").click()
    page.get_by_text("Open it from the machine that serves it, or over https.").wait_for()
    assert not state(page)["sound"]["playing"]
    page.close()


def test_the_page_says_what_of_the_room_is_heard(page: Any) -> None:
    page.locator("#listen-sound").select_option(label="Melody")
    page.get_by_text("The room is known up to 1000 Hz and for 12 ms").wait_for()


def test_the_decay_curve_follows_the_listener(page: Any) -> None:
    picture = "document.getElementById('decay').toDataURL()"
    before = drawn(page).evaluate(picture)
    drag(page, "listener", 50, -40)
    settle(page)
    assert drawn(page).evaluate(picture) != before
