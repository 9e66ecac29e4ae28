"""Batches of fields that live on domains of their own, such as meshes around different airfoils.

They are padded to a common number of points. Padding repeats the first point and has quadrature weight zero, so that
whatever aggregates by quadrature does not see it.
"""

from collections.abc import Sequence

import torch

from fredholm.errors import SignatureError
from fredholm.fields.field import Field
from fredholm.fields.signature import Inputs


def pad_fields(name: str, fields: Sequence[Field]) -> Inputs:
    """The entries `name` (b, c, n), `name.coordinates` (b, n, d) and `name.weights` (b, n) of a batch of fields.

    Raises SignatureError for fields that are batches themselves or have different quantities.

    >>> from fredholm.fields.point_cloud import PointCloud
    >>> from fredholm.fields.signature import Quantity
    >>> fields = [Field(torch.ones(1, n), PointCloud(torch.rand(n, 2), ("x", "y")), (Quantity("u"),)) for n in (5, 8)]
    >>> {key: tuple(value.shape) for key, value in pad_fields("u", fields).items()}
    {'u': (2, 1, 8), 'u.coordinates': (2, 8, 2), 'u.weights': (2, 8)}
    """
    _require_alike(name, fields)
    size = max(field.domain.size for field in fields)
    values, points, weights = [], [], []
    for field in fields:
        missing = size - field.domain.size
        index = torch.cat([torch.arange(field.domain.size), torch.zeros(missing, dtype=torch.int64)])
        values.append(field.flat[..., index])
        points.append(field.domain.coordinates()[index].float())
        weights.append(torch.nn.functional.pad(field.domain.weights(), (0, missing)).float())
    return {
        name: torch.stack(values),
        f"{name}.coordinates": torch.stack(points),
        f"{name}.weights": torch.stack(weights),
    }


def _require_alike(name: str, fields: Sequence[Field]) -> None:
    if not fields:
        raise SignatureError(f"no fields for {name!r}: expected at least one")
    expected = fields[0]
    for number, field in enumerate(fields):
        if field.flat.ndim != 2:
            raise SignatureError(
                f"field {number} of {name!r} is a batch, of shape {tuple(field.values.shape)}; "
                "pass its samples one by one"
            )
        if field.quantities != expected.quantities or field.domain.dimension != expected.domain.dimension:
            raise SignatureError(
                f"field {number} of {name!r} has the quantities {field.quantities} in {field.domain.dimension}-D; "
                f"expected {expected.quantities} in {expected.domain.dimension}-D as in field 0"
            )
