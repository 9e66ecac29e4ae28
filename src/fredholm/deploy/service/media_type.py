"""Media types: how questions and answers travel, and which of them a client wants.

A body says what it is by `Content-Type`, a client what it can read by `Accept`. Only formats that hold plain numbers
are spoken; nothing in a body is ever executed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.exceptions import HTTPException

from fredholm.deploy.service.question import Answer, Question

BINARY_SCHEMA: dict[str, Any] = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Body:
    """Bytes with headers of their own."""

    content: bytes
    headers: Mapping[str, str]


class MediaType(ABC):
    """A format of questions and answers to one signature."""

    name: ClassVar[str]

    @property
    def question_schema(self) -> dict[str, Any]:
        """JSON schema of a body with a question."""
        return BINARY_SCHEMA

    @property
    def answer_schema(self) -> dict[str, Any]:
        """JSON schema of a body with an answer."""
        return BINARY_SCHEMA

    @abstractmethod
    def read(self, body: bytes) -> Question:
        """The question in a body; raises SignatureError for what is damaged, foreign, or does not fit."""

    @abstractmethod
    def write(self, answer: Answer) -> Body:
        """An answer as a body; raises HTTPException 406 if this format cannot hold it."""


def sent(media: Sequence[MediaType], content_type: str | None) -> MediaType:
    """The format of a body; raises HTTPException 415 for another one."""
    name = (content_type or "").partition(";")[0].strip().lower()
    for known in media:
        if known.name == name:
            return known
    came = repr(name) if name else "none"
    raise HTTPException(415, f"the content type is {came}; expected one of {[known.name for known in media]}")


def accepted(media: Sequence[MediaType], accept: str | None) -> MediaType:
    """The format that a client likes best, the first of them if it does not mind; raises HTTPException 406 for none."""
    best, highest = None, 0.0
    wishes = [_wish(part) for part in (accept or "*/*").split(",") if part.strip()]
    for known in media:
        ranges = {known.name, known.name.partition("/")[0] + "/*", "*/*"}
        fitting = [(len(name), quality) for name, quality in wishes if name in ranges]
        quality = max(fitting)[1] if fitting else 0.0  # the longest range is the most precise, and that one counts
        if quality > highest:
            best, highest = known, quality
    if best is None:
        raise HTTPException(406, f"none of {accept!r} can be answered: accept one of {[known.name for known in media]}")
    return best


def _wish(part: str) -> tuple[str, float]:
    """A range of media types and how much it is wanted, such as ("application/json", 0.5)."""
    name, *parameters = part.split(";")
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                return name.strip().lower(), float(value)
            except ValueError:
                return name.strip().lower(), 0.0
    return name.strip().lower(), 1.0
