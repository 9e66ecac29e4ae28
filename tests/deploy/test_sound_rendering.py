"""From a dry recording to what two ears hear in a room that an operator has learned, by the library and by command."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import wavfile
from scipy.signal import convolve as scipy_convolve
from typer.testing import CliRunner

from fredholm.cli import app
from fredholm.deploy import Artifact, load, save
from fredholm.deploy.sound import Auralization, ListenerPath, PulseResponse, read_path, read_wave, render, write_wave
from fredholm.errors import ArtifactError, DataError, FredholmError, OutsideDomainError, SignatureError
from fredholm.problems import Box, Room
from fredholm.training.recipes import recipe_named
from rooms import TEST_ROOM, TRAIN_ROOM, solved

C, RATE = 343.0, 16000


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """A room of 2 m x 2 m to 250 Hz, in closed form."""
    data = solved(TRAIN_ROOM, 25, 0)
    fitted = recipe_named("pod-linear").fit(data)
    path = tmp_path_factory.mktemp("room") / "artifact"
    save(fitted.operator, path, provenance=fitted.provenance)
    return load(path)


@pytest.fixture
def dry(tmp_path: Path) -> Path:
    samples = np.zeros(RATE // 2)
    samples[100] = 1.0
    write_wave(tmp_path / "dry.wav", samples[None], RATE)
    return tmp_path / "dry.wav"


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    (tmp_path / "walk.csv").write_text("t,x,y\n0,0.5,0.6\n0.5,1.5,1.4\n")
    return tmp_path / "walk.csv"


def test_sound_arrives_after_its_way_in_a_solved_room() -> None:
    """In three dimensions, by the reference solver: the first peak of h comes within 1 ms of r / c."""
    from fredholm.problems import Recording

    lengths = (2.4, 2.4, 2.4)
    room = Room(Box(lengths), spacing=0.06, highest_frequency=500.0, recording=Recording(0.01, 0.0005))
    source, receiver = torch.tensor([[0.84, 1.2, 1.2]], dtype=torch.float64), (25, 20, 20)
    pressure = room.solve(room.pulses(source))[0, 0, *receiver].double().numpy()
    h = PulseResponse(0.0005, 500.0, dimension=3).impulse(pressure)
    early = h[:12]  # five walls answer together after 7.2 ms
    assert abs(np.argmax(early) * 0.0005 - (1.5 - 0.84) / C) < 1e-3


def test_a_listener_who_stands_hears_a_convolution(artifact: Artifact) -> None:
    heard = Auralization(artifact, np.array([0.8, 1.1]), RATE)
    place = np.array([[1.3, 0.7]])
    samples = np.random.default_rng(0).standard_normal(3000)
    path = ListenerPath(np.array([0.0]), place, np.array([90.0]))
    both = heard.along(samples, path, ears=0.2)
    for ear, x in enumerate((1.2, 1.4)):
        taps = heard.filters(np.array([[x, 0.7]] * 2))[ear]
        np.testing.assert_allclose(both[ear], scipy_convolve(samples, taps), atol=1e-9)
    assert not np.allclose(both[0], both[1])


def test_a_listener_who_walks_hears_no_clicks(artifact: Artifact) -> None:
    """A tone of 150 Hz: no step from sample to sample is larger than where one stands, but for the change itself."""
    heard = Auralization(artifact, np.array([0.8, 1.1]), RATE, tail=False)
    tone = np.sin(2 * math.pi * 150 * np.arange(RATE // 2) / RATE)
    ends = np.array([[0.5, 0.6], [1.5, 1.4]])
    walked = heard.along(tone, ListenerPath(np.array([0.0, 0.5]), ends, np.array([90.0, 90.0])), 0.18)
    standing = [
        heard.along(tone, ListenerPath(np.array([0.0]), end[None], np.array([90.0])), 0.18)
        for end in np.linspace(ends[0], ends[1], 5)
    ]
    inner = slice(heard.taps, len(tone))
    largest = max(np.abs(np.diff(one[:, inner])).max() for one in standing)
    assert np.abs(np.diff(walked[:, inner])).max() < 1.3 * largest
    assert np.abs(walked[:, inner]).max() > 0.3 * max(np.abs(one[:, inner]).max() for one in standing)


def test_what_the_operator_answers_is_what_the_filters_hold(artifact: Artifact) -> None:
    """Filters by the operator are those by the solver, to the operator's accuracy."""
    heard = Auralization(artifact, np.array([0.8, 1.1]), RATE, tail=False)
    places = np.array([[0.6, 1.4], [1.5, 0.6]])
    fields = TEST_ROOM.solve(TEST_ROOM.pulses(torch.tensor([[0.8, 1.1]], dtype=torch.float64)))[0, 0].double().numpy()
    truth = np.stack([fields[6, 14], fields[15, 6]])
    assert np.linalg.norm(heard.pressure(places) - truth) < 0.05 * np.linalg.norm(truth)


def test_a_tail_goes_on_where_the_record_ends(artifact: Artifact) -> None:
    short = Auralization(artifact, np.array([0.8, 1.1]), RATE, tail=False)
    long = Auralization(artifact, np.array([0.8, 1.1]), RATE)
    place = np.array([[1.3, 0.7]])
    assert long.taps > 2 * short.taps
    tail = long.filters(place)[0]
    assert np.abs(tail[short.taps :]).max() > 0
    spectrum = lambda h: np.abs(np.fft.rfft(h, 8192))  # noqa: E731
    frequency = np.fft.rfftfreq(8192, 1 / RATE)
    above = frequency > 2 * TRAIN_ROOM.highest_frequency
    assert spectrum(short.filters(place)[0])[above].max() < 0.02 * spectrum(tail)[above].max()


