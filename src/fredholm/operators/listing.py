"""The catalogue as rows and as a page: what is known of every family, with what it measured on one common problem.

`measured.json` holds what `python benchmarks/catalogue.py` printed: every family's size "small" on the same samples,
steps and seed, with the date and the machine.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from fredholm.errors import UnknownNameError
from fredholm.operators.catalogue import OPERATORS
from fredholm.operators.entry import Entry

_INTRODUCTION = """# Operators

Every operator speaks [the contract](contract.md): `operator(inputs, query)`, with named inputs in, and channels at the
points one asks for out. A signature is all it takes to build one:

```python
from fredholm.operators import Operator

operator = Operator.build(data.signature, "fno", data.output_domain)  # or "fno/tiny", "fno/small", ...
operator = operator.adapted(data.inputs(samples), data.outputs(samples))  # normalised by the data
```

`fredholm train DATA --operator fno` does the same and trains. `fredholm operators` prints this page's table, and
`fredholm operators NAME` all that is known of one.
"""


@cache
def measured() -> dict[str, Any]:
    """What the common benchmark printed: problem, command, date, machine, and results by operator."""
    loaded: dict[str, Any] = json.loads(files("fredholm.operators").joinpath("measured.json").read_text("utf-8"))
    return loaded


def rows() -> list[dict[str, Any]]:
    """One row a family, for a table."""
    return [
        {
            "name": entry.name,
            "domains": entry.domains,
            "boundaries": entry.boundaries,
            "other resolutions": entry.transfer,
            "cost": entry.cost,
            **_measured_cells(entry.name),
        }
        for entry in OPERATORS.values()
    ]


def details(name: str) -> list[dict[str, Any]]:
    """All that is known of one family; raises UnknownNameError with the nearest name."""
    if name not in OPERATORS:
        raise UnknownNameError("operator", name, OPERATORS)
    entry = OPERATORS[name]
    presets = {f"{name}/{preset.name}": preset.summary for preset in entry.presets}
    return [
        {
            "title": entry.title,
            "paper": entry.paper,
            "domains": entry.domains,
            "boundaries": entry.boundaries,
            "other resolutions": entry.transfer,
            "cost": entry.cost,
            **_measured_cells(name),
            **presets,
        }
    ]


def page() -> str:
    """The documentation's page of operators, in Markdown."""
    lines = [_INTRODUCTION, "## What there is", ""]
    lines += ["| operator | domains | other resolutions |", "|---|---|---|"]
    lines += [f"| [`{e.name}`](#{e.name}) | {e.domains} | {e.transfer} |" for e in OPERATORS.values()]
    if measured()["operators"]:
        lines += ["", *_measurements()]
    for entry in OPERATORS.values():
        lines += ["", *_section(entry)]
    return "\n".join(lines) + "\n"


def _measurements() -> list[str]:
    """What every operator measured on the common problem."""
    result = measured()
    lines = ["## Measured on one common problem", ""]
    lines += [f"{result['problem']} Printed by `{result['command']}`, {result['date']}, {result['machine']}.", ""]
    lines += ["| operator | parameters | relative L2 error | training step | one answer |", "|---|---|---|---|---|"]
    for name in OPERATORS:
        cells = _measured_cells(name)
        lines.append(f"| [`{name}`](#{name}) | " + " | ".join(str(cell) for cell in cells.values()) + " |")
    return lines


def _section(entry: Entry) -> list[str]:
    facts = {
        "domains": entry.domains,
        "boundaries": entry.boundaries,
        "other resolutions": entry.transfer,
        "cost of an answer": entry.cost,
        "source": entry.paper,
    }
    lines = [f"## {entry.name}", "", f"{entry.title}.", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {text} |" for what, text in facts.items()]
    lines += [f"| `{entry.name}/{preset.name}` | {preset.summary} |" for preset in entry.presets]
    return lines


def _measured_cells(name: str) -> dict[str, str]:
    result = measured()["operators"].get(name)
    if result is None:
        return {"parameters": "", "error": "", "step": "", "answer": ""}
    return {
        "parameters": f"{result['parameters']:,}",
        "error": f"{100 * result['relative_l2']:.1f} %",
        "step": f"{result['step_ms']:.3g} ms",
        "answer": f"{result['answer_ms']:.3g} ms",
    }
