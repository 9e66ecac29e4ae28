"""The operator contract: G maps input functions and parameters to an output function, asked for where one likes.

G(u)(y)  =  operator(inputs, query)[sample, channel, point]
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.field import Field
from fredholm.fields.html_table import html_table
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.signature import Inputs, Signature
from fredholm.fields.signature_words import entries_of
from fredholm.layers.architecture import Described


class Query(Enum):
    """Where an operator can be asked for its output."""

    DOMAIN = "on its own output domain (query=None)"
    SHARED = "at points (m, d) common to the batch"
    PER_SAMPLE = "at points (batch, m, d) of each sample"


class Operator(nn.Module, Described, ABC):
    """A trainable map between functions, typed by its signature.

    `forward(inputs, query=None)` takes the signature's inputs, each (batch, channels, *shape) or (batch, size), and
    answers (batch, channels, *output_domain.shape), or (batch, channels, m) at query points in the units of the
    signature. Normalisation is part of the operator: what goes in and comes out is physical.

    A subclass passes signature and output domain to `super().__init__`, declares `queries` and writes `forward`. It is
    saved by its constructor arguments (see `Described`) and its `state_dict`.
    """

    queries: ClassVar[frozenset[Query]]

    def __init__(self, signature: Signature, output_domain: Domain) -> None:
        super().__init__()
        self.signature = signature
        self.output_domain = output_domain

    @staticmethod
    def build(signature: Signature, preset: str, output_domain: Domain | None = None) -> "Operator":
        """The operator of the catalogue that `preset` names: a family, "fno", or one of its sizes, "fno/darcy".

        The output domain may be left out where the signature tells it, as it does for grids. Raises UnknownNameError
        with the nearest name, SignatureError for a signature that the family cannot serve.

        >>> from fredholm.fields import Axis, DomainType, Function, Grid, Quantity
        >>> square = DomainType.of(Grid(Axis("x", 0, 1, 32), Axis("y", 0, 1, 32)))
        >>> signature = Signature({"a": Function((Quantity("a"),), square)}, Function((Quantity("u"),), square))
        >>> type(Operator.build(signature, "fno/tiny")).__name__
        'GridOperator'
        """
        from fredholm.operators.catalogue import preset_named

        domain = signature.output.domain.grid() if output_domain is None else output_domain
        return preset_named(preset).build(signature, domain)

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """Values of the output function."""

    def adapted(self, inputs: Inputs, outputs: Tensor) -> "Operator":
        """The same weights with normalisers fitted to training samples, where the operator has any.

        `outputs` are (samples, channels, ...); call it before training.
        """
        return self

    def field(self, inputs: Mapping[str, Tensor | np.ndarray], query: Tensor | np.ndarray | None = None) -> Field:
        """The answer as a field, which plots itself: without gradients, after checking names, shapes and values.

        Args:
            inputs: as for `forward`; arrays of NumPy will do.
            query: points (m, d) to ask at; the field then lives on their cloud.

        Raises SignatureError, naming the entry, for what does not fit.

        >>> operator.field({"load": load}).plot()  # doctest: +SKIP
        """
        given = {name: torch.as_tensor(values, dtype=torch.float32) for name, values in inputs.items()}
        points = None if query is None else torch.as_tensor(query, dtype=torch.float32)
        self.signature.check(given, points, finite=True)
        self.require_query(points)
        axes, domain = self.signature.output.domain.axes, self.output_domain
        if points is not None:
            if points.ndim == 3:
                raise SignatureError("a field lives on one domain: ask at points (m, d) that the batch shares")
            domain = PointCloud(points.double(), tuple(a.name for a in axes), tuple(a.units for a in axes))
        training = self.training
        self.eval()
        with torch.inference_mode():
            values: Tensor = self(given, points)
        self.train(training)
        return Field(values, domain, self.signature.output.channels)

    def _repr_html_(self) -> str:
        rows = [list(row.values()) for row in entries_of(self.signature)]
        title = f"{type(self).__name__}: {self.parameter_count:,} weights, {self.stored_bytes / 1e6:.3g} MB"
        return html_table(title, ["entry", "quantities", "shape of a sample", "where"], rows)

    def require_query(self, query: Tensor | None) -> None:
        """Raise SignatureError if this operator cannot be asked in this way."""
        kind = Query.DOMAIN if query is None else Query.SHARED if query.ndim == 2 else Query.PER_SAMPLE
        if kind not in self.queries:
            can = "; ".join(sorted(option.value for option in self.queries))
            raise SignatureError(f"{type(self).__name__} cannot answer {kind.value}; it answers {can}")

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    @property
    def stored_bytes(self) -> int:
        """Bytes of all parameters and buffers."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.state_dict().values())
