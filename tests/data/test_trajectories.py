"""Windows of trajectories: every sample is consecutive frames of one trajectory, and every place is a sample once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fredholm.data.readers.trajectories import Static, Trajectories, Window, axis_of, joined
from fredholm.errors import DataError
from fredholm.fields import Axis, Grid, Quantity

GRID = Grid(Axis("x", 0.0, 1.0, 3))
FILE = Path("counted")


def counted(count: int, frames: int, first: int = 0) -> Trajectories:
    """Two channels that say which trajectory and which frame they are."""

    def read(trajectory: int, start: int, stop: int) -> np.ndarray:
        steps = np.arange(start, stop)
        both = np.stack([np.full(len(steps), first + trajectory), steps], 1)
        return np.broadcast_to(both[:, :, None], (len(steps), 2, 3)).astype(float)

    number = Static((Quantity("number"),), values=first + np.arange(count)[:, None].astype(float))
    mirrored = Static((Quantity("mirror"),), read=lambda rows: -(first + rows)[:, None, None] * np.ones((1, 1, 3)))
    channels = (Quantity("trajectory"), Quantity("frame"))
    statics = {"number": number, "mirror": mirrored}
    return Trajectories(channels, GRID, np.arange(frames) * 0.5, count, read, "s", statics)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4), st.integers(2, 7), st.integers(1, 4), st.one_of(st.none(), st.integers(1, 4)))
def test_samples_are_consecutive_frames_and_complete(count, frames, given_frames, ahead):
    assume(given_frames + (ahead or 1) <= frames)
    data = Window(given_frames, ahead).dataset(FILE, counted(count, frames))
    every = torch.arange(len(data))
    assert data.signature.check(data.inputs(every), finite=True) == len(data)
    state = data.inputs(every)["state"].unflatten(1, (given_frames, 2))[..., 0]  # sample, frame, channel
    span = frames - given_frames if ahead is None else ahead
    output = data.outputs(every)[:, :, 0].reshape(len(data), 2, span)
    start = state[:, 0, 1]
    owner = state[:, 0, 0]
    assert torch.equal(state[..., 1], start[:, None] + torch.arange(given_frames))
    assert torch.equal(output[:, 1], start[:, None] + given_frames + torch.arange(span))
    assert bool((state[..., 0] == owner[:, None]).all())
    assert bool((output[:, 0] == owner[:, None]).all())
    assert torch.equal(data.inputs(every)["number"][:, 0], owner)
    assert torch.equal(data.inputs(every)["mirror"][:, 0, 0], -owner)
    assert torch.equal(data.labels["trajectory"].float(), owner)
    assert torch.equal(data.labels["frame"].float(), start)
    starts = 1 if ahead is None else frames - given_frames - ahead + 1
    assert len({*zip(owner.tolist(), start.tolist(), strict=True)}) == len(data) == count * starts


def test_time_is_counted_from_the_last_given_frame():
    data = Window(2, 3).dataset(FILE, counted(1, 6))
    *_, time = data.output_domain.coordinate_axes
    assert (time.lower, time.upper, time.units) == (0.5, 1.5, "s")


def test_joined_files_count_on():
    both = Window().dataset(FILE, joined([counted(2, 3), counted(3, 3, first=2)], [FILE, FILE]))
    whole = Window().dataset(FILE, counted(5, 3))
    every = torch.arange(10)
    assert torch.equal(both.outputs(every), whole.outputs(every))
    for name, values in whole.inputs(every).items():
        assert torch.equal(both.inputs(every)[name], values)
    with pytest.raises(DataError, match="another length than counted"):
        joined([counted(2, 3), counted(2, 4)], [FILE, FILE])


@pytest.mark.parametrize("points", [[0.0, 1.0, 3.0], [1.0, 0.0], [0.0], [[0.0, 1.0]]])
def test_points_that_are_no_axis_are_refused(points):
    with pytest.raises(DataError, match="'x' are not ascending and equidistant"):
        axis_of("x", np.array(points))


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3), st.integers(2, 200))
def test_an_axis_has_the_points_it_was_made_of(lower, spacing, size):
    points = lower + spacing * np.arange(size)
    np.testing.assert_allclose(axis_of("x", points).points(), points, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(axis_of("x", points, periodic=True).points(), points, rtol=1e-6, atol=1e-6)
