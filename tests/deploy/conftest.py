"""Artifacts that several tests share: exporting takes a while."""

from pathlib import Path

import pytest
from small_operators import deeponet, feed_forward

from fredholm.deploy import Artifact, export, load, save
from fredholm.training.recipes import PODLinear
from rooms import TRAIN_ROOM, solved


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A room fitted in closed form, exported."""
    path = tmp_path_factory.mktemp("artifacts") / "room"
    fitted = PODLinear().fit(solved(TRAIN_ROOM, 25, 0))
    save(fitted.operator, path, provenance=fitted.provenance, accuracy={"relative_l2": 0.01, "rmse": 0.001})
    return _exported(path)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A DeepONet with two inputs and two channels, exported."""
    path = tmp_path_factory.mktemp("artifacts") / "small"
    save(deeponet(), path)
    return _exported(path)


@pytest.fixture(scope="session")
def undivided(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """An operator that is no product of branch and trunk, exported."""
    path = tmp_path_factory.mktemp("artifacts") / "undivided"
    save(feed_forward(), path)
    return _exported(path)


def _exported(path: Path) -> Artifact:
    export(path, progress=False)
    return load(path)
