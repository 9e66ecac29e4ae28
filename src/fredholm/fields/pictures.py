"""Pictures of fields: curves, maps, coloured points and meshes, states at times; each axis and bar with its unit.

A picture is a matplotlib figure of its own, outside pyplot: it needs no screen, leaves no state behind, and is freed
with its last reference. This file loads matplotlib, and is loaded when the first picture is asked for.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from fredholm.errors import SignatureError, UnknownNameError
from fredholm.fields.domain import Coordinate, Domain
from fredholm.fields.field import Field
from fredholm.fields.grid import Grid
from fredholm.fields.mesh import Mesh
from fredholm.fields.product import grid_axes
from fredholm.fields.section import cut_axes, section_at
from fredholm.fields.signature import Quantity
from fredholm.fields.sphere_grid import SphereGrid

_STATES = 4  # sections of a field that has an axis too many
_TIMES = ("t", "time")
_UPRIGHT = ("y", "z", "latitude")


class Picture(Figure):
    """A matplotlib figure that notebooks show; `savefig` writes it.

    >>> picture = Picture(figsize=(4, 3), layout="constrained")
    >>> picture.subplots().plot([0, 1])  # doctest: +SKIP
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
        return buffer.getvalue()


def picture_of(field: Field, sample: int = 0, channels: Sequence[str] | None = None) -> Picture:
    """See `Field.plot`."""
    one = only(field, sample)
    chosen = [quantity.name for quantity in field.quantities] if channels is None else channels
    rows = [{place: channel_of(state, name) for place, state in states_of(one).items()} for name in chosen]
    return panels(rows, shared=True)


def panels(rows: Sequence[Mapping[str, Field]], titles: Sequence[str] = (), shared: bool = False) -> Picture:
    """A row of panels for each mapping from titles to fields of one sample and one channel on what can be drawn.

    Args:
        rows: what is drawn; the keys of the first row are the titles of the columns.
        titles: a text under the title of the first panel of each row.
        shared: whether the panels of a row share their colours and heights, as states of one field should.
    """
    columns = max(len(row) for row in rows)
    picture = Picture(figsize=(3.6 * columns, 2.9 * len(rows)), layout="constrained")
    grid = picture.subplots(len(rows), columns, squeeze=False)
    for number, row in enumerate(rows):
        limits = limits_of(torch.cat([field.values.flatten() for field in row.values()])) if shared else None
        for column, (title, field) in enumerate(row.items()):
            panel = grid[number][column]
            image = draw(panel, field, limits)
            label = with_unit(field.quantities[0])
            if image is not None:
                picture.colorbar(image, ax=panel, label=label)
            else:
                panel.set_ylabel(label)
            lines = [title] if number == 0 else []
            lines += [titles[number]] if column == 0 and number < len(titles) and titles[number] else []
            panel.set_title("\n".join(lines), fontsize="medium" if len(lines) < 2 else "small")
        for panel in grid[number][len(row) :]:
            panel.set_axis_off()
    return picture


def draw(axes: Any, field: Field, limits: tuple[float, float] | None = None) -> Any:
    """Draw one channel on matplotlib axes; answers what a colour bar needs, or None for a curve.

    Functions of one variable are curves; grids and spheres are maps; triangles are shaded; other points are coloured,
    in space those near the middle.
    """
    domain, values = field.domain, field.values.detach().cpu().double()
    values = values.reshape(values.shape[values.ndim - len(domain.shape) :])
    if domain.dimension == 1:
        points = domain.coordinates()[:, 0]
        order = points.argsort()
        axes.plot(points[order], values[order])
        axes.set_xlabel(with_unit(domain.coordinate_axes[0]))
        if limits is not None:
            axes.set_ylim(*_with_margin(limits))
        return None
    lower, upper = limits or limits_of(values)
    style = {"vmin": lower, "vmax": upper, "cmap": "RdBu_r" if lower == -upper else "viridis"}
    if isinstance(domain, SphereGrid):
        return _sphere(axes, domain, values, style)
    if len(domain.shape) == 2:
        return _image(axes, domain, values, style)
    across, up = domain.coordinate_axes[:2]
    points = domain.coordinates()
    if isinstance(domain, Mesh) and domain.dimension == 2:
        image = axes.tripcolor(
            points[:, 0], points[:, 1], values, triangles=domain.simplices, shading="gouraud", **style
        )
    else:
        near = _near_middle(points)
        if style["cmap"] == "RdBu_r":
            style["cmap"] = "coolwarm"  # whose middle is seen on white
        image = axes.scatter(points[near, 0], points[near, 1], c=values[near], s=6, **style)
    return _labelled(axes, image, across, up)


