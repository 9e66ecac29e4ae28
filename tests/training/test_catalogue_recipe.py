"""Any operator of the catalogue is built for a data set, normalised by it, trained, and told by its name."""

from pathlib import Path

import pytest
import torch

from fredholm.data.simulation import simulate
from fredholm.errors import UnknownNameError
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.output_transform import Rescaled
from fredholm.problems import Darcy
from fredholm.training.recipes import recipe_named


def test_an_operator_is_built_normalised_and_trained(tmp_path: Path) -> None:
    data = simulate(Darcy(points=16), 24, seed=0)
    fitted = recipe_named("fno/tiny").fit(data, seed=3, directory=tmp_path, iterations=6)
    operator = fitted.operator
    assert isinstance(operator, GridOperator)
    assert isinstance(operator.transform, Rescaled)
    assert fitted.provenance["recipe"] == "fno/tiny"
    assert fitted.history is not None
    assert fitted.history.iterations == 6
    again = recipe_named("fno/tiny").fit(data, seed=3, directory=tmp_path, iterations=6)  # resumes, and is done
    some = data.inputs(torch.arange(2))
    torch.testing.assert_close(again.operator(some), operator(some), rtol=0, atol=0)


def test_a_baseline_without_weights_needs_no_training(tmp_path: Path) -> None:
    data = simulate(Darcy(points=16), 4, seed=0)
    fitted = recipe_named("identity").fit(data, seed=0, directory=tmp_path)
    assert fitted.history is None
    assert fitted.operator.parameter_count == 0


def test_names_of_recipes_and_operators_are_known_together() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean 'fno'\? known: .*pod-linear"):
        recipe_named("fnoo")
    with pytest.raises(UnknownNameError, match="unknown preset of fno 'smal': did you mean 'small'"):
        recipe_named("fno/smal")
