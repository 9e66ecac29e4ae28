"""Worker processes: one function applied to many tasks, in fresh single-threaded Python processes.

They are not forks of this process: a fork of what runs threads (torch, numba) may hang. They are forks of a process
that has imported torch and done nothing else, so that each is there in milliseconds; where a system has no such server
they are spawned. They end when this process ends, however it ends.
"""

import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext, SpawnContext
from types import FunctionType
from typing import Any, TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_GRACE = 2.0  # seconds for a process whose parent has ended


def in_processes(function: Callable[[_Task], _Result], tasks: Sequence[_Task], count: int) -> Iterator[_Result]:
    """function(task) of every task as it is done, in any order, computed by `count` processes.

    Raises what the function raises, and `BrokenProcessPool` if a process is killed. However the iteration ends, no
    process is left behind.
    """
    message = pickle.dumps(function)
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, process_context(), _begin, (message,))
    try:
        with starting():
            futures = [pool.submit(_call, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()
    except BaseException:
        for child in set(multiprocessing.active_children()) - others:
            child.kill()  # rather than wait for the tasks they are at
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def process_context() -> ForkServerContext | SpawnContext:
    """How worker processes are started; start them within `starting`."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    return context


def unsendable(problem: object) -> str | None:
    """Why a problem cannot be sent to other processes, and what to do; None if it can.

    A process imports classes and functions by the name of their module, which it cannot do for those of the script or
    notebook that runs, nor for lambdas and what is defined inside a function.
    """
    seen = _ScriptsOwn(io.BytesIO())
    try:
        seen.dump(problem)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        if not seen.names:
            return (
                f"the problem cannot be sent to worker processes ({error}): define its class at the top level of a "
                "module, and the functions it is made of, or generate with workers=1"
            )
    if seen.names:
        return (
            f"worker processes cannot import {seen.names[0]}, which the running script defines: "
            "move it to a module of its own, or generate with workers=1"
        )
    return None


class _ScriptsOwn(pickle.Pickler):
    """Pickles, and notes the classes and functions of the running script that it meets."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.names: list[str] = []

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, type | FunctionType) and thing.__module__ == "__main__":
            self.names.append(thing.__qualname__)
        return NotImplemented


@contextmanager
def starting() -> Iterator[None]:
    """Start processes that use one thread, do not hear Ctrl-C, and do not run the calling script again.

    This process hears of it when they are started.

    A spawned process imports the caller's `__main__`, and thereby runs a script that has no guard
    (`if __name__ == "__main__"`) a second time. Nothing of it is needed here, since the function comes from a
    module: so it is hidden meanwhile.
    """
    main = sys.modules["__main__"].__dict__
    hidden: dict[str, Any] = {name: main[name] for name in ("__file__", "__spec__") if name in main}
    environment = {name: os.environ.get(name) for name in _ONE_THREAD}
    main.pop("__file__", None)
    main["__spec__"] = None
    os.environ.update(_ONE_THREAD)
    try:
        with _interrupted_afterwards():
            yield
    finally:
        main.update(hidden)
        for name, value in environment.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Put off a Ctrl-C, and let processes that are started inherit that they do not hear it."""
    masks = hasattr(signal, "pthread_sigmask")
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else set()
    heard: list[int] = []  # other threads are not masked, and what they hear this one is told
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number)) if in_main_thread else None
    try:
        yield
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)
        if masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if heard:
            signal.raise_signal(signal.SIGINT)


_message: bytes  # of this worker process: the function, as its parent sent it


def _begin(message: bytes) -> None:
    """Prepare a worker process."""
    global _message
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, who ends its workers
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _message = message


@cache
def _function() -> Callable[[Any], Any]:
    function: Callable[[Any], Any] = pickle.loads(_message)  # from our own parent process, through a pipe
    return function


def end_with_parent() -> None:
    """Wait for the parent of this worker process to end, however it does, and end as well.

    What handles SIGTERM, such as the end of an external program, may take a moment.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE)
    os._exit(1)


def _call(task: Any) -> Any:
    return _function()(task)
