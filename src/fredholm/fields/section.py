"""Sections: a field where one of its coordinates has a value, such as a state at a time.

    u(x, t)  ->  u(x, t₀)

Only the axes of grids can be cut, alone or as factors of a product; clouds, meshes and spheres stay whole.
"""

from fredholm.errors import OutsideDomainError, SignatureError, UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.field import Field
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.product import Product


def cut_axes(domain: Domain) -> dict[str, tuple[int, Axis]]:
    """The axes that can be cut, by name: the place among the domain's dimensions, and the axis.

    >>> [(name, place) for name, (place, _) in cut_axes(Grid(Axis("x", 0, 1, 5)) * Grid(Axis("t", 0, 1, 3))).items()]
    [('x', 0), ('t', 1)]
    """
    if isinstance(domain, Grid):
        return {axis.name: (place, axis) for place, axis in enumerate(domain.axes)}
    if isinstance(domain, Product):
        behind = {
            name: (place + len(domain.first.shape), axis) for name, (place, axis) in cut_axes(domain.second).items()
        }
        return {**cut_axes(domain.first), **behind}
    return {}


def section(field: Field, name: str, value: float) -> Field:
    """See `Field.section`."""
    axes = cut_axes(field.domain)
    if name not in axes:
        raise UnknownNameError("axis to cut", name, axes)
    _, axis = axes[name]
    if not axis.lower <= value <= axis.upper:
        raise OutsideDomainError(
            f"{name} = {value:g} lies outside [{axis.lower:g}, {axis.upper:g}] {axis.units}".rstrip()
        )
    return section_at(field, name, round((value - axis.lower) / axis.spacing) % axis.size)


def section_at(field: Field, name: str, index: int) -> Field:
    """The section at a point of the axis, counted from its lower end."""
    place, _ = cut_axes(field.domain)[name]
    rest = _rest(field.domain, place, index)
    if rest is None:
        raise SignatureError(f"{name!r} is the only axis of the field: ask for its value there with Field.at")
    values = field.values.select(place - len(field.domain.shape), index)
    return Field(values, rest, field.quantities)


def _rest(domain: Domain, place: int, index: int) -> Domain | None:
    """The domain without the axis at `place`; None where nothing is left."""
    if isinstance(domain, Product):
        ahead = len(domain.first.shape)
        if place < ahead:
            first = _rest(domain.first, place, index)
            return domain.second if first is None else Product(first, domain.second)
        second = _rest(domain.second, place - ahead, index)
        return domain.first if second is None else Product(domain.first, second)
    assert isinstance(domain, Grid)
    axes = domain.axes[:place] + domain.axes[place + 1 :]
    mask = None if domain.mask is None else domain.mask.select(place, index)
    return Grid(*axes, mask=mask) if axes else None
