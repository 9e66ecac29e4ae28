"""What the service did, in the text format of Prometheus.

    fredholm_requests_total{method, route, status}
    fredholm_request_seconds{route}                   histogram, until the answer begins
    fredholm_batch_requests{model}                    histogram: requests answered by one run of the operator
    fredholm_points_total{model}                      points at which the output was answered
    fredholm_reloads_total{model, outcome}            swapped, or refused
    fredholm_requests_taken, fredholm_requests_waiting

Routes stand for themselves, not for the addresses that were asked for, of which there is no end.
"""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "fredholm_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.seconds = Histogram(
            "fredholm_request_seconds",
            "Seconds until an answer begins",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.batches = Histogram(
            "fredholm_batch_requests", "Requests in a run", ["model"], buckets=_SIZES, registry=registry
        )
        self.points = Counter(
            "fredholm_points", "Points at which the output was answered", ["model"], registry=registry
        )
        self.reloads = Counter("fredholm_reloads", "New versions looked at", ["model", "outcome"], registry=registry)
        self.taken = Gauge("fredholm_requests_taken", "Requests that are being answered", registry=registry)
        self.waiting = Gauge("fredholm_requests_waiting", "Requests that wait for a run", registry=registry)

    def text(self) -> bytes:
        """The present state, for Prometheus to collect."""
        return generate_latest(self.registry)

    def watch(self, taken: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Ask these functions, whenever the state is collected, how many requests are taken and wait."""
        self.taken.set_function(taken)
        self.waiting.set_function(waiting)

    def run(self, model: str, requests: int) -> None:
        """Count one run of an operator."""
        self.batches.labels(model).observe(requests)

    def reloaded(self, model: str, outcome: str) -> None:
        """Count a new version that was swapped in, or refused."""
        self.reloads.labels(model, outcome).inc()

    def observe(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one request."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


class Metered:
    """An ASGI application whose requests are counted."""

    def __init__(self, app: ASGIApp, observe: Callable[[Scope, int, float], None]) -> None:
        self.app, self.observe = app, observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        begun: list[tuple[int, float]] = []

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                begun.append((message["status"], time.perf_counter() - start))
            await send(message)

        try:
            await self.app(scope, receive, counted)
        finally:
            self.observe(scope, *(begun[0] if begun else (500, time.perf_counter() - start)))
