"""Which artifacts have a room page, and what it is told of a scene with walls of a material."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from fredholm.deploy import Artifact, export, load, save
from fredholm.deploy.service import create_app
from fredholm.deploy.service.shown_room import ShownRoom, is_room
from fredholm.errors import ArtifactError
from fredholm.problems import Blocks, PorousLayer, Recording, SoundScene, SourceLattice, furnished_plan
from fredholm.studies.solved_rooms import solved
from fredholm.training.recipes import PODLinear

SCENE = SoundScene(
    Blocks((1.6, 1.4, 1.2)),
    SourceLattice(2),
    walls=PorousLayer(),
    highest_frequency=250.0,
    recording=Recording(0.006, 0.001),
    margin=0.4,
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    fitted = PODLinear(tolerance=0.1).fit(solved(SCENE, 8, 0))
    path: Path = tmp_path_factory.mktemp("scene") / "artifact"
    save(fitted.operator, path, provenance=fitted.provenance)
    export(path, progress=False)
    return load(path)


def test_a_box_with_porous_walls_has_a_page_whose_grids_are_those_of_pulse_and_receivers(scene: Artifact) -> None:
    assert is_room(scene)
    client = TestClient(create_app(scene))
    told = client.get("/room/scene.json").json()
    assert told["name"] == "Room, 1.6 × 1.4 × 1.2 m"
    assert [len(axis) for axis in told["grid"]] == list(SCENE.receiver_domain.shape)
    assert [len(axis) for axis in told["sensors"]["grid"]] == list(SCENE.pulse_grid.shape)
    assert told["source_region"] == [[0.4, pytest.approx(length - 0.4)] for length in (1.6, 1.4, 1.2)]
    source = [0.7, 0.6, 0.5]
    answer = client.post("/room/solve", json={"source": source})
    pressure = np.frombuffer(answer.content, "<f4").reshape([int(n) for n in answer.headers["x-shape"].split(",")])
    expected = SCENE.solve(SCENE.pulses(torch.tensor([source], dtype=torch.float64)))[0, 0].movedim(-1, 0)
    np.testing.assert_array_equal(pressure, expected.numpy())


def test_a_furnished_room_has_none_and_the_reason_is_told(scene: Artifact) -> None:
    furnished = SoundScene(furnished_plan())
    recorded = {"name": furnished.name, "parameters": furnished.parameters()}
    other = replace(scene, manifest=replace(scene.manifest, provenance={"problem": recorded}))
    assert not is_room(other)
    with pytest.raises(ArtifactError, match="an empty box of `sound-scene`"):
        ShownRoom.of(other)
    with pytest.raises(ArtifactError, match="has no room to show"):
        ShownRoom.of(replace(scene, manifest=replace(scene.manifest, provenance={})))
