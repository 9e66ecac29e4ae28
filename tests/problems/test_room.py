"""The problem `room`: linearity, symmetry, reproducible samples, and refusals that name what is wrong."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import DataError, OutsideDomainError, SignatureError, UnknownNameError
from fredholm.problems import Box, LShape, RandomSources, Recording, Room, SourceLattice, problem_named

SMALL = Room(shape=Box((2.0, 2.0)), spacing=0.1, highest_frequency=250.0, margin=0.5)
L_ROOM = Room(shape=LShape((3.0, 3.0)), spacing=0.1, highest_frequency=250.0, margin=0.4)


def at(*position: float) -> torch.Tensor:
    return torch.tensor([position], dtype=torch.float64)


def test_solution_starts_with_the_pulse_and_has_the_signature_s_shape() -> None:
    inputs = SMALL.sample(3, seed=0)
    pressure = SMALL.solve(inputs)
    assert pressure.shape == (3, 1, *SMALL.output_domain.shape)
    torch.testing.assert_close(pressure[..., 0], inputs["initial_pressure"])


def test_the_operator_is_linear_in_the_initial_pressure() -> None:
    first = SMALL.pulses(at(0.7, 0.9))["initial_pressure"]
    second = SMALL.pulses(at(1.3, 1.1))["initial_pressure"]
    together = SMALL.solve({"initial_pressure": 2 * first - 3 * second})
    apart = 2 * SMALL.solve({"initial_pressure": first}) - 3 * SMALL.solve({"initial_pressure": second})
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=0)


def test_a_mirrored_source_gives_the_mirrored_field() -> None:
    left, right = SMALL.solve(SMALL.pulses(at(0.6, 0.8))), SMALL.solve(SMALL.pulses(at(1.4, 0.8)))
    torch.testing.assert_close(left.flip(2), right, atol=1e-5, rtol=0)


def test_sound_needs_distance_over_speed_to_arrive() -> None:
    room = Room(shape=Box((4.0, 4.0)), highest_frequency=500.0, recording=Recording(0.006, 0.0005), spacing=0.04)
    pressure = room.solve(room.pulses(at(1.0, 1.0)))[0, 0]
    far = pressure[75, 75]  # at (3, 3): 2.83 m away, 8.2 ms
    reach = math.dist((1, 1), (3, 3)) - 3 * room.pulse_width
    before = room.output_domain.second.axes[0].points() < reach / room.sound_speed  # type: ignore[attr-defined]
    assert far[before].abs().max() < 2e-4 < pressure.abs().max()


def test_an_l_shaped_room_is_silent_outside() -> None:
    pressure = L_ROOM.solve(L_ROOM.sample(2, seed=1))
    outside = ~L_ROOM.grid.mask
    assert outside.any()
    assert not pressure[:, 0][:, outside].any()
    assert pressure[:, 0][:, ~outside].abs().max() > 0.1


def test_three_dimensional_room() -> None:
    room = Room(shape=Box((1.0, 1.0, 1.0)), spacing=0.1, highest_frequency=300.0, margin=0.4)
    assert room.solve(room.sample(1, seed=0)).shape == (1, 1, 11, 11, 11, room.recording.count)


@given(first=st.integers(0, 40), n=st.integers(1, 5), seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_sample_i_depends_on_seed_and_i_alone(first: int, n: int, seed: int) -> None:
    for room in (SMALL, L_ROOM):
        alone = room.sample(1, seed, first + n - 1)["initial_pressure"][0]
        together = room.sample(n, seed, first)["initial_pressure"][-1]
        assert torch.equal(alone, together)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_random_sources_keep_their_margin(seed: int) -> None:
    positions = RandomSources().positions(L_ROOM.shape, margin=0.4, n=4, seed=seed, first=0)
    corner = (positions - 1.5).clamp_max(0).norm(dim=1)  # distance to the missing quarter
    assert bool((positions >= 0.4).all())
    assert bool((positions <= 2.6).all())
    assert bool((corner >= 0.4 - 1e-9).all())


def test_lattice_of_sources() -> None:
    lattice = SourceLattice(9).points(Box((2.0, 2.0)), margin=0.44)
    assert len(lattice) == 81
    assert lattice.min().item() == pytest.approx(0.44)
    with pytest.raises(DataError, match="has 81 positions"):
        SourceLattice(9).positions(Box((2.0, 2.0)), 0.44, n=82, seed=0, first=0)


@pytest.mark.parametrize("room", [SMALL, L_ROOM, Room(sources=SourceLattice(5), recording=Recording(0.01, 0.001))])
def test_parameters_rebuild_the_problem(room: Room) -> None:
    assert problem_named("room", json.loads(json.dumps(room.parameters()))) == room


def test_coarsened_room_is_the_same_room() -> None:
    coarse = Room().coarsened(2.0)
    assert coarse.spacing == pytest.approx(0.08)
    assert coarse.shape == Room().shape
    with pytest.raises(ValueError, match="points per wavelength"):
        Room().coarsened(10.0)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"initial_pressure": torch.zeros(1, 2, 21, 21)}, "expected .batch, 1, 21, 21."),
        ({"initial_pressure": torch.full((1, 1, 21, 21), math.nan)}, "NaN or infinite"),
        ({"pressure": torch.zeros(1, 1, 21, 21)}, "'initial_pressure' is missing"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs: dict[str, torch.Tensor], message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        SMALL.solve(inputs)


def test_a_source_outside_the_room_is_named() -> None:
    with pytest.raises(OutsideDomainError, match=r"source 1 at \(2.5, 1\) m is outside the room"):
        SMALL.pulses(torch.tensor([[1.0, 1.0], [2.5, 1.0]]))


def test_parameters_that_make_no_room_are_named() -> None:
    with pytest.raises(DataError, match="does not divide"):
        problem_named("room", {"spacing": 0.037})
    with pytest.raises(DataError, match="highest_frequenzy"):
        problem_named("room", {"highest_frequenzy": 100.0})
    with pytest.raises(UnknownNameError, match="did you mean 'room'"):
        problem_named("rom")
