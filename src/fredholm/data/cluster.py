"""A Ray cluster: where the work of `generate` and `evaluate`, and simulations of a stream, run beyond one machine.

Ray is imported when a cluster is used: it comes with the extra `cluster`.
"""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import unwrap
from typing import Any, TypeVar

from fredholm.errors import DataError, MissingExtraError

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Cluster:
    """Workers for `generate` and `evaluate`: tasks of a Ray cluster, whose machines all see the same data sets.

    Args:
        address: of a cluster, such as "auto"; None connects to none and starts Ray on this machine, if need be.
        cpus: cores that Ray reserves for a task.
        retries: how often a task is run again whose process or machine has died. What it gives, or writes, is the same
            every time.

    >>> generate(problem, 100_000, 0, "/shared/set", workers=Cluster("auto"))  # doctest: +SKIP
    """

    address: str | None = None
    cpus: float = 1.0
    retries: int = 2

    def __post_init__(self) -> None:
        if not self.cpus > 0 or self.retries < 0:
            raise ValueError(f"cpus > 0 and retries >= 0 are needed, got {self}")

    def run(self, function: Callable[[_Task], _Result], tasks: Sequence[_Task]) -> Iterator[_Result]:
        """function(task) of every task as it is done, in any order, twice as many under way as there are cores.

        Raises what the function raises, DataError for a task that is given up, MissingExtraError without Ray. However
        the iteration ends, no task is left behind.
        """
        ray = connected(self.address)
        remote = ray.remote(unwrap(_call)).options(num_cpus=self.cpus, max_retries=self.retries)
        shared, waiting = _shared(ray, function), list(reversed(tasks))
        live: list[Any] = []
        most = 2 * max(1, int(ray.cluster_resources().get("CPU", 1) / self.cpus))
        try:
            while waiting or live:
                while waiting and len(live) < most:
                    live.append(remote.remote(shared, waiting.pop()))
                done, live = ray.wait(live)
                for reference in done:
                    yield _result(ray, reference)
        finally:
            for reference in live:
                ray.cancel(reference, force=True)


def connected(address: str | None) -> Any:
    """Ray, connected to a cluster."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", extra="cluster") from error
    if not ray.is_initialized():
        ray.init(address=address, include_dashboard=False, log_to_driver=False)
    return ray


def _shared(ray: Any, function: Callable[[Any], Any]) -> Any:
    """A function where all machines can have it."""
    try:
        return ray.put(function)
    except (TypeError, pickle.PicklingError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"the work cannot be sent to a cluster ({reason}): do it here, without workers") from error


def _call(function: Callable[[Any], Any], task: Any) -> Any:
    import torch

    torch.set_num_threads(1)
    return function(task)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, Exception) else error from None
    except ray.exceptions.RayError as error:
        raise DataError(
            f"a task was given up ({str(error).strip().splitlines()[0]}); the same call goes on from there"
        ) from error
