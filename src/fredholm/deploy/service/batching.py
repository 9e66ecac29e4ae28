"""Concurrent questions of one kind, answered in one run of the operator.

A question waits for a moment, in which others may come that can be stacked with it; what then waits is run as one, up
to a number of samples. While a run is under way the next batch gathers by itself. Runs take turns in one thread: they
use all cores as it is.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from fredholm.deploy.service.question import Answer, Question, stacked
from fredholm.deploy.service.version import Version

Result = TypeVar("Result")


@dataclass(frozen=True)
class Batching:
    """How questions are gathered.

    Args:
        samples: of one run, at most; one question may have more, and then runs alone.
        window: seconds before each run in which others may come; none where there is enough for a run.
    """

    samples: int = 32
    window: float = 0.002


@dataclass(frozen=True, eq=False)
class _Waiting:
    version: Version
    question: Question
    answered: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher:
    """A queue before one thread that computes.

    Args:
        batching: how questions are gathered.
        values: of the answers of one run, at most.
        observe: told the name of what was asked and how many questions each run answered.
    """

    def __init__(self, batching: Batching, values: int, observe: Callable[[str, int], None]) -> None:
        self.batching, self.values, self.observe = batching, values, observe
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fredholm-operator")
        self._queue: list[_Waiting] = []
        self._full = asyncio.Event()
        self._answering: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Number of questions that no run has taken yet."""
        return len(self._queue)

    async def ask(self, version: Version, question: Question) -> Answer:
        """The answer, which others' questions change by no more than rounding; their failures are theirs alone."""
        waiting = _Waiting(version, question)
        self._queue.append(waiting)
        if self._answering is None or self._answering.done():
            self._full = asyncio.Event()
            self._answering = asyncio.create_task(self._answer_all())
        if self._enough():
            self._full.set()
        try:
            return await waiting.answered
        finally:
            if waiting in self._queue:  # nobody waits for it any more
                self._queue.remove(waiting)

    async def run(self, compute: Callable[[], Result]) -> Result:
        """The result of something else that is computed, in turn with the runs."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, compute)

    async def _answer_all(self) -> None:
        """Answer until nothing waits."""
        while self._queue:
            await self._gather()
            if not (batch := self._next()):
                return
            self.observe(batch[0].version.name, len(batch))
            for waiting, answer in zip(batch, await self.run(partial(_answers, batch)), strict=True):
                if waiting.answered.done():
                    continue
                if isinstance(answer, Exception):
                    waiting.answered.set_exception(answer)
                else:
                    waiting.answered.set_result(answer)

    async def _gather(self) -> None:
        """Wait for the window, or until there is enough for a run."""
        self._full.clear()
        if self.batching.window > 0 and not self._enough():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), self.batching.window)

    def _enough(self) -> bool:
        return sum(waiting.question.batch for waiting in self._queue) >= self.batching.samples

    def _next(self) -> list[_Waiting]:
        """The question that has waited longest, with those behind it that can be stacked with it."""
        first, samples, values = next(iter(self._queue), None), 0, 0
        batch: list[_Waiting] = []
        for waiting in self._queue:
            if first is None or waiting.version is not first.version or waiting.question.kind != first.question.kind:
                continue
            samples += waiting.question.batch
            values += waiting.version.values(waiting.question)
            if batch and (samples > self.batching.samples or values > self.values):
                break
            batch.append(waiting)
        taken = set(map(id, batch))
        self._queue = [waiting for waiting in self._queue if id(waiting) not in taken]
        return batch


def _answers(batch: list[_Waiting]) -> list[Answer | Exception]:
    """Answer or error of each; if the run of all fails, each is run alone, so that one does not fail the others."""
    version, questions = batch[0].version, [waiting.question for waiting in batch]
    try:
        return list(version.answer(stacked(questions)).cut([question.batch for question in questions]))
    except Exception as error:  # whatever it is, it is the answer to whoever caused it
        if len(batch) == 1:
            return [error]
    return [_answers([waiting])[0] for waiting in batch]
