"""V-cycles are linear, keep the symmetries of their boundaries, and with classical stencils are classical multigrid."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from torch import Tensor
from torch.nn import functional

from fredholm.errors import SignatureError
from fredholm.layers.architecture import build, describe
from fredholm.layers.boundaries import Boundary, Dirichlet, Neumann, Periodic
from fredholm.layers.multigrid import MultigridLinear
from fredholm.layers.perceptron import initialised
from fredholm.layers.stencils import approximate_inverse, damped_jacobi, full_weighting, laplacian, multilinear
from fredholm.layers.v_cycle import VCycle, smoothings


def layer(inputs: int, channels: int, shape: Sequence[int], cycle: VCycle) -> MultigridLinear:
    with initialised(0):
        return MultigridLinear(inputs, channels, shape, cycle).double()


def field(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def poisson(n: int, before: int, after: int, smoother: str = "jacobi", dimension: int = 2) -> MultigridLinear:
    """V(before, after) for -Δ on n interior points a side of the unit box, down to a single point."""
    a = laplacian([1 / (n + 1)] * dimension)
    s = damped_jacobi(a) if smoother == "jacobi" else approximate_inverse(a)
    cycle = VCycle(smoothings((n + 1).bit_length() - 1, before, after, 2), Dirichlet(nested=True), shared=True)
    return MultigridLinear.from_stencils(
        a, s, full_weighting(dimension), multilinear(dimension), [n] * dimension, cycle
    )


def make_even(layer: MultigridLinear) -> None:
    """Stencils of three points an axis that are their own mirror images."""
    with torch.no_grad():
        for weight in layer.parameters():
            for axis in range(2, weight.ndim):
                weight.copy_((weight + weight.flip(axis)) / 2)


def copy_stencils(source: MultigridLinear, target: MultigridLinear) -> None:
    """Three points of every stencil; target's interpolation may have a fourth, of zero."""
    with torch.no_grad():
        for a, b in zip(source.parameters(), target.parameters(), strict=True):
            ends = [end for m, n in zip(a.shape[:1:-1], b.shape[:1:-1], strict=True) for end in (0, n - m)]
            b.copy_(functional.pad(a, ends))


CYCLES = [
    VCycle(smoothings(3)),
    VCycle(((1, 1), (2, 2), (3, 0)), Neumann(), restrict_residual=False),
    VCycle(((1, 1), (1, 0), (2, 0)), Periodic(), shared=True),
    VCycle(((2, 1), (1, 1), (2, 0)), (Periodic(), Dirichlet(nested=True)), restrict_residual=False, shared=True),
]


@pytest.mark.parametrize("cycle", CYCLES, ids=range(len(CYCLES)))
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)], ids=str)
def test_superposition(cycle: VCycle, dtype: torch.dtype, tolerance: float) -> None:
    v = layer(2, 3, (12, 16), cycle).to(dtype)
    f, g = field(4, 2, 12, 16).to(dtype), field(4, 2, 12, 16, seed=2).to(dtype)
    expected = 2 * v(f) - 3 * v(g)
    assert (v(2 * f - 3 * g) - expected).abs().max() <= tolerance * expected.abs().max()


def test_a_bias_makes_it_affine() -> None:
    v = layer(1, 2, (8, 8), VCycle(smoothings(2), bias=True))
    f, g, zero = field(1, 1, 8, 8), field(1, 1, 8, 8, seed=2), torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    assert v(zero).abs().max() > 0.01
    torch.testing.assert_close(v(f + g) - v(zero), v(f) + v(g) - 2 * v(zero))


