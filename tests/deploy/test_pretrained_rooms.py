"""The rooms that ship with the package: whole, small, and as accurate as they say on sources nobody has shown them."""

import math

import pytest
import torch

from fredholm.deploy import load
from fredholm.deploy.pretrained import DIRECTORY, pretrained_rooms
from fredholm.problems import Room

NAMES = sorted(pretrained_rooms())


def test_they_are_all_that_lies_there_and_are_small() -> None:
    assert sorted(place.name for place in DIRECTORY.iterdir()) == NAMES
    assert sum(file.stat().st_size for file in DIRECTORY.rglob("*")) < 8e6


@pytest.mark.parametrize("name", NAMES)
def test_their_files_are_those_of_their_manifests_and_name_no_machine(name: str) -> None:
    artifact = load(pretrained_rooms()[name])  # raises where a digest differs
    assert {"weights.safetensors", "branch.onnx", "trunk.onnx"} <= set(artifact.manifest.files)
    for file in artifact.manifest.files:
        assert b"site-packages" not in artifact.read(file)
    assert {comparison["graph"] for comparison in artifact.manifest.certificates} >= {"branch", "trunk"}
    assert {"recipe", "seed", "samples", "training_seconds"} <= set(artifact.manifest.provenance)


@pytest.mark.parametrize("name", NAMES)
def test_fresh_sources_have_the_error_that_is_stated(name: str) -> None:
    artifact = load(pretrained_rooms()[name])
    room = artifact.problem
    assert isinstance(room, Room)
    lower, upper = torch.tensor(room.source_region, dtype=torch.float64).T
    unit = torch.rand(3, len(lower), generator=torch.Generator().manual_seed(77), dtype=torch.float64)
    inputs = room.pulses(lower + unit * (upper - lower))
    weights = room.output_domain.weights().reshape(room.output_domain.shape)

    def norm(field: torch.Tensor) -> float:
        return math.sqrt(float((field.double().square() * weights).sum()))

    answer, truth = artifact.predict(inputs), room.solve(inputs)
    errors = [norm(a - b) / norm(b) for a, b in zip(answer, truth, strict=True)]
    stated = artifact.manifest.accuracy["relative_l2"]
    assert stated < 0.02
    assert max(errors) < 2 * stated
    assert min(errors) > 0