def states_of(field: Field) -> dict[str, Field]:
    """A field cut until it can be drawn: at four times, and in the middle of further directions; by title.

    Raises SignatureError for a product in which nothing can be cut.
    """
    if can_be_drawn(field.domain):
        return {"": field}
    name = axis_to_cut(field.domain)
    _, axis = cut_axes(field.domain)[name]
    picks = torch.linspace(0.08, 0.92, _STATES).mul(axis.size - 1).round().long().unique().tolist()
    states = {}
    for index in picks:
        states[f"{name} = {float(axis.points()[index]):.3g} {axis.units}".rstrip()] = middle(
            section_at(field, name, index)
        )
    return states


def middle(field: Field) -> Field:
    """A field cut in the middle of its last directions until it can be drawn."""
    while not can_be_drawn(field.domain):
        name = axis_to_cut(field.domain)
        field = section_at(field, name, cut_axes(field.domain)[name][1].size // 2)
    return field


def can_be_drawn(domain: Domain) -> bool:
    """Whether there is a picture of a field on it without a section."""
    if len(domain.shape) == 1 or isinstance(domain, SphereGrid):
        return True
    return len(domain.shape) == 2 and len(cut_axes(domain)) == 2


def axis_to_cut(domain: Domain) -> str:
    """The axis along which a field is shown in sections: time if there is one, else the last."""
    axes = list(cut_axes(domain))
    if not axes:
        raise SignatureError(f"{domain!r} has no axis to cut and no picture: interpolate onto a grid first")
    return next((name for name in axes if name in _TIMES), axes[-1])


def only(field: Field, sample: int) -> Field:
    """The field of one sample, without axes of samples; raises SignatureError where there are not so many."""
    own = (len(field.quantities), *field.domain.shape)
    values = field.values.detach().reshape(-1, *own)
    if not -len(values) <= sample < len(values):
        raise SignatureError(f"sample {sample} was asked for; the field has 0..{len(values) - 1}")
    return Field(values[sample], field.domain, field.quantities)


def channel_of(field: Field, name: str) -> Field:
    """One channel of a field without axes of samples; raises UnknownNameError with the nearest name."""
    names = [quantity.name for quantity in field.quantities]
    if name not in names:
        raise UnknownNameError("channel", name, names)
    place = names.index(name)
    return Field(field.values[place : place + 1], field.domain, field.quantities[place : place + 1])


def limits_of(values: Tensor) -> tuple[float, float]:
    """The range of finite values, symmetric about zero where both signs matter."""
    finite = values[torch.isfinite(values)]
    if not len(finite):
        return (0.0, 1.0)
    lower, upper = float(finite.min()), float(finite.max())
    if min(-lower, upper) > 0.2 * max(-lower, upper):
        upper = max(-lower, upper)
        lower = -upper
    return (lower, upper)


def with_unit(what: Coordinate | Quantity) -> str:
    """A label such as "p, Pa".

    >>> with_unit(Quantity("p", "Pa")), with_unit(Quantity("u"))
    ('p, Pa', 'u')
    """
    return f"{what.name}, {what.units}".removesuffix(", ")


def _image(axes: Any, domain: Domain, values: Tensor, style: dict[str, Any]) -> Any:
    across, up = (axis.coordinate() for axis in grid_axes(domain))
    if isinstance(domain, Grid) and domain.mask is not None:
        values = values.masked_fill(~domain.mask, math.nan)
    if across.name in _UPRIGHT or (across.name in _TIMES and up.name not in _UPRIGHT):
        across, up, values = up, across, values.T
    extent = (across.lower, across.upper, up.lower, up.upper)
    alike = across.units == up.units and {across.name, up.name}.isdisjoint(_TIMES)
    shape = "equal" if alike and 0.2 < across.extent / up.extent < 5 else "auto"
    return _labelled(axes, axes.imshow(values.T, origin="lower", extent=extent, aspect=shape, **style), across, up)


def _sphere(axes: Any, domain: SphereGrid, values: Tensor, style: dict[str, Any]) -> Any:
    degrees = 180 / math.pi
    longitude = torch.arange(domain.longitudes, dtype=torch.float64) * 360 / domain.longitudes
    image = axes.pcolormesh(longitude, domain.latitudes * degrees, values, shading="nearest", **style)
    axes.set_xlabel("longitude, °")
    axes.set_ylabel("latitude, °")
    return image


def _near_middle(points: Tensor) -> Tensor:
    """Of points in space, those in a slab around the middle of every direction beyond the second."""
    near = torch.ones(len(points), dtype=torch.bool)
    for direction in range(2, points.shape[1]):
        away = (points[:, direction] - points[:, direction].median()).abs()
        near &= away <= away.quantile(0.3)
    return near


def _labelled(axes: Any, image: Any, across: Coordinate, up: Coordinate) -> Any:
    axes.set_xlabel(with_unit(across))
    axes.set_ylabel(with_unit(up))
    return image


def _with_margin(limits: tuple[float, float]) -> tuple[float, float]:
    margin = 0.05 * (limits[1] - limits[0]) or 1.0
    return limits[0] - margin, limits[1] + margin
