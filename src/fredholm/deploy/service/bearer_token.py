"""A bearer token: whoever does not know it is told nothing but that the service is up."""

import hmac
import os
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from fredholm.errors import FredholmError

VARIABLE = "FREDHOLM_TOKEN"
_OPEN = frozenset({"/health"})  # to load balancers and process managers, which hold no secrets
_SHORTEST = 16


class TokenError(FredholmError, ValueError):
    """A token that protects nothing, or cannot be sent."""


def read_token(file: str | Path | None) -> str | None:
    """The token in a file or, without one, in the variable FREDHOLM_TOKEN; None if there is neither.

    Raises TokenError for a file that cannot be read, and for a token that is short or cannot stand in a header. A
    command line is no place for one: every user of a machine may read it.
    """
    if file is not None:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TokenError(f"token file {file} cannot be read: {error}") from error
    elif (text := os.environ.get(VARIABLE, "")) == "":
        return None
    token, source = text.strip(), VARIABLE if file is None else str(file)
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenError(
            f"{source} holds no token: expected at least {_SHORTEST} characters of ASCII without spaces, such as "
            "`openssl rand -hex 32` prints"
        )
    return token


class BearerToken:
    """An ASGI application that answers 401 to requests without the token, compared in constant time."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._expected = f"bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what knows the token or needs none."""
        if scope["type"] != "http" or scope["path"] in _OPEN or self._knows(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"error": "this service needs a token: send the header `Authorization: Bearer TOKEN`"},
            401,
            {"WWW-Authenticate": 'Bearer realm="fredholm"'},
        )
        await refusal(scope, receive, send)

    def _knows(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        given = f"{scheme.lower()} {token.strip()}".encode("latin-1", "replace")
        return hmac.compare_digest(given, self._expected)
