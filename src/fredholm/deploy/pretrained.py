"""Rooms that ship with the package, learned: artifacts that open at once.

They are made by `python benchmarks/pretrained_rooms.py --write`, which keeps what was measured in
docs/results/pretrained-rooms.md.
"""

from pathlib import Path

DIRECTORY = Path(__file__).parent / "rooms"


def pretrained_rooms() -> dict[str, Path]:
    """Artifacts by name, the room of three dimensions first.

    >>> from fredholm.deploy import load
    >>> load(pretrained_rooms()["square"]).problem.shape.lengths
    (2.0, 2.0)
    """
    return {name: DIRECTORY / name for name in ("cube", "square")}
