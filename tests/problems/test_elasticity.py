"""The plate with a void: geometry, symmetry, resolution, and data whose points are each sample's own."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fredholm.data import Dataset, WholeFields, generate, open_dataset
from fredholm.errors import SignatureError
from fredholm.problems import Elasticity, problem_named
from fredholm.problems.problem import generator_of
from fredholm.problems.voids import ring_points, vertex_weights

PLATE = Elasticity()


def test_the_cloud_fills_the_plate_and_not_the_void() -> None:
    """Its quadrature integrates constants exactly over a square less a polygon, and is symmetric."""
    weights, points = (vertex_weights(p := ring_points(np.full((1, 6), 0.3), 108, 8))[0], p[0])
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1 - 54 * 0.09 * math.sin(2 * math.pi / 108), rel=1e-12)
    assert (weights * points[0]).sum() == pytest.approx(0.5 * weights.sum())
    corners = {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert corners <= {tuple(np.round(p, 12)) for p in points.reshape(2, -1).T}


def test_the_void_passes_through_the_radii_it_is_told_by() -> None:
    radii = PLATE.sample(1, seed=0)["radii"].double().numpy()
    inner = ring_points(radii, 8 * 42, 1)[0, :, :, 0] - 0.5
    angle = np.arctan2(inner[1], inner[0]) % (2 * math.pi)
    for k in range(42):
        nearest = np.abs((angle - 2 * math.pi * k / 42 + math.pi) % (2 * math.pi) - math.pi).argmin()
        assert math.hypot(*inner[:, nearest]) == pytest.approx(radii[0, k], abs=1e-9)


def test_finer_grids_keep_the_points() -> None:
    radii = PLATE.sample(2, seed=0)["radii"].double().numpy()
    np.testing.assert_allclose(ring_points(radii, 48, 6)[:, :, ::2, ::2], ring_points(radii, 24, 3), atol=1e-14)


def test_radii_have_the_stated_distribution() -> None:
    """g = ln(0.2 / (r - 0.2) - 1) is Gaussian with variance 8 / 3, whatever its smoothness."""
    for exponent in (1.0, 3.0):
        radii = replace(PLATE, exponent=exponent).sample(400, seed=0)["radii"].double()
        g = torch.log(0.2 / (radii - 0.2) - 1)
        assert g.square().mean().item() == pytest.approx(8 / 3, rel=0.15)
        assert radii.min() > 0.2
        assert radii.max() < 0.4


def test_a_mirrored_void_has_the_mirrored_stress() -> None:
    radii = PLATE.sample(1, seed=1)["radii"]
    mirrored = PLATE.plate(radii[:, (21 - torch.arange(42)) % 42])
    stress = PLATE.solve(PLATE.plate(radii)).reshape(108, 9)
    reflected = PLATE.solve(mirrored).reshape(108, 9)[(81 - torch.arange(108)) % 108]
    torch.testing.assert_close(reflected, stress, atol=1e-4, rtol=1e-4)


def test_stress_is_positive_largest_at_the_void_and_resolved() -> None:
    inputs = PLATE.sample(1, seed=0)
    coarse, fine = (replace(PLATE, refinement=n).solve(inputs)[0, 0] for n in (1, 3))
    assert coarse.min() > 0
    above = inputs["geometry.coordinates"][0, :, 1] > 0.1  # stress is singular where the clamp ends
    at_void = inputs["geometry"][0, 0] == 0
    assert coarse[above].max() == coarse[at_void & above].max()
    assert float((coarse - fine)[above].norm() / fine[above].norm()) < 0.015


def test_a_sample_is_its_own() -> None:
    together = PLATE.sample(3, seed=3)
    for name, values in PLATE.sample(1, seed=3, first=1).items():
        assert torch.equal(values, together[name][1:2])
    assert problem_named("elasticity", PLATE.parameters()) == PLATE


def test_generated_sets_are_known_at_each_sample_s_points(tmp_path: Path) -> None:
    data = generate(PLATE, 3, seed=0, path=tmp_path / "plates", workers=1, dtype="float32", progress=False)
    inputs = PLATE.sample(3, seed=0)
    for opened in (data, open_dataset(tmp_path / "plates", PLATE)):
        assert opened.query is not None
        assert torch.equal(opened.query, inputs["geometry.coordinates"])
    stress = PLATE.solve(inputs)
    batch = WholeFields(3).draw(data, generator_of(0, 0))
    assert torch.equal(batch.target, stress[batch.samples])
    assert torch.equal(batch.query, inputs["geometry.coordinates"][batch.samples])
    in_memory = Dataset.from_arrays(
        PLATE.signature, PLATE.output_domain, inputs, stress, query=inputs["geometry.coordinates"]
    )
    assert torch.equal(in_memory.outputs(torch.arange(3)), data.outputs(torch.arange(3)))


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(SignatureError, match=r"the void of sample 1 has radii from 0\.6"):
        PLATE.plate(torch.tensor([[0.3], [0.6]]).expand(2, 42))
    inputs = PLATE.sample(1, seed=0)
    with pytest.raises(SignatureError, match=r"'geometry.coordinates' is not the cloud of 'radii'"):
        PLATE.solve({**inputs, "geometry.coordinates": inputs["geometry.coordinates"].flip(1)})
    with pytest.raises(ValueError, match=r"exponent 0\.5 gives g infinite variance"):
        Elasticity(exponent=0.5)
