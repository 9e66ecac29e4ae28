"""The points of an output domain, where an operator is asked that is given no query."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.domain import Domain


class DomainPoints(nn.Module):
    """Coordinates (n, d) of a domain, in double precision for networks that compute in it, else in single.

    They are no weights and no part of a network's state. bfloat16 would move points; autocast does not reach them.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> DomainPoints(Grid(Axis("x", 0.0, 1.0, 3)))(torch.zeros(1)).tolist()
    [[0.0], [0.5], [1.0]]
    """

    def __init__(self, domain: Domain) -> None:
        super().__init__()
        self.coordinates = domain.coordinates()
        self._kept: Tensor | None = None

    def forward(self, like: Tensor) -> Float[Tensor, "n d"]:
        """The coordinates on the device of `like`, kept for the next call."""
        dtype = torch.float64 if like.dtype == torch.float64 else torch.float32
        if torch.compiler.is_compiling():  # what is made while a graph is traced belongs to the trace
            return self.coordinates.to(like.device, dtype)
        if self._kept is None or (self._kept.device, self._kept.dtype) != (like.device, dtype):
            with torch.inference_mode(False):  # so that a training step can keep it too
                self._kept = self.coordinates.to(like.device, dtype)
        return self._kept
