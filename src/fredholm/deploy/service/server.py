"""The service as a process: it listens, and on SIGTERM or Ctrl-C finishes what it took before it ends."""

import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from fastapi import FastAPI

from fredholm.deploy.artifact import Artifact, load
from fredholm.deploy.service.application import create_app
from fredholm.deploy.service.batching import Batching
from fredholm.deploy.service.bearer_token import VARIABLE
from fredholm.deploy.service.limits import Limits
from fredholm.deploy.service.served_model import ModelNameError
from fredholm.errors import FredholmError

_GRACE = 5.0  # seconds beyond the time limit for answers that are on their way


class PortInUseError(FredholmError, OSError):
    """Nothing can listen on the port."""


def serve(
    path: str | Path | Mapping[str, str | Path],
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: Limits | None = None,
    batching: Batching | None = None,
    token: str | None = None,
    watch: float | None = None,
) -> None:
    """Serve an artifact, or several by name, until SIGTERM or Ctrl-C, and finish what was taken then.

    The arguments are those of `create_app`. Raises ArtifactError, or PortInUseError naming a free port.

    >>> serve({"room": "runs/room/artifact", "darcy": "runs/darcy/artifact"}, watch=1.0)  # doctest: +SKIP
    """
    limits = limits or Limits()
    app = create_app(_loaded(path), limits, batching=batching, token=token, watch=watch)
    require_free(host, port)
    if (warning := exposure(host, port, token)) is not None:
        _say(warning)
    _server(app, host, port, limits).run()


@contextmanager
def running_service(
    path: str | Path | Mapping[str, str | Path], *, host: str = "127.0.0.1", port: int = 8000
) -> Iterator[Callable[[str], bytes]]:
    """The service in a thread of its own; yields a function that gets a path from it."""
    app = create_app(_loaded(path))
    require_free(host, port)
    server = _server(app, host, port, Limits())
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)

    def get(address: str) -> bytes:
        with urlopen(f"http://{host}:{port}{address}", timeout=30) as response:
            content: bytes = response.read()
        return content

    try:
        yield get
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def named_paths(arguments: Sequence[str]) -> Path | dict[str, Path]:
    """What NAME=PATH arguments name, or the one path that has no name; raises ModelNameError.

    >>> named_paths(["room=runs/room/artifact", "flow=runs/flow/artifact"])["flow"]
    PosixPath('runs/flow/artifact')
    """
    if len(arguments) == 1 and ("=" not in arguments[0] or Path(arguments[0]).is_dir()):
        return Path(arguments[0])
    named: dict[str, Path] = {}
    for argument in arguments:
        name, equals, path = argument.partition("=")
        if not (equals and path):
            raise ModelNameError(f"{argument!r} names no model: expected NAME=PATH, or one path alone")
        if name in named:
            raise ModelNameError(f"{name!r} names two models: choose another name for {path}")
        named[name] = Path(path)
    return named


def exposure(host: str, port: int, token: str | None) -> str | None:
    """A warning of a service that others than this machine's users may use; None if there is no need of one."""
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name that stands for some address
        loopback = False
    if loopback or token is not None:
        return None
    return f"anyone who reaches {host}:{port} may use this service: give it a token with --token-file or {VARIABLE}"


def require_free(host: str, port: int) -> None:
    """Raise PortInUseError, naming a port that is free, if nothing can listen there."""
    if not 0 < port < 65536:
        raise PortInUseError(f"port {port} does not exist: choose one from 1 to 65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortInUseError(f"cannot listen on {host}:{port}: {error.strerror}") from error
            with socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                free = other.getsockname()[1]
            raise PortInUseError(
                f"port {port} on {host} is in use: stop what listens there, or choose another with --port {free}"
            ) from error


def _loaded(path: str | Path | Mapping[str, str | Path]) -> Artifact | dict[str, Artifact]:
    if isinstance(path, Mapping):
        return {name: load(place) for name, place in path.items()}
    return load(path)


def _server(app: FastAPI, host: str, port: int, limits: Limits) -> Any:
    import uvicorn

    grace = int(limits.seconds + _GRACE)
    return uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=grace)
    )


def _say(warning: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[yellow]warning:[/yellow] {warning}")
