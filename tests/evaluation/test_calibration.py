"""Bands hold as often as they say, for any spread; limits are passed as seldom as they say."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from fredholm.data import Dataset
from fredholm.errors import DataError, SignatureError
from fredholm.evaluation.calibration import Calibration, fit_calibration
from fredholm.evaluation.conformal import conformal_rank
from fredholm.evaluation.input_distance import InputDistance
from fredholm.evaluation.physics import physics_scores
from fredholm.evaluation.spread import ConstantProfile, EnsembleSpread, LearnedSpread, Spread, absolute_errors
from fredholm.fields import Axis, DomainType, Function, Grid, Parameter, Quantity, Signature
from fredholm.operators.operator import Operator, Query
from fredholm.problems import Burgers, Darcy, KuramotoSivashinsky, TracerTransport

LINE = Grid(Axis("x", 0.0, 1.0, 9))
PAIR = Function((Quantity("a", "m"), Quantity("b", "s")), DomainType.of(LINE))
SIGNATURE = Signature({"u": Function((Quantity("u"),), DomainType.of(LINE)), "k": Parameter((Quantity("k"),))}, PAIR)


class OffBy(Operator):
    """(u, k) ↦ (u, k u) + shift."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self, shift: float = 0.0) -> None:
        super().__init__(SIGNATURE, LINE)
        self.shift = shift

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        u = inputs["u"]
        return torch.cat([u, inputs["k"][:, :, None] * u], 1) + self.shift


