"""Ctrl-C between two steps: a step is never cut in half, and what it did is saved."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], bool]]:
    """Yields a function that tells whether Ctrl-C came; a second Ctrl-C interrupts at once.

    Outside the main thread, which alone receives signals, it never comes.
    """
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return

    def on_interrupt(number: int, frame: Any) -> None:
        if came.is_set():
            raise KeyboardInterrupt("interrupted twice: the last steps are not saved")
        came.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield came.is_set
    finally:
        signal.signal(signal.SIGINT, before)
