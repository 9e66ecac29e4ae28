"""Values between the points of a grid."""

import torch

from fredholm.fields import Axis, CellNeumannGaussianField, Grid
from fredholm.fields.pointwise import Cosines, Multilinear, Nearest

CELLS = Grid(*(Axis(name, 0.05, 0.95, 10) for name in ("x", "y")))
FINE = Grid(*(Axis(name, 0.025, 0.975, 20) for name in ("x", "y")))


def test_cosines_go_through_their_values_and_are_exact_between_them() -> None:
    """A field of few cosines is the same on a finer grid, walls included."""

    def field(grid: Grid) -> torch.Tensor:
        x, y = grid.coordinates().T
        return torch.exp(0.3 + torch.cos(torch.pi * x) * torch.cos(3 * torch.pi * y))[None]

    for modes in (None, 4):
        torch.testing.assert_close(Cosines(CELLS, modes).at(field(CELLS), FINE.coordinates()), field(FINE))


def test_all_rules_agree_on_the_grid_itself() -> None:
    log = CellNeumannGaussianField.standard(CELLS, 3.0, 3.0).sample(2, torch.Generator().manual_seed(0))
    values = log.exp().flatten(1)
    for rule in (Cosines(CELLS), Multilinear(CELLS), Nearest(CELLS)):
        torch.testing.assert_close(rule.at(values, CELLS.coordinates()), values)


def test_the_nearest_point_on_a_ring_is_across_its_end() -> None:
    ring = Grid(Axis("x", 0.0, 1.0, 4, periodic=True))
    found = Nearest(ring).at(torch.arange(4.0)[None], torch.tensor([[0.95], [0.6]]))
    assert found.tolist() == [[0.0, 2.0]]
