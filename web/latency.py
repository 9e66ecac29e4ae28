"""How soon a dragged source is heard: the room page of a running service, in a real browser, while a sound plays.

    python web/latency.py http://127.0.0.1:8000/room/

Prints median, 95th percentile and greatest of many moves: from the move to the response that belongs to it, from there
until it is heard alone, and both together. The delay of the sound device comes on top.
"""

import argparse
import shutil
import time

import numpy as np
from picture import FLAGS, settle
from playwright.sync_api import Page, sync_playwright

_REST = 120  # ms between two moves, in which a fade ends
_PATIENCE = 5.0  # s


def swaps(page: Page, moves: int) -> np.ndarray:
    """Milliseconds (moves, 2) of response and fade, while the source is dragged to and fro."""
    box = page.locator("#source svg").bounding_box()
    assert box is not None, "the page shows no source"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    found = []
    for move in range(1, moves + 1):
        before = page.evaluate("window.fredholm.state().sound.swaps")
        page.mouse.move(x + 3 * (move % 20), y - 2 * (move % 20))
        page.wait_for_timeout(_REST)
        deadline = time.monotonic() + _PATIENCE
        while (now := page.evaluate("window.fredholm.state()"))["sound"]["swaps"] == before:
            if time.monotonic() > deadline:
                raise SystemExit(f"move {move} of the source was not heard within {_PATIENCE:g} s: is it in sight?")
            page.wait_for_timeout(10)
        found.append([now["lastUpdateMilliseconds"], now["sound"]["lastSwapMilliseconds"]])
    page.mouse.up()
    return np.array(found)


def main() -> None:
    """Open the page, listen, drag, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="address of the room page, ending in /room/")
    parser.add_argument("--moves", type=int, default=60)
    options = parser.parse_args()
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(options.address)
        settle(page)
        page.locator("#listen").click()
        while not page.evaluate("window.fredholm.state().sound.playing"):
            page.wait_for_timeout(20)
        times = swaps(page, options.moves)
        browser.close()
    for name, values in (("response", times[:, 0]), ("fade", times[:, 1]), ("together", times.sum(1))):
        typical, most = np.percentile(values, [50, 95])
        print(f"{name:10s} median {typical:5.1f} ms, 95 % below {most:5.1f} ms, greatest {values.max():5.1f} ms")


if __name__ == "__main__":
    main()
