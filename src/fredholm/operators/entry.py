"""What the catalogue says of a family of operators, and the sizes in which it is built.

A family states where it works and what it costs; what it measures on the common problem is printed by
`benchmarks/catalogue.py` and stands in the documentation.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fredholm.errors import UnknownNameError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.grid_inputs import GridInputs
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.operator import Operator

Build = Callable[[Signature, Domain], Operator]


def on_domain(network: Callable[[int, int, Domain], GridNetwork]) -> Build:
    """Build the operator around network(inputs, outputs, domain), which sees all inputs and the coordinates."""

    def build(signature: Signature, output_domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, output_domain)
        made = network(inputs.channels, len(signature.output.channels), output_domain)
        return GridOperator(signature, output_domain, made, inputs)

    return build


def on_grid(network: Callable[[int, int, int], GridNetwork]) -> Build:
    """Build the operator around network(inputs, outputs, dimension), which sees all inputs and the coordinates."""
    return on_domain(lambda inputs, outputs, domain: network(inputs, outputs, len(domain.shape)))


@dataclass(frozen=True)
class Preset:
    """A size that is known to work: "tiny" (for tests), "small" (for a laptop), or that of a paper's experiment.

    `build(signature, output_domain)` makes the operator; it raises SignatureError for a signature it cannot serve.
    """

    name: str
    summary: str
    build: Build


@dataclass(frozen=True)
class Entry:
    """A family of operators.

    Args:
        name: short, as on the command line.
        title: in the field's words.
        paper: authors, title, year.
        domains: where input and output functions live.
        boundaries: the boundary conditions it can respect, and by what.
        transfer: whether the same weights work on other resolutions, and what limits that.
        cost: law of operations of one evaluation; n points, w channels, m modes an axis, L layers.
        presets: sizes; the first is what `Operator.build` makes by default.
    """

    name: str
    title: str
    paper: str
    domains: str
    boundaries: str
    transfer: str
    cost: str
    presets: tuple[Preset, ...]

    def preset(self, name: str | None = None) -> Preset:
        """The preset `name`, or the first; raises UnknownNameError with the nearest name."""
        presets = {preset.name: preset for preset in self.presets}
        if name is None:
            return self.presets[0]
        if name not in presets:
            raise UnknownNameError(f"preset of {self.name}", name, presets)
        return presets[name]
