"""A signature in words: what a person wants to know of each input and of the output."""

from fredholm.fields.signature import Function, Parameter, Signature

_MOST_NAMED = 8  # quantities named in a row


def entries_of(signature: Signature) -> list[dict[str, str]]:
    """A signature in words, a row for each input and for the output.

    >>> from fredholm.fields.grid import Axis, Grid
    >>> from fredholm.fields.signature import DomainType, Quantity
    >>> u = Function((Quantity("u", "m"),), DomainType.of(Grid(Axis("x", 0, 1, 8, "km"))))
    >>> entries_of(Signature({"u": u}, u))[0]
    {'entry': 'input u', 'quantities': 'u [m]', 'shape': '1 x 8', 'where': 'x in [0, 1] km'}
    """
    rows = {**{f"input {name}": entry for name, entry in signature.inputs.items()}, "output": signature.output}
    return [{"entry": name, **_in_words(entry)} for name, entry in rows.items()]


def _in_words(entry: Function | Parameter) -> dict[str, str]:
    quantities = entry.components if isinstance(entry, Parameter) else entry.channels
    shown = [f"{q.name} [{q.units}]".removesuffix(" []") for q in quantities]
    named = ", ".join(shown if len(shown) <= _MOST_NAMED else [*shown[:2], "...", shown[-1]])
    if isinstance(entry, Parameter):
        return {"quantities": named, "shape": str(len(quantities)), "where": "a parameter"}
    axes = [
        f"{a.name} in [{a.lower:g}, {a.upper:g}{')' if a.periodic else ']'} {a.units}".rstrip()
        for a in entry.domain.axes
    ]
    shape = ("points of each sample's own",) if entry.domain.shape is None else tuple(map(str, entry.domain.shape))
    return {"quantities": named, "shape": " x ".join([str(len(quantities)), *shape]), "where": ", ".join(axes)}
