"""The command line in this process: what it prints, and how it ends."""

import contextlib
import io
import os
import sys
from unittest.mock import patch

from fredholm.cli import main


def fredholm(*arguments: object, code: int = 0) -> str:
    """All that a command prints, which must end with `code`."""
    printed = io.StringIO()
    ended = 0
    with (
        patch.object(sys, "argv", ["fredholm", *map(str, arguments)]),
        patch.dict(os.environ, {"CI": "1", "COLUMNS": "200"}),
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        try:
            main()
        except SystemExit as end:
            ended = int(end.code or 0)
    assert ended == code, printed.getvalue()
    return printed.getvalue()
