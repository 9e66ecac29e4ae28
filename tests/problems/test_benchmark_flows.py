"""The benchmark's flows: every case of every subset is one that is resolved, samplers stay inside, limits are named."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.data.cfdbench import FLOWS
from fredholm.errors import SolverError
from fredholm.problems.benchmark_flow import SUBSETS, cell_averages
from fredholm.problems.cavity_flow import CavityFlow
from fredholm.problems.cylinder_flow import CylinderFlow
from fredholm.problems.dam_flow import DamFlow
from fredholm.problems.tube_flow import TubeFlow


@pytest.mark.parametrize("name", FLOWS)
def test_every_case_is_resolved_and_varies_what_its_subset_says(name: str) -> None:
    problem = FLOWS[name]()
    families = {"prop": {"density", "viscosity"}, "bc": {problem.components[0].name}}
    families["geo"] = {quantity.name for quantity in problem.components} - families["prop"] - families["bc"]
    for subset in SUBSETS:
        cases = problem.cases(subset)
        assert len({tuple(case.values()) for case in cases}) == len(cases) >= 12
        for case in cases:
            problem.require(case)
        varied = {key for key in cases[0] if len({case[key] for case in cases}) > 1}
        assert varied
        assert varied <= families[subset]


@pytest.mark.parametrize("name", FLOWS)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), first=st.integers(0, 10**6))
def test_samples_are_cases_and_depend_on_seed_and_number_alone(name: str, seed: int, first: int) -> None:
    problem = FLOWS[name]()
    together = problem.sample(3, seed, first)["case"]
    assert problem.signature.check({"case": together}, finite=True) == 3
    assert torch.equal(together[1:2], problem.sample(1, seed, first + 1)["case"])
    for values in together.double().tolist():
        case = {quantity.name: value for quantity, value in zip(problem.components, values, strict=True)}
        if name == "dam":
            case |= {"height": 0.4, "width": 1.5}
        problem.require(case)
        assert problem.mask(case).any()


def test_the_lid_takes_the_fluid_with_it() -> None:
    problem = CavityFlow(points=16, frames=4)
    velocity = problem.trajectory(problem.cases("bc")[7])
    assert velocity.shape == (4, 2, 16, 16)
    assert not velocity[0].any()  # rest
    assert (velocity[1:, 0, -1] > 0).all()
    np.testing.assert_allclose(velocity[1:, 0].sum(1), 0, atol=1e-9)  # what goes right comes back below


def test_flow_depends_on_reynolds_number_alone() -> None:
    """Twice the density with twice the viscosity is the same flow."""
    problem = CavityFlow(points=16, frames=3)
    case = problem.cases("prop")[9]
    other = case | {"density": 2 * case["density"], "viscosity": 2 * case["viscosity"]}
    np.testing.assert_allclose(problem.trajectory(case), problem.trajectory(other), rtol=1e-12)


def test_a_tube_passes_on_what_enters() -> None:
    problem = TubeFlow(points=24, frames=3)
    case = problem.cases("geo")[0]
    np.testing.assert_allclose(problem.trajectory(case)[:, 0].mean(1), case["vel_in"], rtol=1e-10)


def test_obstacles_have_no_velocity() -> None:
    cylinder, dam = CylinderFlow(points=16, frames=2, step=0.001), DamFlow(points=32, frames=2, step=0.02)
    for problem, case in ((cylinder, cylinder.cases("bc")[0]), (dam, dam.cases("geo")[-1])):
        velocity, mask = problem.trajectory(case), problem.mask(case)
        assert not mask.all()
        assert not velocity[:, :, ~mask].any()
        assert velocity[-1, 0].max() > 0


def test_cell_averages_keep_integrals() -> None:
    values = np.random.default_rng(0).standard_normal((2, 30, 50))
    averages = cell_averages(values, 0.1, (3.0, 5.0), 16)
    np.testing.assert_allclose(averages.mean((1, 2)), values.mean((1, 2)), rtol=1e-10)
    np.testing.assert_allclose(cell_averages(np.ones((7, 9)), 0.5, (3.5, 4.5), 5), 1.0, rtol=1e-12)


def test_limits_are_named() -> None:
    problem = CavityFlow(points=16)
    with pytest.raises(ValueError, match=r"16 cells do not resolve a Reynolds number of 768"):
        problem.require(problem.cases("bc")[-1])
    case = problem.cases("bc")[0]
    with pytest.raises(ValueError, match=r"viscosity = -1.0 of a case must be positive"):
        problem.require(case | {"viscosity": -1.0})
    with pytest.raises(ValueError, match="a case has the numbers"):
        problem.require({"vel_top": 1.0})
    cylinder = CylinderFlow()
    with pytest.raises(ValueError, match="Reynolds number of 1000 is above 160, near which"):
        cylinder.require(cylinder.cases("bc")[8] | {"vel_in": 10.0})
    with pytest.raises(ValueError, match="is not inside the height"):
        cylinder.require(cylinder.cases("bc")[8] | {"center_y": 0.005})
    with pytest.raises(ValueError, match="at least 8 points and 2 frames"):
        DamFlow(frames=1)
    with pytest.raises(SolverError, match="sample 1 cannot be solved: 16 cells do not resolve"):
        problem.solve({"case": torch.tensor([[0.1, 1, 0.1, 0.2, 0.2], [24.0, 1, 0.01, 0.32, 0.32]])})
