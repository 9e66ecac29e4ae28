"""A solver that is a program: it reads its inputs from files, writes its output to a file, and says by its exit status
whether it could solve.

The words of the command name the files, which lie in a directory that is made for the call and removed after it:

    {inputs.npz}    all inputs in one archive, an entry for each name
    {NAME.npy}      the input NAME alone
    {output.npy}    where the program writes its answer; or {output.npz}, with an entry "output"

No shell is involved. A program that takes too long is ended with all processes it started.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from fredholm.errors import DataError, SolverError

_OUTPUTS = ("{output.npy}", "{output.npz}")
_MOST_SAID = 2000  # characters at the end of what the program wrote to its standard error


@dataclass(frozen=True)
class ExternalCommand:
    """A program as the solver of `Problem.from_solver`: one sample's arrays in, its output out.

    Args:
        command: words of the command line, files in braces.
        time_limit: seconds for one sample.

    Raises ValueError for a command that names no output, DataError where the program does not exist, and SolverError
    with what the program wrote to its standard error where it fails on a sample.

    >>> ExternalCommand(["./beam", "--load", "{load.npy}", "--out", "{output.npy}"]).time_limit
    3600.0
    """

    command: Sequence[str]
    time_limit: float = field(default=3600.0, kw_only=True)

    def __post_init__(self) -> None:
        if isinstance(self.command, str):
            raise ValueError(f"the command is a list of words, since no shell splits it: {self.command.split()}")
        if sum(word.count(file) for word in self.command for file in _OUTPUTS) != 1:
            raise ValueError(f"the command {list(self.command)} must name its output once: {' or '.join(_OUTPUTS)}")
        if not self.time_limit > 0:
            raise ValueError(f"the time limit must be positive, got {self.time_limit} s")
        object.__setattr__(self, "command", tuple(self.command))

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The program's output for the inputs of one sample."""
        with tempfile.TemporaryDirectory(prefix="fredholm-") as directory:
            files = {f"{{{name}.npy}}": Path(directory, f"input.{name}.npy") for name in inputs}
            files |= {"{inputs.npz}": Path(directory, "inputs.npz")}
            files |= {file: Path(directory, file.strip("{}")) for file in _OUTPUTS}
            self._write(inputs, files)
            with open(Path(directory, "stderr"), "w+b") as said:
                self._run([_filled(word, files) for word in self.command], said)
            return _read(next(files[file] for file in _OUTPUTS if any(file in word for word in self.command)))

    def _write(self, inputs: dict[str, np.ndarray], files: dict[str, Path]) -> None:
        wanted = [file for file in files if any(file in word for word in self.command)]
        if "{inputs.npz}" in wanted:
            np.savez(files["{inputs.npz}"], allow_pickle=False, **inputs)
        for name, values in inputs.items():
            if f"{{{name}.npy}}" in wanted:
                np.save(files[f"{{{name}.npy}}"], values, allow_pickle=False)

    def _run(self, words: list[str], said: IO[bytes]) -> None:
        if shutil.which(words[0]) is None:
            raise DataError(f"the program {words[0]!r} is not found or not executable: give its path, or install it")
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
        )
        try:
            status = process.wait(self.time_limit)
        except subprocess.TimeoutExpired:
            _end(process)
            raise SolverError(0, f"{words[0]} took over {self.time_limit:g} s{_tail(said)}") from None
        except BaseException:
            _end(process)
            raise
        if status:
            how = f"ended by signal {-status}" if status < 0 else f"exited with status {status}"
            raise SolverError(0, f"{words[0]} {how}{_tail(said)}")


def _filled(word: str, files: dict[str, Path]) -> str:
    for name, file in files.items():
        word = word.replace(name, str(file))
    return word


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the program and what it started, which all are of one session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(said: IO[bytes]) -> str:
    said.seek(0)
    text = said.read().decode(errors="replace").strip()[-_MOST_SAID:]
    return f": {text}" if text else ", and wrote nothing to its standard error"


def _read(file: Path) -> np.ndarray:
    try:
        loaded = np.load(file, allow_pickle=False)
        values: np.ndarray = loaded["output"] if file.suffix == ".npz" else loaded
    except FileNotFoundError:
        raise SolverError(0, f"the program ended well but wrote no {file.name}") from None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise SolverError(0, f"the program wrote an {file.name} that cannot be read: {error}") from error
    return values
