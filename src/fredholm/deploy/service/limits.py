"""What a request may cost, and the guard that holds every request to it.

The guard is plain ASGI around the whole application: it counts the bytes of a body as they arrive, whatever the headers
say, ends the wait for an answer that takes too long, and adds the headers that browsers heed.
"""

import asyncio
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class Limits:
    """What requests may cost.

    Args:
        body_bytes: of one request.
        values: of one answer, and of the answers that are computed together.
        seconds: until an answer begins.
        requests: that are taken at once, from the first byte of a body until the answer is there.
    """

    body_bytes: int = 16 * 2**20
    values: int = 4_000_000
    seconds: float = 30.0
    requests: int = 128


class Guard:
    """An ASGI application within `limits`.

    A computation that is too slow runs to its end in its thread, which cannot be stopped; its answer is dropped.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits
        self._abandoned: set[asyncio.Future[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, with 413 or 503 if it is beyond the limits."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reply = _Reply(send)
        answer = asyncio.ensure_future(self.app(scope, self._counted(receive), reply.send))
        try:
            await asyncio.wait({answer, reply.begun}, timeout=self.limits.seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() or reply.begun.done():
                await answer  # how long the body travels is the client's affair
                return
        except asyncio.CancelledError:
            answer.cancel()
            raise
        reply.closed = True
        answer.cancel()
        self._abandoned.add(answer)
        answer.add_done_callback(self._abandoned.discard)
        late = JSONResponse({"error": f"the request took longer than {self.limits.seconds:g} s: ask for less"}, 503)
        await late(scope, receive, reply.send_late)

    def _counted(self, receive: Receive) -> Receive:
        """`receive`, refusing a body that grows over the limit."""
        total = 0

        async def counted() -> Message:
            nonlocal total
            message = await receive()
            total += len(message.get("body", b""))
            if total > self.limits.body_bytes:
                raise HTTPException(
                    413, f"the body has over {self.limits.body_bytes} bytes, which is all that is allowed"
                )
            return message

        return counted


class _Reply:
    """What is sent for one request, until the guard closes it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def send(self, message: Message) -> None:
        if not self.closed:
            await self.send_late(message)

    async def send_late(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if not self.begun.done():
                self.begun.set_result(None)
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
