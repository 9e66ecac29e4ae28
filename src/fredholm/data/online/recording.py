"""The offline recorder: the samples of a stream on disk, so that runs with and without a stream see the same ones.

A recording is a directory with a file for each simulation that ended, `simulation-000017.npz`, written beside and
renamed: the inputs by name, and the output, each with the axis of steps in front.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from fredholm.data.dataset import Dataset, Description
from fredholm.data.online.engine import Step, steps
from fredholm.data.online.simulations import Simulations
from fredholm.data.source import ArraySource
from fredholm.errors import DataError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature

_OUTPUT, _ABOUT = "output", "recording.json"


class Recorder:
    """Writes the samples of `simulations` to `directory` as they stream by.

    Raises DataError if the directory holds a recording of something else.

    >>> recorder = Recorder(Path("runs/heat/recording"), Frames(Heat()))  # doctest: +SKIP
    """

    def __init__(self, directory: Path, simulations: Simulations) -> None:
        self.directory = Path(directory)
        self._steps: dict[int, dict[int, Step]] = {}
        about = simulations.description
        stated = {
            "signature": about.signature.to_json(),
            "output_domain": about.output_domain.to_json(),
            "input_domains": {name: domain.to_json() for name, domain in about.input_domains.items()},
            "problem": dict(about.problem),
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        file, text = self.directory / _ABOUT, json.dumps(stated, indent=2, default=str)
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise DataError(f"{self.directory} holds the recording of something else: choose another directory")
        file.write_text(text, encoding="utf-8")

    def add(self, simulation: int, number: int, step: Step) -> None:
        """Step `number` of a simulation has come."""
        self._steps.setdefault(simulation, {})[number] = step

    def finish(self, simulation: int) -> None:
        """All steps of a simulation have come: write them. One of which some came in an earlier run is not written."""
        held = self._steps.pop(simulation, {})
        numbers = sorted(held)
        if not numbers or numbers != list(range(len(numbers))):
            return
        arrays = {name: np.stack([held[k].inputs[name] for k in numbers]) for name in held[0].inputs}
        arrays[_OUTPUT] = np.stack([held[k].output for k in numbers])
        file = self.directory / f"simulation-{simulation:06d}.npz"
        beside = file.with_name(file.name + ".partial")
        with open(beside, "wb") as target:
            np.savez(target, allow_pickle=False, **arrays)
        os.replace(beside, file)


def open_recording(directory: Path, simulations: Sequence[int] | None = None) -> Dataset:
    """The samples of a recording, of all simulations in it or of some, as a data set in memory.

    Raises DataError where there is no recording, or not of that simulation.
    """
    directory = Path(directory)
    try:
        about = json.loads((directory / _ABOUT).read_text(encoding="utf-8"))
        files = sorted(directory.glob("simulation-*.npz"))
        if simulations is not None:
            files = [directory / f"simulation-{index:06d}.npz" for index in simulations]
        read = [dict(np.load(file, allow_pickle=False)) for file in files]
    except (OSError, ValueError) as error:
        raise DataError(f"{directory} cannot be read as a recording: {error}") from error
    if not read:
        raise DataError(f"{directory} holds no simulation that has ended")
    arrays = {name: torch.from_numpy(np.concatenate([one[name] for one in read])) for name in read[0]}
    output = arrays.pop(_OUTPUT)
    domains = {name: Domain.from_json(domain) for name, domain in about["input_domains"].items()}
    signature = Signature.from_json(about["signature"])
    description = Description(signature, Domain.from_json(about["output_domain"]), domains, about["problem"])
    return Dataset(description, ArraySource(arrays, output, None, {}))


def collected(simulations: Simulations, count: int, seed: int) -> Dataset:
    """The samples of simulations 0, ..., `count` - 1 in memory: what a stream of them would deliver.

    >>> from fredholm.data.online import Frames
    >>> from fredholm.problems import Heat
    >>> len(collected(Frames(Heat(points=8, times=5)), 3, seed=0))
    15
    """
    samples = [step for index in range(count) for step in steps(simulations, seed, index)]
    names = simulations.description.signature.inputs
    inputs = {name: torch.from_numpy(np.stack([step.inputs[name] for step in samples])) for name in names}
    output = torch.from_numpy(np.stack([step.output for step in samples]))
    return Dataset(simulations.description, ArraySource(inputs, output, None, {}))
