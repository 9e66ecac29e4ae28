"""Showing pages of the service to somebody; where nobody is there, checking that they answer."""

import os
import socket
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

from rich.console import Console

from fredholm.deploy.service.server import require_free, running_service, serve


def show(
    models: str | Path | Mapping[str, str | Path],
    pages: Sequence[str],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    open_browser: bool = False,
    console: Console,
) -> None:
    """Serve models until Ctrl-C; without a terminal, or with CI set, check that their pages answer, and stop.

    Raises ArtifactError, or PortInUseError naming a free port.

    Args:
        models: an artifact, or several by name, as for `serve`.
        pages: paths of their room pages, the first of which is shown.
        host: address to bind.
        port: port to bind.
        open_browser: open the first page in the visitor's browser.
        console: where to say what happens.
    """
    require_free(host, port)  # before a browser is sent to what listens there
    url = f"http://{host}:{port}{pages[0]}"
    if _attended():
        console.print(f"\n  drag source and listener:  [b]{url}[/b]   (Ctrl-C stops)\n")
        if open_browser:
            Thread(target=_open_when_ready, args=(url, host, port), daemon=True).start()
        serve(models, host=host, port=port)
        return
    with running_service(models, host=host, port=port) as check:
        check("/health")
        for page in pages:
            check(page)
            check(f"{page}scene.json")
            console.print(f"\n  the page answered at [b]http://{host}:{port}{page}[/b]")
    console.print("  no terminal, so the service stops here")


def _attended() -> bool:
    """Whether somebody is there to press Ctrl-C."""
    return sys.stdin.isatty() and not os.environ.get("CI")


def _open_when_ready(url: str, host: str, port: int) -> None:
    for _ in range(300):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            if probe.connect_ex((host, port)) == 0:
                break
        time.sleep(0.1)
    webbrowser.open(url)