class SizeOfErrors(Operator):
    """What makes the noise of `data_of`, but for a factor."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN})

    def __init__(self) -> None:
        super().__init__(SIGNATURE, LINE)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        return -7 * inputs["k"].abs()[:, :, None] * torch.ones(1, 2, 9)


def data_of(count: int, seed: int, uneven: bool = True) -> Dataset:
    """What `OffBy` answers, plus noise as large as k, and larger to the right."""
    generator = torch.Generator().manual_seed(seed)
    inputs = {"u": torch.randn(count, 1, 9, generator=generator), "k": torch.randn(count, 1, generator=generator)}
    noise = torch.randn(count, 2, 9, generator=generator) * torch.linspace(0.1, 1, 9)
    if uneven:
        noise = noise * inputs["k"].abs()[:, :, None]
    return Dataset.from_arrays(SIGNATURE, LINE, inputs, OffBy()(inputs) + noise)


def everything(data: Dataset) -> tuple[dict[str, Tensor], Tensor]:
    samples = torch.arange(len(data))
    return data.inputs(samples), data.outputs(samples)


def coverage(calibration: Calibration, data: Dataset, level: float, simultaneous: bool) -> Tensor:
    """Covered or not, (n, channels, points)."""
    inputs, truth = everything(data)
    half = calibration.half_width(inputs, level=level, simultaneous=simultaneous)
    return (OffBy()(inputs) - truth).abs() <= half


SPREADS = {
    "profile": None,
    "ensemble": EnsembleSpread([OffBy(), OffBy(0.1)]),
    "learned": LearnedSpread(SizeOfErrors()),
}


@pytest.mark.parametrize("spread", SPREADS.values(), ids=SPREADS)
def test_coverage_of_one_calibration_is_within_its_distribution(spread: Spread | None) -> None:
    from scipy.stats import betabinom

    calibration = fit_calibration(OffBy(), data_of(1000, 0), spread=spread, levels=(0.5, 0.9))
    fresh = data_of(2000, 1)
    for level in (0.5, 0.9):
        rank = conformal_rank(750, level)
        distribution = betabinom(2000, rank, 751 - rank)
        whole = int(coverage(calibration, fresh, level, simultaneous=True).flatten(1).all(1).sum())
        assert 1e-4 < distribution.cdf(whole) < 1 - 1e-4
        for count in coverage(calibration, fresh, level, simultaneous=False).sum(0).flatten().tolist():
            assert 1e-5 < distribution.cdf(count) < 1 - 1e-5  # at each of the points


def test_on_average_over_calibrations_a_new_field_is_inside_as_often_as_promised() -> None:
    trials, samples, level = 300, 26, 0.9  # 6 show the spread, 20 calibrate: 19 / 21 of new fields are inside
    inside = 0
    for trial in range(trials):
        calibration = fit_calibration(OffBy(), data_of(samples, 100 + trial), levels=(level,))
        inside += int(
            coverage(calibration, data_of(10, 9000 + trial), level, simultaneous=True).flatten(1).all(1).sum()
        )
    exact = 19 / 21
    # within a trial the ten fields share a calibration, whose coverage has the variance of Beta(19, 2)
    variance = exact * (1 - exact) * (1 / 10 + 1 / 22)
    assert abs(inside / (10 * trials) - exact) <= 4 * math.sqrt(variance / trials)


def test_a_higher_level_is_a_wider_band_and_the_whole_field_wider_than_its_points() -> None:
    calibration = fit_calibration(OffBy(), data_of(400, 0))
    assert calibration.levels == (0.5, 0.8, 0.9, 0.95, 0.99)
    inputs, _ = everything(data_of(3, 1))
    for simultaneous in (False, True):
        bands = [calibration.half_width(inputs, level=level, simultaneous=simultaneous) for level in calibration.levels]
        assert all(bool((low < high).all()) for low, high in pairwise(bands))
    narrow, wide = (calibration.half_width(inputs, level=0.9, simultaneous=s) for s in (False, True))
    assert bool((narrow < wide).all())


def test_a_spread_that_knows_the_errors_makes_narrower_bands() -> None:
    inputs, _ = everything(data_of(500, 1))
    widths = [
        float(fit_calibration(OffBy(), data_of(800, 0), spread=spread).half_width(inputs, level=0.9).mean())
        for spread in (None, LearnedSpread(SizeOfErrors()))
    ]
    assert widths[1] < 0.9 * widths[0]


def test_the_unit_of_a_spread_does_not_matter() -> None:
    inputs, _ = everything(data_of(5, 1))
    profile = ConstantProfile(LINE, 2)
    halves = []
    for size in (1e-3, 1e3):
        profile.profile.fill_(size)
        calibration = fit_calibration(OffBy(), data_of(100, 0), spread=profile)
        halves.append(calibration.half_width(inputs, level=0.9))
    torch.testing.assert_close(halves[0], halves[1], rtol=1e-4, atol=0)


def test_between_points_bands_are_interpolated() -> None:
    calibration = fit_calibration(OffBy(), data_of(200, 0))
    inputs, _ = everything(data_of(2, 1))
    for simultaneous in (False, True):
        whole = calibration.half_width(inputs, level=0.9, simultaneous=simultaneous)
        at = LINE.coordinates().float()
        there = calibration.half_width(inputs, at, level=0.9, simultaneous=simultaneous)
        torch.testing.assert_close(there, whole)
        own = calibration.half_width(inputs, at.expand(2, -1, -1), level=0.9, simultaneous=simultaneous)
        torch.testing.assert_close(own, whole.expand_as(own))


def test_what_trains_a_learned_spread_is_the_size_of_the_errors() -> None:
    data = data_of(70, 0)
    inputs, truth = everything(data)
    sizes = absolute_errors(OffBy(), data)
    torch.testing.assert_close(sizes.outputs(torch.arange(70)), (OffBy()(inputs) - truth).abs())
    assert torch.equal(sizes.inputs(torch.arange(70))["k"], inputs["k"])


def test_what_cannot_be_promised_is_refused() -> None:
    with pytest.raises(DataError, match=r"level 0\.99 needs at least 99 calibration samples, there are 75"):
        fit_calibration(OffBy(), data_of(100, 0), levels=(0.5, 0.99))
    with pytest.raises(DataError, match="at least 4 samples, there are 3"):
        fit_calibration(OffBy(), data_of(3, 0))
    calibration = fit_calibration(OffBy(), data_of(100, 0))
    with pytest.raises(SignatureError, match=r"no band of level 0\.7; calibrated are \[0\.5, 0\.8, 0\.9, 0\.95\]"):
        calibration.half_width(everything(data_of(1, 0))[0], level=0.7)


def test_new_inputs_are_rarely_far_and_foreign_ones_are() -> None:
    train, calibrating = data_of(300, 2), data_of(800, 0)
    calibration = fit_calibration(OffBy(), calibrating, training=train, levels=(0.95,))
    inputs, _ = everything(data_of(2000, 1))
    examination = calibration.examine(inputs, OffBy()(inputs), None)
    share = float((~examination.passed).float().mean())
    assert 0.02 < share < 0.09  # promised 0.05, of one calibration with 600 samples
    for foreign in ({**inputs, "u": inputs["u"] + 8}, {**inputs, "k": 30 * inputs["k"].sign()}):
        assert float((~calibration.examine(foreign, OffBy()(foreign), None).passed).float().mean()) > 0.99


def test_a_feature_that_no_training_input_has_is_far() -> None:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.randn(200, 3, generator=generator) @ torch.stack([torch.linspace(0, 1, 9) ** k for k in range(3)])
    distance = InputDistance.of(SIGNATURE, {"u": smooth[:, None], "k": torch.randn(200, 1, generator=generator)})
    known = {"u": smooth[:20, None], "k": torch.zeros(20, 1)}
    rough = {"u": known["u"] + 0.05 * (-1.0) ** torch.arange(9), "k": known["k"]}
    assert float(distance(rough).min()) > 10 * float(distance(known).max())


def test_a_training_input_has_no_distance_and_units_do_not_matter() -> None:
    inputs, _ = everything(data_of(50, 0))
    new, _ = everything(data_of(20, 1))
    distance = InputDistance.of(SIGNATURE, inputs)
    torch.testing.assert_close(distance(inputs), torch.zeros(50), atol=5e-3, rtol=0)
    scaled = InputDistance.of(SIGNATURE, {"u": 1000 * inputs["u"], "k": inputs["k"] / 100})
    torch.testing.assert_close(scaled({"u": 1000 * new["u"], "k": new["k"] / 100}), distance(new), rtol=1e-2, atol=1e-3)


def test_equations_tell_good_fields_from_bad() -> None:
    darcy = Darcy(points=16)
    inputs = darcy.sample(3, seed=0)
    pressure = darcy.solve(inputs)
    exact = physics_scores(darcy, inputs, pressure)
    wrong = physics_scores(darcy, inputs, 1.05 * pressure)
    assert set(exact) == {"residual"}
    torch.testing.assert_close(wrong["residual"], torch.full((3,), 0.05), rtol=0.05, atol=0)  # 5 % of the source
    assert bool((exact["residual"] < 0.01 * wrong["residual"]).all())


@pytest.mark.parametrize(
    "problem",
    [Burgers(points=64), KuramotoSivashinsky(points=64, extent=22.0, duration=1.0, times=4, spin_up=5.0)],
    ids=lambda problem: problem.name,
)
def test_the_mean_is_kept_on_a_ring_and_what_is_added_shows(problem: Burgers | KuramotoSivashinsky) -> None:
    inputs = problem.sample(3, seed=0)
    end = problem.solve(inputs)
    assert float(physics_scores(problem, inputs, end)["imbalance"].max()) < 1e-5
    shifted = physics_scores(problem, inputs, end + 0.1)["imbalance"]
    torch.testing.assert_close(shifted, torch.full((3,), 0.1), atol=1e-5, rtol=0)


def test_carbon_is_kept_but_for_the_surface_flux() -> None:
    transport = TracerTransport(latitudes=16, longitudes=32, spin_up_days=1.0)
    inputs = transport.sample(2, seed=0)
    after = transport.solve(inputs)
    brought = float((after - inputs["co2"]).abs().max())
    assert float(physics_scores(transport, inputs, after)["imbalance"].max()) < 1e-4 * max(brought, 1.0)
    torch.testing.assert_close(
        physics_scores(transport, inputs, after + 1.0)["imbalance"], torch.ones(2), rtol=1e-3, atol=0
    )
