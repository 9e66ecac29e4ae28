"""T1: one transform, the same weights on every grid, sizes as published, and not stuck at the start."""

import pytest
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Grid
from fredholm.layers.perceptron import initialised
from fredholm.layers.transform_bases import Cosine, NodalCosine, RealFourier, Sine, analysed, synthesised
from fredholm.layers.variance_preserving import VariancePreserving
from fredholm.operators.transform_once import T1


def awake(network: T1) -> T1:
    """With an answer that is not close to zero."""
    with torch.no_grad():
        network.head.mul_(100)
    return network


def formula(network: T1, values: Tensor) -> Tensor:
    """The network as the paper writes it, mode by mode: lifted on the grid, transformed, mixed, transformed back."""
    lifted = torch.einsum("wi,bixy->bwxy", network.lift.weight, values) + network.lift.bias.reshape(-1, 1, 1)
    z = network.scale * analysed(lifted - network.lift.bias.reshape(-1, 1, 1), network.bases, network.modes)
    z = z + analysed(torch.ones_like(lifted) * network.lift.bias.reshape(-1, 1, 1), network.bases, network.modes)
    for block in network.blocks:
        weight = block.channels.unflatten(0, network.modes)
        h = torch.nn.functional.gelu(torch.einsum("xyio,bixy->boxy", weight, z))
        h = torch.einsum("cux,bcxy->bcuy", block.modes[0], h)
        z = z + torch.einsum("cvy,bcxy->bcxv", block.modes[1], h)
    answer = torch.einsum("ok,bkxy->boxy", network.head, torch.sin(torch.einsum("kw,bwxy->bkxy", network.hidden, z)))
    return synthesised(network.fall * answer, network.bases, values.shape[2:])


@pytest.mark.parametrize("bases", [None, Cosine(), [NodalCosine(), RealFourier()]], ids=["fourier", "cosine", "mixed"])
def test_it_is_the_formula_of_the_paper_on_oblong_grids_and_modes(bases: None) -> None:
    network = awake(T1(2, 3, (5, 4), 6, 2, bases)).double()
    values = torch.randn(4, 2, 12, 9, dtype=torch.float64)
    torch.testing.assert_close(network(values), formula(network, values), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("modes", "width", "layers", "count"), [((16, 16), 24, 4, 642_272), ((24, 24), 48, 6, 8_300_864)]
)
def test_it_has_as_many_parameters_as_published_sizes(
    modes: tuple[int, ...], width: int, layers: int, count: int
) -> None:
    network = T1(3, 1, modes, width, layers)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("shape", [(16,), (16, 12), (10, 8, 6)])
def test_transformed_inputs_give_the_same_answer(shape: tuple[int, ...]) -> None:
    modes = tuple(size // 2 for size in shape)
    network = awake(T1(2, 1, modes, 8, 2)).double()
    values = torch.randn(3, 2, *shape, dtype=torch.float64)
    offline = network.forward_spectral(analysed(values, network.bases, modes))
    torch.testing.assert_close(analysed(network(values), network.bases, modes), offline, rtol=1e-9, atol=1e-12)


def test_what_is_beyond_the_kept_modes_changes_nothing() -> None:
    network = awake(T1(1, 1, (5, 5), 8, 2)).double()
    smooth = torch.randn(1, 1, 16, 16, dtype=torch.float64)
    x = torch.arange(16, dtype=torch.float64)
    ripple = torch.cos(2 * torch.pi * 5 * x / 16).expand(1, 1, 16, 16)
    torch.testing.assert_close(network(smooth + ripple), network(smooth), rtol=0, atol=1e-9)


@pytest.mark.parametrize("basis", [RealFourier(), Cosine(), Sine(), NodalCosine()])
def test_on_another_grid_it_is_the_same_operator(basis: RealFourier) -> None:
    """On a band-limited function exactly, by the same weights."""
    network = awake(T1(1, 1, (5, 7), 8, 2, basis)).double()
    coefficients = torch.randn(2, 1, 5, 7, dtype=torch.float64)
    for shape in [(16, 16), (40, 24)]:
        answer = network(synthesised(coefficients, [basis, basis], shape))
        expected = network.forward_spectral(coefficients)
        torch.testing.assert_close(analysed(answer, [basis, basis], (5, 7)), expected, rtol=1e-9, atol=1e-12)


def test_it_starts_to_learn_at_once() -> None:
    """With gradients far above the ε of Adam, 1e-8, at which published heads start."""
    with initialised(0):
        network = T1(1, 1, (8, 8), 16, 8)
        u = torch.randn(20, 1, 8, 8) * network.fall * 8
    values, target = (synthesised(c, network.bases, (16, 16)) for c in (u, torch.tanh(u)))
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    losses = []
    for step in range(21):
        optimizer.zero_grad()
        loss = ((network(values) - target).square().mean() / target.square().mean()).sqrt()
        loss.backward()
        if not step:
            assert min(float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None) > 1e-6
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] <= 0.9 * losses[0]


def test_more_points_in_the_initialisation_make_wider_weights() -> None:
    with initialised(0):
        narrow = T1(1, 1, (4, 4), 16, 1, initialisation=VariancePreserving())
        wide = T1(1, 1, (4, 4), 16, 1, initialisation=VariancePreserving(points=64))
    ratio = wide.blocks[0].channels.std() / narrow.blocks[0].channels.std()
    assert float(ratio.detach()) == pytest.approx(2.0, rel=0.05)


def test_grids_that_do_not_fit_are_named() -> None:
    ring, wall = Axis("x", 0.0, 1.0, 16, periodic=True), Axis("y", 0.0, 1.0, 16)
    with pytest.raises(SignatureError, match="T1 keeps modes of 2 axes"):
        T1(1, 1, (4, 4), 8).require(Grid(ring))
    with pytest.raises(SignatureError, match="axis 'y' is not periodic"):
        T1(1, 1, (4, 4), 8).require(Grid(ring, wall))
    with pytest.raises(SignatureError, match="axis 'x' has 16 points"):
        T1(1, 1, (20, 4), 8).require(Grid(ring, ring))
    with pytest.raises(ValueError, match="1 bases for 2 axes"):
        T1(1, 1, (4, 4), 8, basis=[RealFourier()])
