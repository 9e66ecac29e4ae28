"""Graphs answer what the artifact answers, in every way to ask, whether or not the basis is already there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from small_operators import PLANE, SIGNATURE, OnItsGrid, deeponet, inputs, points

from fredholm.deploy import Artifact, Predictor, export, load, save
from fredholm.errors import ArtifactError, SignatureError
from rooms import TEST_ROOM

WAYS = {"own domain": None, "shared points": points(13), "own points": points(3, 13), "one point": points(1)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["small", "undivided"])
def test_graphs_answer_as_the_artifact_does(kind: str, way: str, request: pytest.FixtureRequest) -> None:
    artifact: Artifact = request.getfixturevalue(kind)
    predictor = Predictor(artifact, threads=1)
    expected = artifact.predict(inputs(3), WAYS[way])
    for seed in (0, 1):  # the second time, the basis is kept
        expected = artifact.predict(inputs(3, seed), WAYS[way])
        torch.testing.assert_close(predictor.predict(inputs(3, seed), WAYS[way]), expected, atol=1e-5, rtol=1e-5)


def test_a_room_at_all_its_points(room: Artifact) -> None:
    pulse = TEST_ROOM.pulses(torch.tensor([[0.8, 1.1], [1.3, 0.6]], dtype=torch.float64))
    answer = Predictor(room, threads=1).predict(pulse)
    expected = room.predict(pulse)
    assert answer.shape == (2, 1, *TEST_ROOM.output_domain.shape)
    assert (answer - expected).abs().max() < 1e-5 * expected.abs().max()


def test_more_points_than_are_evaluated_at_once(small: Artifact) -> None:
    answer = Predictor(small, threads=1).predict(inputs(1), points(40_000))
    torch.testing.assert_close(answer, small.predict(inputs(1), points(40_000)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cache_bytes", [0, 5_000, 10**9])
def test_what_is_kept_changes_no_answer(small: Artifact, cache_bytes: int) -> None:
    predictor = Predictor(small, threads=1, cache_bytes=cache_bytes)
    queries = [points(30, seed=seed) for seed in range(4)]
    first = [predictor.predict(inputs(2), query) for query in queries]
    again = [predictor.predict(inputs(2), query) for query in queries]
    for one, other, query in zip(first, again, queries, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, small.predict(inputs(2), query), atol=1e-5, rtol=1e-5)


def test_several_threads_may_ask_at_once(small: Artifact) -> None:
    predictor = Predictor(small, threads=1, cache_bytes=5_000)
    alone = [predictor.predict(inputs(2, seed), points(30, seed=seed)) for seed in range(8)]
    seeds = list(range(8)) * 20
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(lambda seed: predictor.predict(inputs(2, seed), points(30, seed=seed)), seeds)
        assert all(torch.equal(values, alone[seed]) for values, seed in zip(together, seeds, strict=True))


def test_an_operator_on_its_own_grid(tmp_path: Path) -> None:
    save(OnItsGrid(SIGNATURE, PLANE), tmp_path / "grid")
    export(tmp_path / "grid", progress=False)
    artifact = load(tmp_path / "grid")
    torch.testing.assert_close(Predictor(artifact).predict(inputs(2)), artifact.predict(inputs(2)))
    with pytest.raises(SignatureError, match="cannot answer at points"):
        Predictor(artifact).predict(inputs(2), points(3))


def test_what_does_not_fit_is_refused(small: Artifact, tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="input 'damping' is missing"):
        Predictor(small).predict({"load": inputs(1)["load"]}, points(2))
    with pytest.raises(SignatureError, match="query has 1 values that are NaN"):
        Predictor(small).predict(inputs(1), np.array([[np.nan, 0.5]]))
    with pytest.raises(ArtifactError, match="has no graphs: run `fredholm export"):
        Predictor(save(deeponet(), tmp_path / "bare"))
