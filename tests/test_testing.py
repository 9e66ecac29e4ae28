"""The checks of `fredholm.testing` find what they are for: each fails on an operator or problem with that one fault."""

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from fredholm.errors import ContractError, ExportError
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.fields.signature import Inputs
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators import GridNetwork, GridOperator, Query
from fredholm.problems import Antiderivative
from fredholm.testing import check_export, check_operator, check_problem

LINE = Grid(Axis("x", 0.0, 1.0, 8))
SIGNATURE = Signature(
    {"u": Function((Quantity("u"),), DomainType.of(LINE))}, Function((Quantity("s"),), DomainType.of(LINE))
)


class SoundNetwork(GridNetwork):
    agnostic: ClassVar[bool] = True
    dimensions: ClassVar[frozenset[int]] = frozenset({1})

    def __init__(self) -> None:
        super().__init__()
        self.inputs, self.outputs = 2, 1
        self.mix, self.spare = nn.Conv1d(2, 1, 1), nn.Linear(1, 1)
        self.noise = 0.0

    def forward(self, values: Tensor) -> Tensor:
        return self.spare(self.mix(values).unsqueeze(-1)).squeeze(-1)


class BatchMixingNetwork(SoundNetwork):
    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values - values.mean(0))


class CutOffNetwork(SoundNetwork):
    def forward(self, values: Tensor) -> Tensor:
        return self.mix(values)


class ForgetfulNetwork(SoundNetwork):
    """Keeps what matters neither in an argument nor in a buffer."""

    made: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        ForgetfulNetwork.made += 1
        self.noise = float(ForgetfulNetwork.made)

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values) + self.noise


class RandomNetwork(SoundNetwork):
    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values) + torch.rand_like(values[:, :1])


class UnevenOperator(GridOperator):
    """Answers something else at points than on its grid."""

    queries: ClassVar[frozenset[Query]] = frozenset(Query)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        return super().forward(inputs, query) + (0.0 if query is None else 1.0)


def around(network: GridNetwork) -> GridOperator:
    return GridOperator(SIGNATURE, LINE, network, GridInputs(SIGNATURE, LINE))


def test_a_sound_operator_passes_and_is_left_as_it_was() -> None:
    operator = around(SoundNetwork())
    before = {name: value.clone() for name, value in operator.state_dict().items()}
    check_operator(operator)
    assert all(torch.equal(value, before[name]) for name, value in operator.state_dict().items())


@pytest.mark.parametrize(
    ("operator", "fault"),
    [
        (around(BatchMixingNetwork()), "GridOperator of BatchMixingNetwork: sample 0 alone and in its batch"),
        (around(CutOffNetwork()), r"no gradient reaches: network\.spare\.weight, network\.spare\.bias"),
        (around(ForgetfulNetwork()), "built again from its description answers otherwise"),
        (UnevenOperator(SIGNATURE, LINE, SoundNetwork()), "the domain's points and query=None"),
    ],
    ids=["batch", "gradient", "description", "query"],
)
def test_a_fault_is_found_and_named(operator: GridOperator, fault: str) -> None:
    with pytest.raises(ContractError, match=fault):
        check_operator(operator)


def test_an_answer_that_is_random_is_no_graph() -> None:
    with pytest.raises(ExportError, match="look for randomness"):
        check_export(around(RandomNetwork()))


class Restless(Antiderivative):
    """Draws what was not asked for."""

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return {"u": super().sample(n, seed, first)["u"] + n}


class Deaf(Antiderivative):
    """Does not listen to the seed."""

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        return super().sample(n, 0, first)


class Mixing(Antiderivative):
    """Solves for a sample with its neighbours."""

    def solve(self, inputs: Inputs) -> Tensor:
        return super().solve(inputs) + len(inputs["u"])


@pytest.mark.parametrize(
    ("kind", "fault"),
    [(Restless, "depends on what is drawn with it"), (Deaf, "another seed"), (Mixing, "solution 1 alone and in its")],
)
def test_a_problem_s_fault_is_found(kind: type[Antiderivative], fault: str) -> None:
    check_problem(Antiderivative(sensors=16))
    with pytest.raises(ContractError, match=fault):
        check_problem(kind(sensors=16))
