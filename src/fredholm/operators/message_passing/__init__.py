"""Message passing on points: learned stencils on grids, clouds and meshes."""

from fredholm.operators.message_passing.decoder import Pointwise, TimeBundle
from fredholm.operators.message_passing.processor import Processor
from fredholm.operators.message_passing.solver import MessagePassingSolver

__all__ = ["MessagePassingSolver", "Pointwise", "Processor", "TimeBundle"]
