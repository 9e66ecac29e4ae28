"""Fredholm: learn operators between functions, and run them for real.

    solver or data -> generate -> train -> evaluate -> export -> serve

The public names are loaded when first used, so that `import fredholm` costs little.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from fredholm import data, fields, operators, problems, testing, training
    from fredholm.data import generate, open_dataset, open_file, simulate
    from fredholm.deploy import export, load, save, serve
    from fredholm.evaluation import evaluate
    from fredholm.training import fit, fit_one_cycle

_PACKAGES = ("data", "fields", "operators", "problems", "testing", "training")
_HOMES = {
    "generate": "fredholm.data",
    "open_dataset": "fredholm.data",
    "open_file": "fredholm.data",
    "simulate": "fredholm.data",
    "fit": "fredholm.training",
    "fit_one_cycle": "fredholm.training",
    "evaluate": "fredholm.evaluation",
    "save": "fredholm.deploy",
    "load": "fredholm.deploy",
    "export": "fredholm.deploy",
    "serve": "fredholm.deploy",
}

__all__ = [
    "data",
    "evaluate",
    "export",
    "fields",
    "fit",
    "fit_one_cycle",
    "generate",
    "load",
    "open_dataset",
    "open_file",
    "operators",
    "problems",
    "save",
    "serve",
    "simulate",
    "testing",
    "training",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"fredholm.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'fredholm' has no attribute {name!r}; it offers {', '.join(__all__)}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
