"""The log of a run: one JSON line an entry, and TensorBoard beside it.

A resumed run cuts the log back to where its checkpoint was, so that it reads as if nothing had happened.
"""

import json
import os
from pathlib import Path
from types import TracebackType

FILE = "log.jsonl"


class RunLog:
    """Entries go to `directory`/log.jsonl and to TensorBoard; to nowhere, if the directory is None.

    Args:
        directory: where the log lies.
        position: bytes of log.jsonl that the run goes on from.
        iteration: the iteration it goes on from; TensorBoard hides what came later.
    """

    def __init__(self, directory: Path | None, position: int, iteration: int) -> None:
        self._file = self._board = None
        if directory is None:
            return
        from torch.utils.tensorboard import SummaryWriter

        path = Path(directory) / FILE
        path.touch()
        os.truncate(path, min(position, path.stat().st_size))  # it may have been taken away
        self._file = path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(Path(directory) / "tensorboard"), purge_step=iteration + 1)

    def write(self, iteration: int, **values: float) -> None:
        """One entry, to be seen by whoever follows the file."""
        if self._file is None or self._board is None:
            return
        self._file.write(json.dumps({"iteration": iteration, **values}) + "\n")
        self._file.flush()
        for name, value in values.items():
            self._board.add_scalar(name, value, iteration)

    def position(self) -> int:
        """Bytes written so far, all of them on disk."""
        if self._file is None or self._board is None:
            return 0
        self._board.flush()
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
