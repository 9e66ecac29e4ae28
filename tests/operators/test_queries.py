"""One operator, three ways to ask: the answers agree, and nothing leaks between samples or points."""

import json

import pytest
import torch
from families import FAMILIES, OUTPUT, SIGNATURE, family, inputs, points
from hypothesis import given, settings
from hypothesis import strategies as st

from fredholm.errors import SignatureError
from fredholm.layers.architecture import build, describe
from fredholm.operators import DeepONet, Operator, Query

EXACT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("name", FAMILIES)
def test_all_ways_to_ask_agree(name: str) -> None:
    operator, u, y = family(name).double(), inputs(4, torch.float64), points(7, dtype=torch.float64)
    shared = operator(u, y)
    assert shared.shape == (4, 2, 7)
    torch.testing.assert_close(operator(u, y.expand(4, -1, -1)), shared, **EXACT)
    for i in range(4):
        one = {key: value[i : i + 1] for key, value in u.items()}
        torch.testing.assert_close(
            torch.cat([operator(one, y[j : j + 1]) for j in range(7)], -1), shared[i : i + 1], **EXACT
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_points_of_each_sample_are_its_own(name: str) -> None:
    operator, u, y = family(name).double(), inputs(3, torch.float64), points(3, 5, dtype=torch.float64)
    own = operator(u, y)
    assert own.shape == (3, 2, 5)
    for i in range(3):
        one = {key: value[i : i + 1] for key, value in u.items()}
        torch.testing.assert_close(operator(one, y[i]), own[i : i + 1], **EXACT)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_output_domain_is_its_points(name: str) -> None:
    operator, u = family(name), inputs(2)
    operator(u)  # what is kept from an answer in one precision must not blunt those in another
    operator, u = operator.double(), inputs(2, torch.float64)
    whole = operator(u)
    assert whole.shape == (2, 2, *OUTPUT.shape)
    torch.testing.assert_close(whole.flatten(2), operator(u, OUTPUT.coordinates()), **EXACT)


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(FAMILIES), st.integers(0, 10**6))
def test_order_does_not_matter(name: str, seed: int) -> None:
    operator = family(name, seed).double()
    u, y = inputs(4, torch.float64, seed), points(6, dtype=torch.float64, seed=seed + 1)
    generator = torch.Generator().manual_seed(seed)
    samples, places = torch.randperm(4, generator=generator), torch.randperm(6, generator=generator)
    shuffled = operator({key: value[samples] for key, value in u.items()}, y[places])
    torch.testing.assert_close(shuffled, operator(u, y)[samples][..., places], **EXACT)


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "feed-forward"])
def test_coefficients_and_basis_hold_everything(name: str) -> None:
    operator, u, y = family(name), inputs(4), points(7)
    assert isinstance(operator, DeepONet)
    contracted = torch.einsum("bcp,mcp->bcm", operator.coefficients(u), operator.basis(y))
    torch.testing.assert_close(operator(u, y), contracted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
def test_built_again_it_is_the_same_operator(name: str) -> None:
    operator = family(name)
    again = build(json.loads(json.dumps(describe(operator)))).eval()
    again.load_state_dict(operator.state_dict())
    assert isinstance(again, type(operator))
    assert again.signature == SIGNATURE
    for query in (None, points(5), points(2, 5)):
        assert torch.equal(again(inputs(2), query), operator(inputs(2), query))


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_makes_the_same_operator(name: str) -> None:
    first, second, other = (family(name, seed).state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_right(name: str) -> None:
    operator = family(name).double()
    u, k = inputs(2, torch.float64).values()
    y = points(3, dtype=torch.float64)
    differentiable = "dense" not in name  # multilinear interpolation has kinks, and gives no gradient in y
    values = (u.requires_grad_(), k.requires_grad_(), y.requires_grad_(differentiable))
    assert torch.autograd.gradcheck(lambda u, k, y: operator({"u": u, "k": k}, y), values)
    parameters = [p for p in operator.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(operator({"u": u, "k": k}, y).square().sum(), parameters)
    assert all(bool(g.isfinite().all()) and bool(g.any()) for g in gradients)  # no parameter is idle


class OnGrid(Operator):
    queries = frozenset({Query.DOMAIN, Query.SHARED})

    def forward(self, inputs: dict[str, torch.Tensor], query: torch.Tensor | None = None) -> torch.Tensor:
        self.require_query(query)
        return torch.zeros(len(inputs["k"]), 2, *OUTPUT.shape)


def test_an_operator_says_which_queries_it_answers() -> None:
    operator = OnGrid(SIGNATURE, OUTPUT)
    operator(inputs(2))
    operator(inputs(2), points(5))
    with pytest.raises(SignatureError, match=r"OnGrid cannot answer at points \(batch, m, d\) of each sample"):
        operator(inputs(2), points(2, 5))


def test_size_is_counted_in_parameters_and_bytes() -> None:
    operator = family("separable modes, split trunk")
    modes = operator.trunk.modes
    stored = modes.core.numel() + sum(getattr(modes, f"factor{i}").numel() for i in range(3))
    assert operator.parameter_count == 8 * 3
    assert operator.stored_bytes == 4 * (8 * 3 + stored)
