"""Places: where simulations lie in the space of their inputs, in units in which distances can be compared.

Each component of a parameter is divided by its deviation, each function by the root mean square distance from its mean,
so that a function counts as much as one number. Where it has many values it is first projected on a few random
directions, which keeps distances to some ten per cent.

Source: Johnson, Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert space", 1984, for the projection.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.online.simulations import Simulations

_DIRECTIONS = 64  # on which functions are projected


def places(simulations: Simulations, seed: int, numbers: Sequence[int]) -> Float[Tensor, "numbers d"]:
    """The places of some simulations of the sequence `seed`, none of which is run.

    >>> from fredholm.data.online.simulations import Frames
    >>> from fredholm.problems import Heat
    >>> places(Frames(Heat()), 0, range(100)).std(0)
    tensor([1., 1., 1., 1., 1.])
    """
    directions: dict[str, Tensor] = {}
    rows = [_short(simulations.place(seed, number), directions) for number in numbers]
    return torch.cat([_scaled(torch.stack([row[name] for row in rows]), name in directions) for name in rows[0]], 1)


def _short(place: Mapping[str, Tensor], directions: dict[str, Tensor]) -> dict[str, Tensor]:
    """A place as vectors; what has an axis beyond that of components is a function."""
    short = {}
    for name, values in place.items():
        flat = values.float().flatten()
        if values.ndim > 1:
            if name not in directions:
                directions[name] = _onto(flat.numel())
            flat = flat @ directions[name]
        short[name] = flat
    return short


def _onto(size: int) -> Tensor:
    if size <= _DIRECTIONS:
        return torch.eye(size)
    return torch.randn(size, _DIRECTIONS, generator=torch.Generator().manual_seed(0)) / _DIRECTIONS**0.5


def _scaled(values: Float[Tensor, "n k"], function: bool) -> Float[Tensor, "n k"]:
    deviations = values.std(0, correction=min(1, len(values) - 1))
    scale = deviations.square().sum().sqrt() if function else deviations
    return values / torch.where(scale > 0, scale, 1.0)
