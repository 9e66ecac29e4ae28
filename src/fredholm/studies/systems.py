"""The published systems in scope, and how far each is built.

*works*: its study meets its targets; *partial*: a part of the paper's claim is shown by a study; *planned*: not yet
built.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

State = Literal["works", "partial", "planned"]


@dataclass(frozen=True)
class System:
    """One published system: its number, slug and title, its state here, and its study, if there is one."""

    number: int
    slug: str
    title: str
    state: State
    study: str | None


@cache
def systems() -> tuple[System, ...]:
    """All systems, by number.

    >>> len(systems())
    60
    """
    text = files("fredholm.studies").joinpath("systems.json").read_text(encoding="utf-8")
    return tuple(System(**entry) for entry in json.loads(text))
