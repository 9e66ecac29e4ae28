import torch
from torch import Tensor

from fredholm.layers.scattered_interpolation import interpolated, nearest_points


def cloud(n: int = 30, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Values (2, 3, n), points (2, n, 2) and weights, for two samples."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(2, n, 2, generator=generator, dtype=torch.float64)
    return torch.randn(2, 3, n, generator=generator, dtype=torch.float64), points, torch.ones(2, n, dtype=torch.float64)


def test_points_keep_their_values_and_others_lie_between() -> None:
    values, points, weights = cloud()
    torch.testing.assert_close(interpolated(values, points, weights, points), values)
    between = interpolated(values, points, weights, torch.rand(50, 2, dtype=torch.float64))
    assert between.shape == (2, 3, 50)
    assert bool((between <= values.amax(-1, keepdim=True)).all())
    assert bool((between >= values.amin(-1, keepdim=True)).all())
    constant = interpolated(torch.ones_like(values), points, weights, torch.rand(2, 5, 2, dtype=torch.float64))
    torch.testing.assert_close(constant, torch.ones_like(constant))


def test_interpolation_is_of_first_order() -> None:
    errors = []
    for n in (200, 3200):  # a quarter of the distance
        _, points, weights = cloud(n)
        queries = 0.2 + 0.6 * torch.rand(100, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        found = interpolated((points.sum(-1) * 2).sin().unsqueeze(1), points, weights, queries)
        errors.append(float((found - (queries.sum(-1) * 2).sin()).abs().mean()))
    assert errors[0] / errors[1] > 3


def test_answers_are_continuous_where_a_neighbour_changes() -> None:
    """A point that leaves the sum has no share in it any more."""
    values, points, weights = cloud()
    way = torch.linspace(0, 1, 4001, dtype=torch.float64)
    queries = torch.stack([way, 0.3 + 0.4 * way], dim=-1)
    steps = interpolated(values, points, weights, queries).diff(dim=-1).abs()
    assert float(steps.max()) < 0.05


def test_padding_is_not_seen() -> None:
    values, points, weights = cloud()
    queries = torch.rand(7, 2, dtype=torch.float64)
    padded = interpolated(
        torch.cat([values, torch.full((2, 3, 4), torch.nan, dtype=torch.float64)], dim=-1).nan_to_num(1e9),
        torch.cat([points, queries[None, :4].expand(2, -1, -1)], dim=1),
        torch.cat([weights, torch.zeros(2, 4, dtype=torch.float64)], dim=1),
        queries,
    )
    torch.testing.assert_close(padded, interpolated(values, points, weights, queries))


def test_more_neighbours_than_points_are_infinitely_far() -> None:
    points = torch.tensor([[[0.0], [2.0]]])
    indices, squares = nearest_points(points, torch.ones(1, 2), torch.tensor([[[0.5]]]), 4)
    assert indices[0, 0, :2].tolist() == [0, 1]
    assert squares[0, 0].tolist() == [0.25, 2.25, torch.inf, torch.inf]
    one = interpolated(torch.tensor([[[7.0]]]), torch.zeros(1, 1, 2), torch.ones(1, 1), torch.rand(3, 2))
    torch.testing.assert_close(one, torch.full((1, 1, 3), 7.0))
