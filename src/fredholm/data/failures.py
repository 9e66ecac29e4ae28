"""Notes of the samples that could not be solved for: a small JSON file for each chunk that has some.

A note says which samples failed and why, {"17": "its solution is not finite"}. It is written before the chunk is, so
that work which is interrupted and resumed ends with the same notes, and the seal of the finished set repeats them all.
"""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from fredholm.data.chunks import not_written
from fredholm.errors import DataError, SamplesLeftOut

NOTES = ".failures"  # inside the set's directory; hidden, as it is no array
_SHOWN = 5  # reasons in a warning


def write_note(directory: Path, chunk: int, failures: Mapping[int, str], scratch: Path) -> None:
    """Say of a chunk what failed in it: write its note beside and rename it, or take an older one away."""
    file = directory / f"c.{chunk}.json"
    if not failures:
        file.unlink(missing_ok=True)
        return
    beside = scratch / f"note.{chunk}.{os.getpid()}"
    try:
        directory.mkdir(exist_ok=True)
        beside.write_text(json.dumps({str(sample): failures[sample] for sample in sorted(failures)}))
        os.replace(beside, file)
    except OSError as error:
        raise not_written(error, file) from error


def read_notes(directory: Path) -> dict[int, str]:
    """All failures noted, by sample; raises DataError for a note that cannot be read."""
    failures: dict[int, str] = {}
    for file in directory.glob("c.*.json"):
        try:
            failures |= {int(sample): str(reason) for sample, reason in json.loads(file.read_text()).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise DataError(f"{file} cannot be read ({error}): delete the chunk it is about, and generate") from error
    return dict(sorted(failures.items()))


def told(failures: Mapping[int, str], samples: int, seed: int) -> str:
    """What to say of the failures of a set: how many, which, why, and how to see their inputs.

    >>> told({17: "its solution is not finite"}, 20, seed=4)
    '1 of 20 samples of seed 4 could not be solved for and is left out: 17 (its solution is not finite). \
problem.sample(1, 4, 17) gives the inputs of the first'
    """
    some = [f"{sample} ({reason})" for sample, reason in list(failures.items())[:_SHOWN]]
    more = f" and {len(failures) - _SHOWN} more" if len(failures) > _SHOWN else ""
    verb = "is" if len(failures) == 1 else "are"
    return (
        f"{len(failures)} of {samples} samples of seed {seed} could not be solved for and {verb} left out: "
        f"{', '.join(some)}{more}. problem.sample(1, {seed}, {next(iter(failures))}) gives the inputs of the first"
    )


def warn(failures: Mapping[int, str], samples: int, seed: int) -> None:
    """Warn of failures, if there are any, on behalf of the caller's caller."""
    if failures:
        warnings.warn(told(failures, samples, seed), SamplesLeftOut, stacklevel=3)