@pytest.mark.parametrize("shape", [(32,), (16, 24), (8, 12, 16)], ids=str)
@pytest.mark.parametrize("restrict_residual", [True, False])
def test_periodic_stencils_commute_with_shifts_by_a_coarse_spacing(
    shape: tuple[int, ...], restrict_residual: bool
) -> None:
    v = layer(1, 2, shape, VCycle(smoothings(3), Periodic(), restrict_residual))
    f = field(1, 1, *shape)
    for axis in range(2, len(shape) + 2):
        torch.testing.assert_close(v(f.roll(4, axis)), v(f).roll(4, axis), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(v(f.roll(1, 2)), v(f).roll(1, 2))  # the coarse points are not where they were


def continued(f: Tensor, parity: int) -> Tensor:
    """One period of the even (1) or odd (-1) continuation of f about its ends, or about the points beyond them."""
    for axis in range(2, f.ndim):
        if parity > 0:
            f = torch.cat([f, f.narrow(axis, 1, f.shape[axis] - 2).flip(axis)], axis)
        else:
            zero = torch.zeros_like(f.narrow(axis, 0, 1))
            f = torch.cat([zero, f, zero, -f.flip(axis)], axis)
    return f


@pytest.mark.parametrize("shape", [(9,), (17, 9), (9, 5, 9)], ids=str)
@pytest.mark.parametrize("restrict_residual", [True, False])
def test_neumann_is_periodic_on_the_even_continuation(shape: tuple[int, ...], restrict_residual: bool) -> None:
    around = [2 * (n - 1) for n in shape]
    walls = layer(1, 2, shape, VCycle(smoothings(3, 1, 1), Neumann(), restrict_residual))
    circle = layer(1, 2, around, VCycle(smoothings(3, 1, 1), Periodic(), restrict_residual))
    make_even(walls)
    copy_stencils(walls, circle)
    f = field(1, 1, *shape)
    first = (..., *(slice(n) for n in shape))
    torch.testing.assert_close(walls(f), circle(continued(f, 1))[first], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(7,), (15, 7), (7, 3, 7)], ids=str)
@pytest.mark.parametrize("restrict_residual", [True, False])
def test_nested_dirichlet_is_periodic_on_the_odd_continuation(shape: tuple[int, ...], restrict_residual: bool) -> None:
    around = [2 * (n + 1) for n in shape]
    walls = layer(1, 2, shape, VCycle(smoothings(2, 1, 1), Dirichlet(nested=True), restrict_residual))
    circle = layer(1, 2, around, VCycle(smoothings(2, 1, 1), Periodic(), restrict_residual))
    make_even(walls)
    copy_stencils(walls, circle)
    f = field(1, 1, *shape)
    inside = (..., *(slice(1, n + 1) for n in shape))
    torch.testing.assert_close(walls(f), circle(continued(f, -1))[inside], rtol=1e-12, atol=1e-12)


