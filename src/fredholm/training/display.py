"""What a person who waits sees of a run: a progress bar in a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Any

_PATIENCE = 2.0  # seconds a run may last without showing anything
_BETWEEN_LINES = 30.0  # seconds between lines where there is no terminal


class Display:
    """Loss, learning rate, speed and remaining time of a run of `iterations`, on standard error.

    >>> with Display(iterations=100, done=0, shown=False) as display:
    ...     display.update(50, loss=0.1, rate=1e-3)
    """

    def __init__(self, iterations: int, done: int, shown: bool) -> None:
        self.iterations, self.first, self.shown = iterations, done, shown
        self.start = self.last_line = time.perf_counter()
        self._bar: Any = None

    def update(self, iteration: int, loss: float, rate: float, status: str = "") -> None:
        """Show where the run is, and what hooks have to say, if it has lasted long enough."""
        now = time.perf_counter()
        if not self.shown or now - self.start < _PATIENCE:
            return
        speed = (iteration - self.first) / (now - self.start)
        shown = {"loss": loss, "rate": rate, "speed": speed, "status": status}
        if self._bar is None:
            self._bar = _progress_bar()
            self._bar.start()
            self._task = self._bar.add_task("training", total=self.iterations, **shown)
        self._bar.update(self._task, completed=iteration, **shown)
        if not self._bar.console.is_terminal and now - self.last_line >= _BETWEEN_LINES:
            self.last_line = now
            left = (self.iterations - iteration) / speed
            self._bar.console.print(
                f"iteration {iteration} of {self.iterations}: loss {loss:.3e}, learning rate {rate:.1e}, "
                f"{speed:.0f} it/s, {left:.0f} s left{'; ' if status else ''}{status}"
            )

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _progress_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.2e}"),
        TextColumn("rate {task.fields[rate]:.1e}"),
        TextColumn("{task.fields[speed]:.0f} it/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
        console=Console(stderr=True),
        transient=True,
    )
