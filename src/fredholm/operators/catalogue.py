"""The catalogue: every family of operators, what it can do, what it costs, and the sizes in which it is built.

`Operator.build(signature, "fno")` makes an operator of it; `fredholm operators` prints it.
"""

from importlib import import_module

from fredholm.errors import UnknownNameError
from fredholm.operators.entry import Entry, Preset

_FAMILIES = (  # in the order of the listing
    "deeponet",
    "fourier",
    "transform_once",
    "multigrid",
    "latent_spectral",
    "unet",
    "convolutional",
    "attention",
    "graph",
    "message_passing",
    "sphere",
    "baselines",
)


def _entries() -> dict[str, Entry]:
    families = [import_module(f"fredholm.operators.{family}.entries").ENTRIES for family in _FAMILIES]
    return {entry.name: entry for entries in families for entry in entries}


OPERATORS: dict[str, Entry] = _entries()


def preset_named(name: str) -> Preset:
    """The preset "family/size", or a family's first; raises UnknownNameError with the nearest name.

    >>> preset_named("fno/tiny").name
    'tiny'
    """
    family, _, size = name.partition("/")
    if family not in OPERATORS:
        raise UnknownNameError("operator", family, OPERATORS)
    return OPERATORS[family].preset(size or None)
