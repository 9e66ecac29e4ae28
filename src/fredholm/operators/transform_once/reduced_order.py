"""How many modes functions need: what any model of reduced order must leave out.

    e(m) = ‖y - P_m y‖ / ‖y‖,      P_m y = Σ_{k < m} ŷₖ φₖ

is the relative error of the best answer with the first m functions of a basis, and a lower bound for every network that
answers in them. It is known before anything is trained, and says which basis suits the functions.

Source: Poli, Massaroli, Berto, Park, Dao, Ré, Ermon, "Transform once: efficient operator learning in frequency domain",
NeurIPS 2022, section on reduced-order models.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.layers.transform_bases import TransformBasis, along, analysed, mean_square


def irreducible_error(
    values: Float[Tensor, "samples channels *shape"], bases: Sequence[TransformBasis], modes: Sequence[int]
) -> Float[Tensor, " samples"]:
    """e(m) of each sample, its channels together; in float64, since it is a small difference. Zero for zero.

    >>> from fredholm.layers.transform_bases import RealFourier
    >>> x = torch.arange(32, dtype=torch.float64) * 2 * torch.pi / 32
    >>> waves = (3 * x.cos() + 4 * (5 * x).sin()).reshape(1, 1, 32)
    >>> irreducible_error(waves, [RealFourier()], [3])  # keeps the first wave alone
    tensor([0.8000], dtype=torch.float64)
    """
    values = values.double()
    total = mean_square(values, bases).sum(1)
    kept = analysed(values, bases, modes).square().flatten(1).sum(1)
    return ((total - kept).clamp_min(0) / total.clamp_min(torch.finfo(total.dtype).tiny)).sqrt()


def select_modes(
    values: Float[Tensor, "samples channels *shape"], bases: Sequence[TransformBasis], energy: float = 0.999
) -> tuple[int, ...]:
    """Modes along every axis such that mean e(m)² over the samples is at most 1 - `energy`, or all there are.

    Every axis may lose an equal part of it, and loses no more with fewer modes than these. Raises ValueError for an
    energy that is not in (0, 1).
    """
    if not 0 < energy < 1:
        raise ValueError(f"energy={energy}: expected the share to keep, between 0 and 1")
    values = values.double()
    values = values / mean_square(values, bases).sum(1).sqrt().reshape(-1, *[1] * (values.ndim - 1)).clamp_min(1e-300)
    modes = []
    for axis, basis in enumerate(bases):
        moved = values.movedim(2 + axis, -1)
        points = moved.shape[-1]
        coefficients = along(moved, basis.analysis(points, basis.capacity(points), like=values), moved.ndim - 1)
        others = [*bases[:axis], *bases[axis + 1 :]]
        by_function = mean_square(coefficients.movedim(-1, 0), others).flatten(1).sum(1) / len(values)
        lost = by_function.sum() - by_function.cumsum(0)
        enough = int((lost <= (1 - energy) / len(bases)).nonzero()[0, 0]) + 1
        modes.append(enough)
    return tuple(modes)
