"""Ways to talk to a service in tests: its application directly, many requests at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI

Result = TypeVar("Result")


def talk(app: FastAPI, conversation: Callable[[httpx.AsyncClient], Awaitable[Result]]) -> Result:
    """What a conversation with the application comes to; its requests may be concurrent."""

    async def whole() -> Result:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client,
        ):
            return await conversation(client)

    return asyncio.run(whole())


def together(app: FastAPI, requests: list[dict[str, Any]], path: str = "/v1/predict") -> list[httpx.Response]:
    """The answers to requests that are posted all at once."""

    async def conversation(client: httpx.AsyncClient) -> list[httpx.Response]:
        return await asyncio.gather(*(client.post(path, **request) for request in requests))

    return talk(app, conversation)
