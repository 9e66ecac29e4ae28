"""Operators beside their peers, and beside the laws their costs should follow.

    python benchmarks/operators.py [PART ...] [--json] [--threads N] [--rounds N]

Without a PART all run. A part is one question; it lives in a file `operators_*.py` beside this one, which defines

    PARTS: dict[str, Callable[[int], list[Figure]]]

from the part's name to a function of the number of rounds (`side_by_side.Figure`: what was measured, the number that
is judged, its target). Such a file imports peers inside its functions, so that one part needs no other's.

Measure on a quiet machine: a second busy process slows whoever waits for more threads.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from side_by_side import Figure

Part = Callable[[int], list[Figure]]


def parts() -> dict[str, Part]:
    found: dict[str, Part] = {}
    for file in sorted(Path(__file__).parent.glob("operators_*.py")):
        found |= importlib.import_module(file.stem).PARTS
    return found


def target(figure: Figure) -> str:
    if figure.at_least is None and figure.at_most is None:
        return ""
    bound = f"at least {figure.at_least:g}" if figure.at_least is not None else f"at most {figure.at_most:g}"
    return f"  ({bound}: {'holds' if figure.holds else 'FALLS SHORT'})"


def main() -> None:
    known = parts()
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="parts: " + ", ".join(known), allow_abbrev=False
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
                f"{name}: {figure.what}: {figure.value:.3g} {figure.meaning}{target(figure)}; {readings} {figure.unit}"
            )


if __name__ == "__main__":
    main()
