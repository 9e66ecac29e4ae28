"""A cover of a box by boxes that overlap, with weights that sum to one.

    ω_k ≥ 0,    Σ_k ω_k(y) = 1,    ω_k(y) = 0 outside box k

Along an axis cut into n equal parts, a part's weight falls from 1 to 0 across the overlap around each of its inner
ends, as 3 s² - 2 s³ rises from 0 to 1, so that what the parts say is joined with continuous first derivatives. Along
several axes weights multiply.

Source: Melenk, Babuška, "The partition of unity finite element method", Comput. Methods Appl. Mech. Eng. 139 (1996).
"""

import math
from collections.abc import Mapping
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described

Box = dict[str, tuple[float, float]]


class BoxCover(Described):
    """Boxes that cover a domain's.

    Args:
        domain: what is covered.
        parts: number of parts along axes, by name; axes that are not named are not cut.
        overlap: width of the overlaps, in widths of a part, in (0, 1].

    Raises SignatureError for an axis that the domain does not have or that is periodic, ValueError for numbers out of
    range.

    >>> from fredholm.fields import Axis, Grid
    >>> cover = BoxCover(Grid(Axis("x", 0.0, 2.0, 9), Axis("t", 0.0, 1.0, 5)), {"x": 2}, overlap=0.5)
    >>> cover.boxes
    [{'x': (0.0, 1.25)}, {'x': (0.75, 2.0)}]
    >>> cover.weights(torch.tensor([[0.2, 0.0], [1.0, 0.5], [1.7, 1.0]])).tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
    """

    def __init__(self, domain: Domain, parts: Mapping[str, int], overlap: float = 0.3) -> None:
        if not 0 < overlap <= 1 or not parts or any(count < 1 for count in parts.values()):
            raise ValueError(
                f"parts of at least 1 along an axis or more and an overlap in (0, 1] are needed, got {dict(parts)} "
                f"and {overlap}"
            )
        axes = {axis.name: (place, axis) for place, axis in enumerate(domain.coordinate_axes)}
        for name in parts:
            if name not in axes:
                raise SignatureError(f"{domain!r} has no axis {name!r} to cut; it has {', '.join(axes)}")
            if axes[name][1].periodic:
                raise SignatureError(f"axis {name!r} of {domain!r} is periodic: cut another one")
        self.parts = dict(parts)
        self._places = {name: axes[name][0] for name in parts}
        self._ends = {name: (axes[name][1].lower, axes[name][1].upper) for name in parts}
        self._widths = {name: (end - begin) / parts[name] for name, (begin, end) in self._ends.items()}
        self._overlaps = {name: overlap * width for name, width in self._widths.items()}

    def __len__(self) -> int:
        return math.prod(self.parts.values())

    @property
    def boxes(self) -> list[Box]:
        """Where each weight is positive, by axis: lower and upper end."""
        along = {name: [self._interval(name, k) for k in range(count)] for name, count in self.parts.items()}
        return [dict(zip(along, intervals, strict=True)) for intervals in product(*along.values())]

    def weights(self, points: Float[Tensor, "m d"]) -> Float[Tensor, "m k"]:
        """ω of all boxes."""
        weights = torch.ones_like(points[:, :1])
        for name in self.parts:
            weights = (weights.unsqueeze(-1) * self._along(name, points).unsqueeze(1)).flatten(1)
        return weights

    def clamped(self, points: Float[Tensor, "m d"], part: int) -> Float[Tensor, "m d"]:
        """The nearest points in a box."""
        box = self.boxes[part]
        columns = list(points.unbind(-1))
        for name, (lower, upper) in box.items():
            columns[self._places[name]] = columns[self._places[name]].clamp(lower, upper)
        return torch.stack(columns, -1)

    def _interval(self, name: str, part: int) -> tuple[float, float]:
        (lower, upper), width, half = self._ends[name], self._widths[name], self._overlaps[name] / 2
        return max(lower, lower + part * width - half), min(upper, lower + (part + 1) * width + half)

    def _along(self, name: str, points: Float[Tensor, "m d"]) -> Float[Tensor, "m n"]:
        """Weights along an axis: differences of steps that rise one after the other."""
        y = points[:, self._places[name]]
        inner = [self._ends[name][0] + k * self._widths[name] for k in range(1, self.parts[name])]
        ramps = [((y - end) / self._overlaps[name] + 0.5).clamp(0, 1) for end in inner]
        steps = torch.stack([torch.ones_like(y), *(s * s * (3 - 2 * s) for s in ramps), torch.zeros_like(y)], -1)
        return steps[:, :-1] - steps[:, 1:]
