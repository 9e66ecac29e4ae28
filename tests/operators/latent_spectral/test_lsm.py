"""Latent spectral models on grids: published sizes, any grid, the backbone alone, and what is refused."""

import pytest
import torch
from torch import nn

from fredholm.errors import SignatureError
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature, SphereGrid
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import initialised
from fredholm.operators.latent_spectral import LSM, InstanceNorm, LatentSpectrum
from fredholm.operators.latent_spectral.entries import ENTRIES

PUBLISHED = [  # preset, input channels, output channels, shape: parameters, of which in the blocks
    ("elasticity-g", 1, 1, (41, 41), 4_812_801, 480_544),
    ("plasticity", 1, 4, (101, 31, 20), 13_457_828, None),
    ("navier-stokes", 10, 1, (64, 64), 19_188_033, 1_876_544),
    ("darcy", 1, 1, (85, 85), 19_187_457, 1_876_544),
    ("airfoil", 2, 1, (221, 51), 4_812_833, None),
    ("pipe", 2, 1, (129, 129), 10_804_913, 1_064_112),
]


def signature_on(grid: Grid | SphereGrid, inputs: int, outputs: int) -> Signature:
    where = DomainType.of(grid)
    channels = [tuple(Quantity(f"{name}{i}") for i in range(n)) for name, n in (("a", inputs), ("u", outputs))]
    return Signature({"a": Function(channels[0], where)}, Function(channels[1], where))


def grid_of(shape: tuple[int, ...]) -> Grid:
    return Grid(*(Axis(name, 0.0, 1.0, size) for name, size in zip("xyz", shape, strict=False)))


@pytest.mark.parametrize(("preset", "inputs", "outputs", "shape", "count", "in_blocks"), PUBLISHED)
def test_sizes_are_the_published_ones(
    preset: str, inputs: int, outputs: int, shape: tuple[int, ...], count: int, in_blocks: int | None
) -> None:
    grid = grid_of(shape)
    operator = ENTRIES[0].preset(preset).build(signature_on(grid, inputs, outputs), grid)
    assert operator.parameter_count == count
    if in_blocks is not None:
        blocks = operator.network.backbone.blocks
        assert sum(p.numel() for block in blocks for p in block.parameters()) == in_blocks


@pytest.mark.parametrize(
    ("shape", "patch"),
    [
        ((41, 41), (3, 3)),
        ((85, 85), (6, 6)),
        ((129, 129), (9, 9)),
        ((221, 51), (14, 4)),
        ((64,), (4,)),
        ((16, 5, 33), (1, 1, 3)),
    ],
)
def test_any_grid_is_padded_until_the_coarsest_map_is_one_patch(shape: tuple[int, ...], patch: tuple[int, ...]) -> None:
    network = LSM(2, 3, shape, width=2, spectral=LatentSpectrum(tokens=1, basis=2, heads=2)).eval()
    assert {block.patch_shape for block in network.backbone.blocks} == {patch}
    assert [size + more for size, more in zip(shape, network.missing, strict=True)] == [16 * side for side in patch]
    seen = []
    network.backbone.blocks[-1].register_forward_hook(lambda _, inputs, output: seen.append(output.shape[2:]))
    with torch.no_grad():
        assert network(torch.randn(1, 2, *shape)).shape == (1, 3, *shape)
    assert seen == [patch]


def test_appended_zeros_are_no_part_of_the_answer_but_only_of_what_convolutions_see() -> None:
    network = LSM(1, 1, (13, 16), width=4, scales=1, spectral=None).eval()  # no padding: one scale
    assert network.missing == [0, 0]
    with torch.no_grad():
        padded = LSM(1, 1, (13, 16), width=4, scales=2, spectral=None).eval()
        assert padded.missing == [1, 0]
        values = torch.randn(2, 1, 13, 16)
        lifted = nn.functional.pad(padded.lift(values), [0, 0, 0, 1])
        expected = padded.head(padded.mix(padded.backbone(lifted)[:, :, :13]))
        torch.testing.assert_close(padded(values), expected)


def test_blocks_that_add_nothing_leave_the_backbone() -> None:
    with initialised(0):
        with_blocks = LSM(1, 1, (12, 12), width=8, scales=2)
    alone = LSM(1, 1, (12, 12), width=8, scales=2, spectral=None)
    shared = {name: values for name, values in with_blocks.state_dict().items() if ".blocks." not in name}
    alone.load_state_dict(shared)
    with torch.no_grad():
        for block in with_blocks.backbone.blocks:
            for parameter in block.parameters():
                parameter.zero_()
        values = torch.randn(2, 1, 12, 12)
        torch.testing.assert_close(with_blocks.eval()(values), alone.eval()(values))


def test_instance_norm_has_no_memory_of_the_batch() -> None:
    network = LSM(1, 1, (16, 16), width=8, scales=2, norm=InstanceNorm())
    values = torch.randn(3, 1, 16, 16)
    with torch.no_grad():
        together, alone = network.train()(values), network(values[1:2])
        torch.testing.assert_close(together[1:2], alone)
        torch.testing.assert_close(network.eval()(values), together)
    assert not [name for name, _ in network.named_buffers() if "running" in name]


def test_it_is_built_again_from_its_description_and_state() -> None:
    with initialised(0):
        network = LSM(2, 1, (9, 10), width=8, scales=2, spectral=LatentSpectrum(2, 3, 4), norm=InstanceNorm()).eval()
    again = build(describe(network)).eval()
    again.load_state_dict(network.state_dict())
    values = torch.randn(1, 2, 9, 10)
    torch.testing.assert_close(again(values), network(values))
    bare = build(describe(LSM(2, 1, (9, 10), width=8, scales=2, spectral=None)))
    assert all(isinstance(block, nn.Identity) for block in bare.backbone.blocks)


def test_what_does_not_fit_is_refused() -> None:
    network = LSM(1, 1, (16, 16), width=8, scales=2)
    with pytest.raises(SignatureError, match=r"made for a grid of \(16, 16\) points.*pass shape=\(16, 20\)"):
        network.require(grid_of((16, 20)))
    with pytest.raises(SignatureError, match="has no axes"):
        network.require(SphereGrid.equiangular(16, 16))
    with pytest.raises(ValueError, match="one to three axes"):
        LSM(1, 1, (4, 4, 4, 4))
    with pytest.raises(ValueError, match="12 channels do not split into 8 heads"):
        LSM(1, 1, (16, 16), width=12)
