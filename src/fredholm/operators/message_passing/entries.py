"""Message passing in the catalogue."""

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.ball_graph import Ball
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.message_passing.processor import Processor
from fredholm.operators.message_passing.solver import MessagePassingSolver

_REACH = 2.2  # in mean distances of points: 13 neighbours on average in the plane, and 5 on a line


def _solver(width: int, layers: int) -> Build:
    def build(signature: Signature, output_domain: Domain) -> MessagePassingSolver:
        lower, upper = output_domain.bounds
        spacing = (float((upper - lower).prod()) / output_domain.size) ** (1 / len(lower))
        return MessagePassingSolver(signature, output_domain, Processor(Ball(_REACH * spacing), width, layers))

    return build


ENTRIES = (
    Entry(
        name="message-passing",
        title="Message-passing PDE solver",
        paper="Brandstetter, Worrall, Welling, Message passing neural PDE solvers, 2022",
        domains="grids, clouds, meshes; also points that differ by sample",
        boundaries="periodic axes of grids; others are learned",
        transfer="the same weights on any points, within a radius in the units of the coordinates",
        cost="L n (w² k + w d k), k neighbours",
        presets=(
            Preset("small", "width 32, 4 rounds, radius of 2.2 mean distances", _solver(32, 4)),
            Preset("tiny", "width 8, 2 rounds", _solver(8, 2)),
            Preset("published", "width 128, 6 rounds, as for the equations of the paper", _solver(128, 6)),
        ),
    ),
)
