"""Reference solvers: what a sample costs, beside a peer's at equal accuracy.

    python benchmarks/solvers.py [PART ...] [--json] [--threads N] [--rounds N]

Without a PART all run. A part is one equation; it lives in a file `solvers_*.py` beside this one, which defines

    PARTS: dict[str, Callable[[int], list[Figure]]]

from the part's name to a function of the number of rounds (`side_by_side.Figure`). The errors of both against a finer
reference are figures of their own, for a time without its error says nothing. Such a file imports peers inside its
functions, so that one part needs no other's.

Measure on a quiet machine, and with one thread beside a peer that has one: `OMP_NUM_THREADS=1`, `--threads 1`.
"""

from parts import run

if __name__ == "__main__":
    run(__doc__, "solvers")
