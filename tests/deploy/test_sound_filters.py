"""Impulse responses, convolution, reverberation and room acoustics, each against what is known exactly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import convolve as scipy_convolve

from fredholm.deploy.sound import (
    Diffuse,
    ImageSources,
    PartitionedConvolver,
    PulseResponse,
    completed,
    convolve,
    filtered_along,
    resampled,
    reverberation_time,
)
from fredholm.errors import DataError, SignatureError
from fredholm.evaluation.room_acoustics import RoomAcoustics, onset

C = 343.0


def spherical(r: float, width: float, times: np.ndarray) -> np.ndarray:
    """Pressure in free space of a Gaussian pulse."""
    out, back = r - C * times, r + C * times
    return (out * np.exp(-((out / width) ** 2)) + back * np.exp(-((back / width) ** 2))) / (2 * r)


@pytest.mark.parametrize(("epsilon", "accuracy"), [(1e-5, 1e-3), (0.005, 0.03)])
def test_the_pulse_is_undone_to_a_band_limited_impulse(epsilon: float, accuracy: float) -> None:
    """In free space h is δ(t - r/c) / 4πr, seen through the band's window and the low cut alone."""
    pulse = PulseResponse(2.5e-4, 1000.0, dimension=3, regularisation=epsilon)
    times, r = pulse.interval * np.arange(200), 4.0
    found = pulse.impulse(spherical(r, pulse.width, times)[None])[0]
    frequency = np.fft.rfftfreq(4096, pulse.interval)
    omega = 2j * math.pi * frequency
    seen = (omega / (omega + 2 * math.pi * pulse.lowest_frequency)) ** 2 * pulse.window(frequency)
    expected = np.fft.irfft(seen * np.exp(-omega * r / C) / (4 * math.pi * r), 4096)[:200] / pulse.interval
    assert np.abs(found - expected).max() < accuracy * np.abs(expected).max()


def test_the_first_arrival_is_distance_over_speed() -> None:
    pulse = PulseResponse(2.5e-4, 1000.0, dimension=3)
    for r in (1.5, 3.0, 5.0):
        times = pulse.interval * np.arange(160)
        taps = resampled(pulse.impulse(spherical(r, pulse.width, times)), pulse.interval, 48000.0)
        assert abs(np.abs(taps).argmax() / 48000 - r / C) < 1e-4


@pytest.mark.parametrize("rate", [16000.0, 44100.0, 48000.0])
def test_resampling_keeps_function_and_area(rate: float) -> None:
    times = 5e-4 * np.arange(200)
    bump = lambda t: np.exp(-(((t - 0.05) / 2e-3) ** 2)) * np.cos(2 * math.pi * 200 * t)  # noqa: E731
    taps = resampled(bump(times), 5e-4, rate)
    assert len(taps) == math.ceil(200 * 5e-4 * rate)
    np.testing.assert_allclose(taps * rate, bump(np.arange(len(taps)) / rate), atol=3e-3)


def test_rates_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SignatureError, match="cannot be brought to 1000 Hz"):
        resampled(np.ones(10), 5e-4, 1000.0)
    with pytest.raises(SignatureError, match="cannot hold 1000 Hz"):
        PulseResponse(1e-3, 1000.0, 2)


