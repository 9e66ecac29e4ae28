"""A picture of a problem: two of its samples, every input function and the output."""

from typing import Any

import torch
from torch import Tensor

from fredholm.fields.domain import Coordinate, Domain
from fredholm.fields.signature import Function, Parameter
from fredholm.problems.problem import Problem

_SAMPLES = 2


def problem_picture(problem: Problem, seed: int = 0) -> Any:
    """A matplotlib figure: a row a sample, a panel a function; numbers are the titles of their rows.

    Functions of one variable are lines; of more they are maps, late in time and cut at the middle of every direction
    beyond the second; those on clouds and meshes are coloured points.
    """
    from matplotlib.figure import Figure

    inputs = problem.sample(_SAMPLES, seed)
    panels = [
        (name, problem.input_domains[name], function, inputs[name])
        for name, function in problem.signature.inputs.items()
        if isinstance(function, Function)
    ]
    panels.append(("output", problem.output_domain, problem.signature.output, problem.solve(inputs)))
    figure = Figure(figsize=(3.6 * len(panels), 2.9 * _SAMPLES), layout="constrained")
    axes = figure.subplots(_SAMPLES, len(panels), squeeze=False)
    for sample in range(_SAMPLES):
        for column, (name, domain, function, values) in enumerate(panels):
            panel = axes[sample][column]
            points = _points(name, domain, panels, inputs, sample)
            image = _drawn(panel, domain, points, values[sample, 0].detach())
            quantity = function.channels[0]
            label = f"{quantity.name}, {quantity.units}".rstrip(", ")
            if image is None:
                panel.set_ylabel(label)
            else:
                figure.colorbar(image, ax=panel, label=label)
            if sample == 0:
                panel.set_title(name)
        numbers = _numbers(problem, inputs, sample)
        if numbers:
            axes[sample][0].set_title(numbers if sample else f"{panels[0][0]}\n{numbers}", fontsize="small")
    return figure


def _points(name: str, domain: Domain, panels: Any, inputs: dict[str, Tensor], sample: int) -> Tensor:
    """Where the function of this sample is known: on its own points where they vary."""
    own = [inputs[f"{other}.coordinates"] for other, *_ in panels if f"{other}.coordinates" in inputs]
    given = inputs.get(f"{name}.coordinates", own[0] if own and name == "output" else None)
    return domain.coordinates() if given is None else given[sample]


def _drawn(panel: Any, domain: Domain, points: Tensor, values: Tensor) -> Any:
    axes = list(domain.coordinate_axes)
    if len(axes) == 1:
        panel.plot(points[:, 0], values)
        panel.set_xlabel(_label(axes[0]))
        return None
    if values.ndim == 1:
        middle = torch.ones(len(values), dtype=torch.bool)
        for direction in range(2, len(axes)):  # a slab around the middle
            away = (points[:, direction] - points[:, direction].median()).abs()
            middle &= away <= away.quantile(0.3)
        image = panel.scatter(points[middle, 0], points[middle, 1], c=values[middle], s=6, cmap="viridis")
    else:
        axes, values = _cut(axes, values)
        edges = [end for axis in axes for end in (axis.lower, axis.upper)]
        image = panel.imshow(values.T, origin="lower", extent=edges, aspect="auto", cmap="viridis")
    panel.set_xlabel(_label(axes[0]))
    panel.set_ylabel(_label(axes[1]))
    return image


def _cut(axes: list[Coordinate], values: Tensor) -> tuple[list[Coordinate], Tensor]:
    """Two directions, the horizontal one first, of a field late in time and at the middle of all others."""
    while values.ndim > 2:
        times = [place for place, axis in enumerate(axes) if axis.name == "t"]
        place = times[0] if times else len(axes) - 1
        size = values.shape[place]
        values = values.select(place, 3 * size // 4 if times else size // 2)
        axes = axes[:place] + axes[place + 1 :]
    upright = axes[0].name in ("y", "z", "latitude")
    return (axes[::-1], values.T) if upright else (axes, values)


def _label(axis: Coordinate) -> str:
    return f"{axis.name}, {axis.units}".rstrip(", ")


def _numbers(problem: Problem, inputs: dict[str, Tensor], sample: int) -> str:
    """The parameters of a sample, four at most, two a line."""
    found = [
        f"{quantity.name} = {float(value):.3g} {quantity.units}".rstrip()
        for name, entry in problem.signature.inputs.items()
        if isinstance(entry, Parameter)
        for quantity, value in zip(entry.components, inputs[name][sample], strict=True)
    ]
    shown = found[:4] + (["..."] if len(found) > 4 else [])
    return "\n".join(", ".join(shown[i : i + 2]) for i in range(0, len(shown), 2))
