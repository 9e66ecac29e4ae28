"""Operators beside their peers, and beside the laws their costs should follow.

    python benchmarks/operators.py [PART ...] [--json] [--threads N] [--rounds N]

Without a PART all run. A part is one question; it lives in a file `operators_*.py` beside this one, which defines

    PARTS: dict[str, Callable[[int], list[Figure]]]

from the part's name to a function of the number of rounds (`side_by_side.Figure`: what was measured, the number that
is judged, its target). Such a file imports peers inside its functions, so that one part needs no other's.

Measure on a quiet machine: a second busy process slows whoever waits for more threads.
"""

from parts import run

if __name__ == "__main__":
    run(__doc__, "operators")
