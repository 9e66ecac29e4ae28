"""How kernels are called from PyTorch: with tensors, on as many threads as it uses itself.

numba and PyTorch share one OpenMP runtime where numba finds it loaded, so that the threads of one do not wait for those
of the other. How the work is cut depends on its shape alone: results do not depend on the number of threads.
"""

from collections.abc import Callable
from threading import Lock, local
from typing import Any

import numba
import torch
from numba.core import config
from torch import Tensor

JOBS = 32  # into which work is cut, at least, if there is so much of it

_of_thread = local()
_one_at_a_time = Lock()  # numba's own pool of threads, where it has no OpenMP, cannot be entered twice


def parts(samples: int) -> int:
    """Into how many parts each of `samples` samples is cut."""
    return -(-JOBS // max(samples, 1))


def run(kernel: Callable[..., None], *arguments: Any) -> None:
    """Call a kernel with tensors (or tuples of them) as arrays."""
    threads = torch.get_num_threads()
    with _one_at_a_time:
        if getattr(_of_thread, "threads", None) != threads:  # numba counts threads for every thread that calls it
            numba.set_num_threads(min(threads, config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
            _of_thread.threads = threads
        kernel(*map(_array, arguments))
    if torch.get_num_threads() != threads:  # numba sets it for the whole OpenMP runtime when it starts
        torch.set_num_threads(threads)


def _array(argument: Any) -> Any:
    if isinstance(argument, Tensor):
        return (argument.detach() if argument.requires_grad else argument).numpy()
    return tuple(map(_array, argument)) if isinstance(argument, tuple) else argument
