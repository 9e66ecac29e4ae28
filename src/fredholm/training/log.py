"""The log of a run: one JSON line an entry, TensorBoard beside it, and a progress bar for people who wait.

A resumed run cuts the log back to where its checkpoint was, so that it reads as if nothing had happened.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

FILE = "log.jsonl"


class RunLog:
    """Entries go to `directory`/log.jsonl and to TensorBoard; to nowhere, if the directory is None."""

    def __init__(self, directory: Path | None, position: int) -> None:
        self._file = self._board = None
        if directory is None:
            return
        from torch.utils.tensorboard import SummaryWriter

        path = directory / FILE
        path.touch()
        os.truncate(path, position)
        self._file = path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(directory / "tensorboard"))

    def write(self, iteration: int, **values: float) -> None:
        """One entry."""
        if self._file is None or self._board is None:
            return
        self._file.write(json.dumps({"iteration": iteration, **values}) + "\n")
        for name, value in values.items():
            self._board.add_scalar(name, value, iteration)

    def position(self) -> int:
        """Bytes written so far, all of them on disk."""
        if self._file is None:
            return 0
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None and self._board is not None:
            self._file.close()
            self._board.close()


def progress_bar(shown: bool) -> Any:
    """A rich progress bar with loss, speed and remaining time."""
    from rich import get_console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.2e}"),
        TextColumn("rate {task.fields[rate]:.1e}"),
        TimeRemainingColumn(),
        transient=True,
        disable=not (shown and get_console().is_terminal),
    )
