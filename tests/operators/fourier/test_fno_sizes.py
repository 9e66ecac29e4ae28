"""Published sizes, and one set of weights on several grids."""

import pytest
import torch

from fredholm.layers.factorised_weights import CP, TensorTrain, Tucker
from fredholm.layers.spectral_weights import WeightFormat
from fredholm.operators.fourier import FNO

PUBLISHED: dict[int, WeightFormat | None] = {  # 64 x 64 modes, width 64, 4 blocks; a complex number counts as two
    69_256_897: None,
    7_202_905: Tucker(0.1),
    7_002_641: CP(0.1),
    6_928_081: TensorTrain(0.1),
    724_241: Tucker(0.01),
}


@pytest.mark.parametrize("count", PUBLISHED)
def test_sizes_are_the_published_ones(count: int) -> None:
    with torch.device("meta"):
        network = FNO(3, 1, (64, 64), width=64, weights=PUBLISHED[count])
    assert sum(parameter.numel() for parameter in network.parameters()) == count


@pytest.mark.parametrize("weights", [None, Tucker(0.3)])
def test_the_same_weights_answer_alike_on_twice_the_grid(weights: WeightFormat | None) -> None:
    torch.manual_seed(0)
    network = FNO(2, 1, (8, 8), width=8, layers=2, weights=weights).double()

    def waves(n: int) -> torch.Tensor:
        x = 2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
        u = torch.sin(x)[:, None] * torch.cos(2 * x) + 0.5 * torch.cos(3 * x)[:, None]
        return torch.stack([u, torch.cos(x)[:, None].expand(n, n)]).unsqueeze(0)

    with torch.no_grad():
        coarse, fine = network(waves(64)), network(waves(128))
    # equal up to what the activation adds beyond the coarser grid's band
    assert float((fine[..., ::2, ::2] - coarse).norm() / coarse.norm()) < 1e-6
