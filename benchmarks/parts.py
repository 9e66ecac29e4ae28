"""Running the parts of a benchmark: each answers one question by a list of figures, and lives in a file of its kind."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from side_by_side import Figure

Part = Callable[[int], list[Figure]]


def run(description: str, kind: str) -> None:
    """The program that measures the parts in all files `kind_*.py`, by the arguments of its command line."""
    known = _parts(kind)
    parser = argparse.ArgumentParser(
        description=description.splitlines()[0], epilog="parts: " + ", ".join(known), allow_abbrev=False
    )
    parser.add_argument("part", nargs="*", help="which; all if none is named")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--threads", type=int, help="of torch; its own choice by default")
    parser.add_argument("--rounds", type=int, default=21, help="of each measurement")
    options = parser.parse_args()
    unknown = set(options.part) - set(known)
    if unknown:
        sys.exit(f"unknown part {', '.join(sorted(unknown))}; known: {', '.join(known)}")

    import torch

    if options.threads:
        torch.set_num_threads(options.threads)
    results = {name: known[name](options.rounds) for name in options.part or known}
    if options.json:
        listed = {name: [asdict(f) | {"holds": f.holds} for f in figures] for name, figures in results.items()}
        print(json.dumps({"threads": torch.get_num_threads(), "rounds": options.rounds, "parts": listed}, indent=2))
        return
    print(f"{torch.get_num_threads()} threads, medians of {options.rounds} rounds in turn")
    for name, figures in results.items():
        for figure in figures:
            readings = ", ".join(f"{key} {value:.4g}" for key, value in figure.readings.items())
            print(
                f"{name}: {figure.what}: {figure.value:.3g} {figure.meaning}{_target(figure)}; {readings} {figure.unit}"
            )


def _parts(kind: str) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for file in sorted(Path(__file__).parent.glob(f"{kind}_*.py")):
        found |= importlib.import_module(file.stem).PARTS
    return found


def _target(figure: Figure) -> str:
    if figure.at_least is None and figure.at_most is None:
        return ""
    bound = f"at least {figure.at_least:g}" if figure.at_least is not None else f"at most {figure.at_most:g}"
    return f"  ({bound}: {'holds' if figure.holds else 'FALLS SHORT'})"
