"""Photograph the room page of a running service, for the README and the documentation.

    python web/picture.py http://127.0.0.1:8000/room/ docs/images/room.png --time 9

The picture shows a settled page: the solver has answered and the error read-out is filled.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def settle(page: Page) -> None:
    """Wait until network and solver agree on the source and every time is computed."""
    page.evaluate("window.fredholm.ready")
    while not page.evaluate("window.fredholm.state().settled"):
        page.wait_for_timeout(50)


def wiggle_source(page: Page) -> None:
    """Drag the source away and back, so that the latencies shown are those of a drag."""
    box = page.locator("#source svg").bounding_box()
    assert box is not None, "the page shows no source"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in [*range(1, 31), *range(29, -1, -1)]:
        page.mouse.move(x + step, y - 0.5 * step)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.mouse.move(5, 5)
    settle(page)


def photograph(address: str, target: Path, view: str, time_index: int | None, density: float) -> None:
    """Open the page, set view and time, and write the PNG."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, device_scale_factor=density)
        page.goto(address)
        settle(page)
        if time_index is not None:
            page.locator("#time").fill(str(time_index))
        page.locator(f"input[name=view][value={view}]").check(force=True)
        page.locator("#listen").click()
        wiggle_source(page)
        page.locator("#listen").click()
        page.evaluate("document.activeElement?.blur()")
        page.wait_for_timeout(200)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        browser.close()


def main() -> None:
    """Read the command line and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="address of the room page, ending in /room/")
    parser.add_argument("target", type=Path, help="PNG file to write")
    parser.add_argument("--view", choices=["network", "solver", "difference"], default="network")
    parser.add_argument("--time", type=int, help="index of the recorded time to show")
    parser.add_argument("--density", type=float, default=1.5, help="pixels of the picture per CSS pixel")
    options = parser.parse_args()
    photograph(options.address, options.target, options.view, options.time, options.density)


if __name__ == "__main__":
    main()