@given(st.integers(1, 70), st.integers(1, 90), st.integers(1, 33), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_partitioned_convolution_is_convolution(samples: int, taps: int, block: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    x, h = random.standard_normal(samples), random.standard_normal((2, taps))
    direct = np.stack([scipy_convolve(x, row, method="direct") for row in h])
    np.testing.assert_allclose(convolve(x, h, block), direct, atol=1e-12 * max(samples, taps))


def test_a_filter_that_is_too_long_is_refused() -> None:
    with pytest.raises(SignatureError, match="longer than the 12"):
        PartitionedConvolver(4, 10).spectra(np.ones(13))


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 16), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_a_moving_filter_is_the_exact_time_varying_convolution(samples: int, taps: int, hop: int, seed: int) -> None:
    """Against the sum itself, with filters linear in time between those given."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(samples)
    count = samples + taps - 1
    given_filters = random.standard_normal((count // hop + 3, 1, taps))
    found = filtered_along(x, lambda k: given_filters[k], taps, hop)[0]
    for n in range(count):
        k, w = n // hop, (n % hop) / hop
        h = (1 - w) * given_filters[k, 0] + w * given_filters[k + 1, 0]
        known = [h[m] * x[n - m] for m in range(taps) if 0 <= n - m < samples]
        assert found[n] == pytest.approx(sum(known), abs=1e-10)


def test_a_moving_filter_makes_no_clicks() -> None:
    """A tone through a delay that grows: steps are no larger than those of the tone itself, everywhere."""
    rate, hop = 48000, 800
    tone = np.sin(2 * math.pi * 300 * np.arange(rate // 2) / rate)

    def delay(k: int) -> np.ndarray:
        taps = np.zeros((1, 256))
        taps[0, 40 + k] = 1.0
        return taps

    moved = filtered_along(tone, delay, 256, hop)[0, 300 : rate // 2]
    steepest = 2 * math.pi * 300 / rate
    assert np.abs(np.diff(moved)).max() < 1.2 * steepest
    # switched without a fade, the same filters click
    blocks = [np.convolve(tone, delay(k)[0])[k * hop : (k + 1) * hop] for k in range(30)]
    assert np.abs(np.diff(np.concatenate(blocks)[300:])).max() < 40 * steepest
    rough = [np.convolve(tone, delay(4 * k)[0])[k * hop : (k + 1) * hop] for k in range(30)]
    assert np.abs(np.diff(np.concatenate(rough)[300:])).max() > 1.5 * steepest


@pytest.mark.parametrize("t60", [0.4, 1.2])
def test_room_acoustics_of_an_exponential_decay(t60: float) -> None:
    """E(t) = exp(-kt), k = 13.8 / T60: T30 = EDT = T60, C50 = 10 log₁₀(exp(0.05 k) - 1), D50 = 1 - exp(-0.05 k)."""
    rate, k = 16000, 6 * math.log(10) / t60
    found = RoomAcoustics.of(np.exp(-k / 2 * np.arange(int(4 * t60 * rate)) / rate), rate)
    assert found.t30 == pytest.approx(t60, rel=1e-3)
    assert found.edt == pytest.approx(t60, rel=1e-3)
    assert found.c50 == pytest.approx(10 * math.log10(math.exp(0.05 * k) - 1), abs=1e-2)
    assert found.d50 == pytest.approx(1 - math.exp(-0.05 * k), abs=1e-3)


def test_room_acoustics_count_from_the_direct_sound() -> None:
    rate = 8000
    decay = np.exp(-5 * np.arange(2 * rate) / rate)
    late = np.concatenate([np.zeros(700), decay])
    assert RoomAcoustics.of(late, rate) == RoomAcoustics.of(decay, rate)
    assert math.isnan(RoomAcoustics.of(np.array([1.0, 0.9, 0.8]), rate).t30)
    with pytest.raises(DataError, match="silent"):
        RoomAcoustics.of(np.zeros(10), rate)


def test_image_sources_are_the_modes_of_a_rigid_box() -> None:
    """Two exact series of one response: images, and cosine modes, both seen through a pulse's band."""
    rate, taps, band = 8000, 400, PulseResponse(1 / 8000, 250.0, dimension=3)
    lengths, a, b = (2.0, 1.5, 1.8), np.array([0.5, 0.4, 0.7]), np.array([1.4, 1.1, 0.9])
    images = ImageSources((0.0, 0.0, 0.0), lengths, 1.0, C).response(a, b, rate, taps)
    times, modes = np.arange(taps) / rate, np.zeros(taps)
    for n in np.ndindex(9, 7, 8):
        wave = math.pi * np.array(n) / lengths
        shape = np.prod(np.cos(wave * a) * np.cos(wave * b) * np.where(np.array(n) > 0, 2.0, 1.0))
        omega = C * np.linalg.norm(wave)
        modes += shape / np.prod(lengths) * C**2 * (np.sin(omega * times) / omega if omega else times)
    low = lambda h: np.fft.irfft(np.fft.rfft(h * np.hanning(2 * taps)[taps:], 2048) * gauss, 2048)[20 : taps // 2]  # noqa: E731
    frequency = np.fft.rfftfreq(2048, 1 / rate)
    gauss = np.exp(-((frequency / 120) ** 2)) * (1 - np.exp(-((frequency / 40) ** 2)))
    first, second = low(images), low(modes / rate)
    assert np.linalg.norm(first - second) < 0.05 * np.linalg.norm(second)
    assert band.width > 0


def test_the_diffuse_tail_dies_as_it_should() -> None:
    tail = Diffuse(0.5, volume=60.0, seed=3).response(np.zeros(3), np.array([2.0, 0.0, 0.0]), 16000, 12000)
    assert RoomAcoustics.of(tail[200:], 16000).t30 == pytest.approx(0.5, rel=0.1)
    assert abs(onset(tail) / 16000 - 2 / C) < 1e-3
    assert reverberation_time(100.0, 140.0, 0.01, 3, C) == pytest.approx(0.161 * 100 / 1.4, rel=0.02)  # Sabine's


def test_completing_leaves_the_trained_band_alone_and_joins_levels() -> None:
    rate, band = 48000, PulseResponse(2.5e-4, 1000.0, dimension=3)
    wide = Diffuse(0.4, volume=30.0, seed=1).response(np.zeros(3), np.array([3.0, 0.0, 0.0]), rate, 12000)
    spectrum = np.fft.rfft(wide[:2400], 32768)
    frequency = np.fft.rfftfreq(32768, 1 / rate)
    low = 0.01 * np.fft.irfft(spectrum * band.window(frequency), 32768)[:2400]
    whole = completed(low, wide, rate, band, recorded=0.05)
    before, after = (np.abs(np.fft.rfft(h[:2000], 32768)) for h in (low, whole))
    deep, high = (frequency > 100) & (frequency < 600), (frequency > 1100) & (frequency < 2000)
    assert np.linalg.norm(after[deep] - before[deep]) < 0.1 * np.linalg.norm(before[deep])
    # the noise is white: equal power to both sides of the crossover
    assert (after[high] ** 2).mean() == pytest.approx((after[deep] ** 2).mean(), rel=0.4)
    assert np.abs(whole[3000:]).max() > 0