def test_a_boundary_for_each_axis() -> None:
    """A channel: stencils that do not couple the axes act on each as its own boundary would have them."""
    v = layer(1, 1, (16, 15), VCycle(smoothings(3), (Periodic(), Dirichlet(nested=True))))
    f = field(1, 1, 16, 15)
    torch.testing.assert_close(v(f.roll(4, 2)), v(f).roll(4, 2), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(v(f.roll(4, 3)), v(f).roll(4, 3))


def test_restricting_the_data_is_what_the_formula_says() -> None:
    v = layer(2, 3, (10, 8), VCycle(((1, 1), (2, 0)), restrict_residual=False))
    p = dict(v.named_parameters())
    f = field(2, 2, 10, 8)

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        return functional.conv2d(x, p[f"finest.{name}.weight"], stride=stride, padding=1)

    u = conv(f, "smoothers.0")
    coarse_u, coarse_f = conv(u, "state_restriction", 2), conv(f, "restriction", 2)
    for i in (0, 1):
        residual = coarse_f - conv(coarse_u, f"coarser.operators.{i}")
        coarse_u = coarse_u + conv(residual, f"coarser.smoothers.{i}")
    u = u + functional.conv_transpose2d(coarse_u, p["finest.interpolation.weight"], stride=2, padding=1)
    u = u + conv(f - conv(u, "operators.0"), "smoothers.1")
    torch.testing.assert_close(v(f), u)


def reference_cycle(f: np.ndarray, h: float, before: int, after: int, coarsest: int) -> np.ndarray:
    """V-cycle for -Δu = f on the interior points of the unit square, written from the textbook."""
    stencil = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]]) / h**2

    def smooth(u: np.ndarray) -> np.ndarray:
        return u + 0.8 * h**2 / 4 * (f - convolve(u, stencil, mode="constant"))

    u = np.zeros_like(f)
    if len(f) == 1:
        for _ in range(coarsest):
            u = smooth(u)
        return u
    for _ in range(before):
        u = smooth(u)
    r = np.pad(f - convolve(u, stencil, mode="constant"), 1)
    coarse = np.zeros(((len(f) - 1) // 2,) * 2)
    for (i, wi), (j, wj) in itertools.product(enumerate([0.25, 0.5, 0.25]), repeat=2):
        coarse += wi * wj * r[1 + i : len(f) + i : 2, 1 + j : len(f) + j : 2]
    e = np.pad(reference_cycle(coarse, 2 * h, before, after, coarsest), 1)
    for axis in (0, 1):
        e = np.moveaxis(e, axis, 0)
        fine = np.zeros((2 * len(e) - 1, *e.shape[1:]))
        fine[::2], fine[1::2] = e, (e[1:] + e[:-1]) / 2
        e = np.moveaxis(fine, 0, axis)
    u = u + e[1:-1, 1:-1]
    for _ in range(after):
        u = smooth(u)
    return u


@pytest.mark.parametrize(("before", "after"), [(1, 0), (1, 1), (2, 1)])
def test_with_classical_stencils_it_is_classical_multigrid(before: int, after: int) -> None:
    f = field(15, 15)
    expected = reference_cycle(f.numpy(), 1 / 16, before, after, coarsest=2)
    with torch.inference_mode():
        answer = poisson(15, before, after)(f[None, None])
    np.testing.assert_allclose(answer[0, 0].numpy(), expected, rtol=1e-11, atol=1e-14)


def contraction(v: MultigridLinear, cycles: int = 12) -> float:
    """Factor by which a cycle u ← u + V(f - A u) shortens the residual, once the easy errors are gone."""
    f = field(1, 1, *v.shape)
    u, lengths = torch.zeros_like(f), []
    with torch.inference_mode():
        for _ in range(cycles):
            residual = f - v.finest.operators[0](u)
            lengths.append(float(residual.norm()))
            u = u + v(residual)
    return (lengths[-1] / lengths[-5]) ** 0.25


@pytest.mark.parametrize(
    ("smoother", "before", "after", "lowest", "highest"),
    [
        ("jacobi", 1, 1, 0.34, 0.39),  # (3/5)² = 0.36, from Fourier analysis of two grids
        ("jacobi", 2, 2, 0.17, 0.21),
        ("inverse", 1, 1, 0.09, 0.12),
    ],
)
def test_contraction_does_not_depend_on_the_grid(
    smoother: str, before: int, after: int, lowest: float, highest: float
) -> None:
    factors = [contraction(poisson(n, before, after, smoother)) for n in (31, 63, 127)]
    assert all(lowest <= factor <= highest for factor in factors)
    assert max(factors) <= 1.06 * min(factors)


@pytest.mark.parametrize(("dimension", "n"), [(1, 63), (3, 15)])
def test_classical_multigrid_in_other_dimensions(dimension: int, n: int) -> None:
    assert contraction(poisson(n, 2, 2, dimension=dimension)) <= 0.3


def test_full_weighting_restricts_as_multilinear_interpolation_is_transposed() -> None:
    for dimension in (1, 2, 3):
        assert torch.equal(multilinear(dimension), 2**dimension * full_weighting(dimension))
        assert float(full_weighting(dimension).sum()) == 1


def test_the_approximate_inverse_is_nearer_than_any_other_stencil() -> None:
    a = laplacian([0.5, 0.25])

    def distance(s: Tensor) -> Tensor:
        product = functional.conv_transpose2d(a[None, None], s[None, None])[0, 0]
        identity = torch.zeros(5, 5, dtype=torch.float64)
        identity[2, 2] = 1
        return (identity - product).square().sum()

    s = approximate_inverse(a).requires_grad_()
    (slope,) = torch.autograd.grad(distance(s), s)
    assert slope.abs().max() < 1e-10
    assert distance(s) < distance(damped_jacobi(a))


@pytest.mark.parametrize(
    ("boundary", "size", "grids"),
    [
        (Dirichlet(), 211, [211, 106, 53, 27, 14, 7]),
        (Dirichlet(nested=True), 101, [101, 50, 24, 11, 5]),
        (Neumann(), 65, [65, 33, 17, 9, 5, 3]),
        (Periodic(), 64, [64, 32, 16, 8, 4]),
    ],
    ids=["211", "101", "65", "64"],
)
def test_sizes_of_grids(boundary: Boundary, size: int, grids: list[int]) -> None:
    cycle = VCycle(smoothings(len(grids)), boundary)
    assert [shape[0] for shape in cycle.grids((size,))] == grids
    v = layer(1, 2, (size,), cycle)
    assert v(field(3, 1, size)).shape == (3, 2, size)
    kernels = [p.shape[-1] for name, p in v.named_parameters() if "interpolation" in name]
    assert sorted(kernels) == sorted(3 if n % 2 else 4 for n in grids[:-1])


def test_axes_of_odd_and_even_sizes() -> None:
    v = layer(1, 2, (13, 10), VCycle(smoothings(3, 1, 1)))
    assert v(field(1, 1, 13, 10)).shape == (1, 2, 13, 10)
    assert v.finest.interpolation.weight.shape[2:] == (3, 4)


@pytest.mark.parametrize("restrict_residual", [True, False])
def test_gradients(restrict_residual: bool) -> None:
    v = layer(1, 2, (6, 4), VCycle(((1, 1), (2, 0)), Dirichlet(), restrict_residual))
    assert torch.autograd.gradcheck(v, field(1, 1, 6, 4).requires_grad_())
    v(field(1, 1, 6, 4)).square().sum().backward()
    assert all(bool(parameter.grad.any()) for parameter in v.parameters())  # no stencil is idle


def test_a_layer_is_built_again_from_its_description() -> None:
    cycle = VCycle(((1, 1), (2, 0)), (Periodic(), Dirichlet(nested=True)), restrict_residual=False)
    v = layer(1, 2, (8, 7), cycle)
    again = build(describe(v)).double()
    again.load_state_dict(v.state_dict())
    f = field(1, 1, 8, 7)
    assert torch.equal(again(f), v(f))


def test_what_cannot_be_halved_is_refused() -> None:
    with pytest.raises(
        SignatureError, match=r"6 grids does not fit .*16, 16.*on grid 3, of shape .1, 1.*side 1 .*take 4 grids"
    ):
        MultigridLinear(1, 1, (16, 16), VCycle(smoothings(6), Dirichlet(nested=True)))
    with pytest.raises(SignatureError, match=r"on grid 2, of shape .7,.*side 7 of a period.*take 3 grids"):
        MultigridLinear(1, 1, (28,), VCycle(smoothings(4), Periodic()))
    with pytest.raises(SignatureError, match="1 boundaries for 2 axes"):
        MultigridLinear(1, 1, (16, 16), VCycle(boundary=[Dirichlet()]))
    with pytest.raises(SignatureError, match=r"grid 1 has smoothings \(0, 1\)"):
        VCycle(((1, 0), (0, 1)))
    with pytest.raises(SignatureError, match="one to three axes"):
        MultigridLinear(1, 1, (4, 4, 4, 4), VCycle(smoothings(1)))
    a = laplacian([0.1, 0.1])
    with pytest.raises(SignatureError, match="shared=True"):
        MultigridLinear.from_stencils(a, a, a, a, (15, 15), VCycle(smoothings(2)))
