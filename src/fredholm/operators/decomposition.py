"""Domain decomposition: operators on parts of the output domain, joined by weights that sum to one.

    G(u)(y) = Σ_k ω_k(y) G_k(u)(y)

Each part has less to represent than one network of the whole, in coordinates of its own; where parts overlap their
answers are blended. All see the whole input, as waves and pressures come from anywhere.

Source: Moseley, Markham, Nissen-Meyer, "Finite basis physics-informed neural networks", Adv. Comput. Math. 49 (2023),
for networks on overlapping boxes; Borrel-Jensen, Goswami, Engsig-Karup, Karniadakis, Jeong, PNAS 2024, for a DeepONet
on each part of a large room.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.data.restriction import restricted
from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.box_cover import BoxCover
from fredholm.operators.operator import Operator, Query


class Decomposed(Operator):
    """Operators of the parts, each asked where its weight is positive.

    Args:
        parts: G_k, in the order of the cover's boxes, which answer at points.
        cover: ω.
        signature: of the whole.
        output_domain: of the whole.

    Raises SignatureError for parts that are not as many as the boxes, that answer on their domain only, or that have
    other inputs or channels.
    """

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN, Query.SHARED})

    def __init__(self, parts: Sequence[Operator], cover: BoxCover, signature: Signature, output_domain: Domain) -> None:
        super().__init__(signature, output_domain)
        if len(parts) != len(cover):
            raise SignatureError(f"{len(parts)} operators for {len(cover)} boxes: one for each is needed")
        for part in parts:
            part.require_query(output_domain.coordinates()[:1])
            if part.signature.inputs != signature.inputs or part.signature.output.channels != signature.output.channels:
                raise SignatureError(f"a part maps {part.signature!r}, which is not of the whole's {signature!r}")
        self.parts, self.cover = nn.ModuleList(parts), cover

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        self.require_query(query)
        any_input = next(iter(inputs.values()))
        points = self.output_domain.coordinates().to(any_input) if query is None else query
        weights = self.cover.weights(points)
        pieces = [self._of_part(k, inputs, points, weights[:, k]) for k in range(len(self.parts))]
        answer = torch.stack(pieces).sum(0)
        return answer.unflatten(-1, self.output_domain.shape) if query is None else answer

    def _of_part(self, k: int, inputs: Mapping[str, Tensor], points: Tensor, weight: Tensor) -> Tensor:
        """ω_k G_k(u), at all points."""
        if torch.compiler.is_exporting():  # a graph asks everywhere, at the nearest points of the box
            return weight * self.parts[k](inputs, self.cover.clamped(points, k))
        where = (weight > 0).nonzero()[:, 0]
        values = weight[where] * self.parts[k](inputs, points[where])
        return values.new_zeros(*values.shape[:-1], len(points)).index_copy(-1, where, values)


def decomposed(data: Dataset, cover: BoxCover, fit: Callable[[Dataset], Operator]) -> Decomposed:
    """`fit` on the data of each box, one after the other.

    >>> from fredholm.data.simulation import simulate
    >>> from fredholm.operators import fit_pod_linear
    >>> from fredholm.layers.sensors import all_sensors
    >>> from fredholm.problems import Poisson
    >>> data = simulate(Poisson(points=17), 20, seed=0)
    >>> sensors = all_sensors(data.signature, data.output_domain)["source"]
    >>> halves = BoxCover(data.output_domain, {"x": 2})
    >>> decomposed(data, halves, lambda part: fit_pod_linear(part, sensors, rank=4))(data.inputs([0])).shape
    torch.Size([1, 1, 17, 17])
    """
    parts = [fit(restricted(data, box)) for box in cover.boxes]
    return Decomposed(parts, cover, data.signature, data.output_domain)