@pytest.mark.parametrize("rate", [44100, 48000])
def test_the_command_renders(artifact: Artifact, walk: Path, tmp_path: Path, rate: int) -> None:
    clicks = np.zeros((1, rate // 2))
    clicks[0, :: rate // 8] = 1.0
    write_wave(tmp_path / "dry.wav", clicks, rate)
    arguments = ["sound", "render", str(tmp_path / "dry.wav"), str(tmp_path / "wet.wav"), "--room", str(artifact.path)]
    done = CliRunner().invoke(app, [*arguments, "--source", "0.8,1.1", "--path", str(walk)])
    assert done.exit_code == 0, done.output
    found, samples = wavfile.read(tmp_path / "wet.wav")
    assert found == rate
    assert samples.dtype == np.int16
    assert samples.shape[1] == 2
    assert len(samples) > rate // 2
    assert np.abs(samples).max() == pytest.approx(0.9 * 32767, abs=2)


def test_the_command_measures(artifact: Artifact, tmp_path: Path) -> None:
    arguments = ["sound", "measure", "--room", str(artifact.path), "--source", "0.8,1.1", "--listener", "1.4,1.2"]
    done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "response.wav")])
    assert done.exit_code == 0, done.output
    assert "T30 0." in done.output
    assert wavfile.read(tmp_path / "response.wav")[0] == 48000


@pytest.mark.parametrize(
    ("source", "path", "error", "message"),
    [
        ("2.5,1", "t,x,y\n0,1,1\n", OutsideDomainError, "source at x = 2.5 m, y = 1 m is not in the room"),
        ("0.2,1", "t,x,y\n0,1,1\n", OutsideDomainError, "nearer to a wall than the 0.5 m"),
        ("1,1,1", "t,x,y\n0,1,1\n", SignatureError, "2 coordinates, got 3"),
        ("1,1", "t,x,y\n0,1,1\n0.1,2.5,1\n", OutsideDomainError, "an ear at t = "),
        ("1,1", "t,x,y,z\n0,1,1,1\n", DataError, "the room has 2 dimensions"),
        ("1,1", "t,x\n0,1\n", DataError, "expected t, x, y"),
        ("1,1", "t,x,y\n0,one,1\n", DataError, "line 2"),
        ("1,1", "t,x,y\n0,1,1\n0,1,1\n", DataError, "line 3: t does not ascend"),
        ("1,1", "", DataError, "has no places"),
    ],
)
def test_places_and_paths_that_do_not_fit_are_named(
    artifact: Artifact, dry: Path, tmp_path: Path, source: str, path: str, error: type[FredholmError], message: str
) -> None:
    (tmp_path / "path.csv").write_text(path)
    place = tuple(map(float, source.split(",")))
    with pytest.raises(error, match=message):
        render(artifact.path, place, tmp_path / "path.csv", dry, tmp_path / "wet.wav")
    assert not (tmp_path / "wet.wav").exists()


def test_sound_files_that_do_not_fit_are_named(artifact: Artifact, walk: Path, tmp_path: Path) -> None:
    wet = tmp_path / "wet.wav"
    (tmp_path / "text.wav").write_text("no sound")
    wavfile.write(tmp_path / "slow.wav", 4000, np.ones(100, np.int16))
    wavfile.write(tmp_path / "wild.wav", RATE, np.full(100, np.nan, np.float32))
    for name, message in (
        ("text.wav", "cannot be read as a WAV file"),
        ("slow.wav", "has 4000 samples a second: expected"),
        ("wild.wav", "not finite"),
        ("nowhere.wav", "cannot be read"),
    ):
        with pytest.raises(DataError, match=message):
            render(artifact.path, (1.0, 1.0), walk, tmp_path / name, wet)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.float32])
def test_samples_of_all_kinds_are_the_same_sound(tmp_path: Path, kind: type) -> None:
    wave = 0.5 * np.sin(np.arange(1000) / 20)
    scale = {np.uint8: 127, np.int16: 32767, np.int32: 2**31 - 1, np.float32: 1}[kind]
    stored = (wave * scale + (128 if kind is np.uint8 else 0)).astype(kind)
    wavfile.write(tmp_path / "sound.wav", 8000, np.stack([stored, stored], 1))
    samples, rate = read_wave(tmp_path / "sound.wav")
    assert rate == 8000
    np.testing.assert_allclose(samples, wave, atol=0.02 if kind is np.uint8 else 1e-3)


def test_only_rooms_are_heard(tmp_path: Path) -> None:
    from fredholm.problems import Antiderivative

    problem = Antiderivative()
    inputs = problem.sample(8, 0)
    from fredholm.data.dataset import Dataset, Description
    from fredholm.data.source import ArraySource

    about = Description(
        problem.signature, problem.output_domain, problem.input_domains, {"name": problem.name, "parameters": {}}
    )
    fitted = recipe_named("pod-linear").fit(Dataset(about, ArraySource(inputs, problem.solve(inputs), None, {})))
    save(fitted.operator, tmp_path / "artifact", provenance=fitted.provenance)
    with pytest.raises(ArtifactError, match="is no operator of a room"):
        Auralization(load(tmp_path / "artifact"), np.array([1.0, 1.0]), RATE)


def test_ears_are_left_and_right_of_where_one_looks(tmp_path: Path) -> None:
    (tmp_path / "path.csv").write_text("t,x,y,heading\n0,1,1,0\n1,1,1,90\n")
    path = read_path(tmp_path / "path.csv", 2)
    np.testing.assert_allclose(path.ears(0.0, 0.2), [[1.0, 1.1], [1.0, 0.9]], atol=1e-12)
    np.testing.assert_allclose(path.ears(5.0, 0.2), [[0.9, 1.0], [1.1, 1.0]], atol=1e-12)
