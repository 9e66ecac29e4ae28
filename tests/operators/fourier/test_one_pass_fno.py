"""The compiled loops of the Fourier family answer what PyTorch's operations do, and so do their derivatives."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor

from fredholm.layers import channel_network, fourier_basis, spectral_weights
from fredholm.layers.factorised_weights import CP
from fredholm.operators.fourier import FNO, block

SHAPES = {
    "1-D": ((6,), (21,)),
    "2-D": ((6, 8), (12, 16)),
    "2-D, odd": ((7, 5), (11, 19)),
    "2-D, coarse": ((16, 16), (6, 9)),
    "2-D, wide": ((4, 4), (5, 300)),
    "3-D": ((4, 4, 6), (7, 6, 10)),
}
NAMED = pytest.mark.parametrize(("modes", "shape"), SHAPES.values(), ids=SHAPES)


def by_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (channel_network, fourier_basis, spectral_weights, block):
        monkeypatch.setattr(module, "suits", lambda *tensors: False)


def slopes_of(network: FNO, u: Tensor) -> list[Tensor]:
    inputs = [u.clone().requires_grad_(), *network.parameters()]
    answer = network(inputs[0])
    return [answer.detach(), *torch.autograd.grad((answer.square() + answer).mean(), inputs)]


def worst(found: list[Tensor], expected: list[Tensor]) -> float:
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected, strict=True))


@NAMED
def test_answers_and_slopes_are_those_of_the_operations(
    modes: tuple[int, ...], shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    network, u = FNO(2, 3, modes, width=16, layers=2), torch.randn(3, 2, *shape)
    exact = slopes_of(deepcopy(network).double(), u.double())
    found = slopes_of(network, u)
    by_operations(monkeypatch)
    plain = slopes_of(network, u)
    assert worst(found[:1], plain[:1]) < 1e-6
    assert worst(found, exact) < 1e-5
    assert worst(plain, exact) < 1e-5


def test_widths_need_not_be_multiples_of_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    network, u = FNO(1, 1, (4, 4), width=7, layers=2, weights=CP(0.5)), torch.randn(2, 1, 9, 10)
    found = slopes_of(network, u)
    by_operations(monkeypatch)
    assert worst(found, slopes_of(network, u)) < 1e-5


def test_second_derivatives_are_those_of_the_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    network, u = FNO(2, 1, (4, 4), width=16, layers=2), torch.randn(2, 2, 8, 8, requires_grad=True)

    def curvatures() -> list[Tensor]:
        (slope,) = torch.autograd.grad(network(u).square().sum(), u, create_graph=True)
        return list(torch.autograd.grad(slope.square().sum(), list(network.parameters()), allow_unused=True)[:-1])

    found = curvatures()
    by_operations(monkeypatch)
    assert worst(found, curvatures()) < 1e-5


def test_answers_do_not_depend_on_threads_nor_on_whether_gradients_are_kept() -> None:
    torch.manual_seed(3)
    network, u = FNO(2, 1, (8, 8), width=16, layers=2), torch.randn(3, 2, 16, 16)
    threads = torch.get_num_threads()
    answers = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            answers.append(slopes_of(network, u))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(a, b) for a, b in zip(*answers, strict=True))
    with torch.inference_mode():
        assert torch.equal(network(u), answers[0][0])


@pytest.mark.parametrize("transform", [torch.func.vmap, lambda f: lambda u: torch.func.jvp(f, (u,), (u,))[0]])
def test_transforms_see_operations(transform: Callable[..., Callable[[Tensor], Tensor]]) -> None:
    torch.manual_seed(4)
    network, u = FNO(1, 1, (4, 4), width=8, layers=1), torch.randn(2, 1, 8, 8)
    expected = network(u)
    found = transform(lambda v: network(v.unsqueeze(0) if v.ndim == 3 else v))(u)
    torch.testing.assert_close(found.reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_no_answer_to_no_sample() -> None:
    assert FNO(1, 1, (4, 4), width=8, layers=1)(torch.zeros(0, 1, 8, 8)).shape == (0, 1, 8, 8)


def test_nothing_larger_than_the_values_is_kept_for_the_gradient() -> None:
    kept: list[Tensor] = []
    network, u = FNO(1, 1, (8, 8), width=16, layers=2), torch.randn(2, 1, 64, 64)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        network(u)
    values = 2 * 16 * 64 * 64
    large = {t.data_ptr(): t.numel() for t in kept if t.numel() >= values / 2}
    assert sorted(large.values()) == [values] * 3  # what enters each block, and the projection
