"""The problems as rows and as pages: what each is, what goes in and comes out, what a sample costs.

A page is the documentation of the problem's module, its signature and its parameters. `measured.json` holds what
`python benchmarks/problems.py --write` printed: seconds a sample of the reference solver, with date and machine.
"""

import inspect
import json
import re
import sys
from dataclasses import MISSING, fields
from functools import cache
from importlib.resources import files
from typing import Any

from fredholm.errors import UnknownNameError
from fredholm.fields.signature import Function, Parameter
from fredholm.problems.problem import Problem, StrongForm
from fredholm.problems.registry import PROBLEMS


@cache
def measured() -> dict[str, Any]:
    """Seconds a sample by problem, with command, date and machine."""
    loaded: dict[str, Any] = json.loads(files("fredholm.problems").joinpath("measured.json").read_text("utf-8"))
    return loaded


def rows() -> list[dict[str, Any]]:
    """One row a problem, for a table."""
    return [{"name": name, "summary": PROBLEMS[name].summary, "a sample": cost(name)} for name in sorted(PROBLEMS)]


def cost(name: str) -> str:
    """Time of the reference solver for one sample, as measured; nothing if it was not."""
    seconds = measured()["problems"].get(name)
    if seconds is None:
        return ""
    return f"{seconds:.2g} s" if seconds >= 1 else f"{1e3 * seconds:.2g} ms"


def page(name: str) -> str:
    """The documentation's page of one problem, in Markdown; raises UnknownNameError with the nearest name."""
    if name not in PROBLEMS:
        raise UnknownNameError("problem", name, PROBLEMS)
    kind = PROBLEMS[name]
    problem = kind()
    title, text = (inspect.cleandoc(sys.modules[kind.__module__].__doc__ or "") + "\n\n").split("\n", 1)
    lines = [f"# {name}", "", title, "", text.strip("\n"), "", f"![Samples](../images/problems/{name}.png)", ""]
    lines += ["```bash", f"fredholm generate {name} -n 100 -o data/{name}", "```", ""]
    lines += _functions(problem)
    lines += _parameters(kind)
    if cost(name):
        facts = measured()
        lines += ["", f"A sample takes the reference solver {cost(name)} ({facts['machine']}, {facts['date']}, by"]
        lines += [f"`{facts['command']}`)."]
    return "\n".join(lines) + "\n"


def _functions(problem: Problem) -> list[str]:
    signature = problem.signature
    entries: dict[str, Function | Parameter] = {**signature.inputs, "output": signature.output}
    lines = ["| | quantities | domain |", "|---|---|---|"]
    for name, entry in entries.items():
        quantities = entry.channels if isinstance(entry, Function) else entry.components
        named = ", ".join(f"{q.name}, {q.units}".rstrip(", ") for q in quantities)
        lines.append(f"| `{name}` | {named} | {_domain(entry) if isinstance(entry, Function) else 'numbers'} |")
    if isinstance(problem, StrongForm):
        lines += ["", "`problem.residual(inputs, output)` evaluates the equation on any field, with a gradient."]
    return lines


def _domain(function: Function) -> str:
    axes = ", ".join(f"{a.name} in [{a.lower:.4g}, {a.upper:.4g}] {a.units}".rstrip() for a in function.domain.axes)
    shape = function.domain.shape
    return f"{'one a sample' if shape is None else ' x '.join(map(str, shape))}; {axes}"


def _parameters(kind: type[Problem]) -> list[str]:
    """The arguments of the class with their defaults, and what its documentation says of them."""
    meanings = _meanings(inspect.getdoc(kind) or "")
    lines = ["", "| parameter | default | |", "|---|---|---|"]
    for field in fields(kind):  # type: ignore[arg-type]
        default = field.default if field.default_factory is MISSING else field.default_factory()
        lines.append(f"| `{field.name}` | `{default}` | {meanings.get(field.name, '')} |")
    return lines if len(lines) > 3 else []


def _meanings(documentation: str) -> dict[str, str]:
    """What stands behind each name under `Args:`."""
    block = re.search(r"^Args:\n((?:    .*\n?)+)", documentation, re.MULTILINE)
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?!        )", block.group(1).rstrip()) if block else []:
        names, _, meaning = entry.strip().partition(": ")
        found |= dict.fromkeys(names.split(", "), " ".join(meaning.split()))
    return found
