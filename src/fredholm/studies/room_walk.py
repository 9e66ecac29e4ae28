"""A room to walk through: solve, learn, measure, export and serve, in one go.

Every stage leaves its result in the output directory and is skipped when that result is there, so an interrupted run
goes on and a second run starts the service at once.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from fredholm.data import Dataset, generate
from fredholm.deploy import Artifact, export, load, save
from fredholm.errors import DataError
from fredholm.evaluation import TrainingCost, evaluate
from fredholm.problems import RandomSources, Room, SourceLattice, problem_named
from fredholm.training.recipes import recipe_named

TEST_SAMPLES = 24
_PER_WAVELENGTH = 5


@dataclass(frozen=True)
class RoomWalk:
    """The stages of `fredholm run room`.

    Args:
        directory: where results go.
        operator: name of the recipe.
        seed: of the test sources and of training.
        parameters: of the problem `room`, as JSON; the sources are the walk's own.
    """

    directory: Path
    operator: str = "pod-linear"
    seed: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)

    def prepare(self, console: Console) -> Artifact:
        """Do what is not done yet; the exported and measured artifact."""
        test = self._room(vars(RandomSources()))
        lattice = SourceLattice(sources_per_axis(test))
        train, recipe = self._room(vars(lattice)), recipe_named(self.operator)
        if train.grid.dimension < 2:
            raise DataError(f"the room page shows planes and spaces, got a room of lengths {train.shape.lengths}")
        artifact_path = self.directory / f"artifact-{self.operator}"
        start = time.perf_counter()
        data = self._generate(train, len(lattice.points(train.shape, train.margin)), "train", console)
        unseen = self._generate(test, TEST_SAMPLES, "test", console)
        generated = time.perf_counter() - start
        if artifact_path.exists():
            artifact = load(artifact_path)
            if artifact.manifest.provenance.get("data") == data.fingerprint():
                console.print(f"[green]reused[/green]    operator in {artifact_path}")
                return artifact
        start = time.perf_counter()
        fitted = recipe.fit(data, seed=self.seed, directory=self.directory / f"training-{self.operator}")
        cost = TrainingCost(generation_seconds=generated, training_seconds=time.perf_counter() - start)
        console.print(f"[green]learned[/green]   {recipe.title}: {fitted.operator.stored_bytes / 1e6:.2f} MB")
        report = evaluate(fitted.operator, unseen, train=data, problem=test, history=fitted.history, cost=cost)
        report.write(self.directory / "report")
        console.print(f"[green]measured[/green]  {report.verdict}")
        save(fitted.operator, artifact_path, provenance=fitted.provenance, accuracy=report.accuracy())
        certificate = export(artifact_path)
        console.print(f"[green]exported[/green]  {certificate.summary}")
        return load(artifact_path)

    def serve(self, artifact: Artifact, host: str, port: int, console: Console) -> None:
        """Serve the page until Ctrl-C; without a terminal, check that it answers and stop."""
        from fredholm.deploy.service.showing import show

        show(artifact.path, ["/room/"], host=host, port=port, console=console)
        console.print(f"  serve it again with:  fredholm serve {artifact.path}")

    def _room(self, sources: dict[str, Any]) -> Room:
        room = problem_named("room", {**self.parameters, "sources": sources})
        assert isinstance(room, Room)
        return room

    def _generate(self, room: Room, n: int, name: str, console: Console) -> Dataset:
        path = self.directory / name
        done = path.exists()
        data = generate(room, n, self.seed, path)
        word = "reused" if done else "solved"
        console.print(f"[green]{word}[/green]    {n} sources of the wave equation in {path}")
        return data


def sources_per_axis(room: Room) -> int:
    """Of a training lattice with five sources to the shortest wavelength along the longest side of the sources' region.

    >>> sources_per_axis(Room())
    9
    """
    longest = max(high - low for low, high in room.source_region)
    return 1 + round(_PER_WAVELENGTH * longest * room.highest_frequency / room.sound_speed)
