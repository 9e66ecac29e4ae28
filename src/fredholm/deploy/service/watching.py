"""Looking again and again whether a model was replaced on disk."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from fredholm.deploy.service.served_model import ServedModel


@asynccontextmanager
async def watching(models: Collection[ServedModel], interval: float | None) -> AsyncIterator[None]:
    """While inside, look every `interval` seconds, in a thread; never, if that is None."""
    task = None if interval is None else asyncio.create_task(_watch(models, interval))
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _watch(models: Collection[ServedModel], interval: float) -> None:
    while True:
        for model in models:
            await asyncio.to_thread(model.look)
        await asyncio.sleep(interval)
