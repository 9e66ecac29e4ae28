"""Operators: maps from functions to functions.

    Operator.build(signature, "fno")      any operator of the catalogue, by name
    GridOperator(signature, grid, FNO(...))    an operator around a network on a grid
    DeepONet(signature, domain, branch, trunk)

Networks of the families are loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fredholm.operators.deeponet import DeepONet, FixedQuery, fit_linear_branch, fit_pod_linear
from fredholm.operators.feed_forward import FeedForward
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.operator import Operator, Query

if TYPE_CHECKING:
    from fredholm.operators.attention import TransformerOperator
    from fredholm.operators.conservative_step import ConservativeStep
    from fredholm.operators.conversion import to_operator
    from fredholm.operators.convolutional import ConvNet, LocalNO
    from fredholm.operators.decomposition import Decomposed, decomposed
    from fredholm.operators.fourier import FNO
    from fredholm.operators.fourier.patched import PatchedNetwork
    from fredholm.operators.graph import GraphOperator
    from fredholm.operators.input_output_interpolation import InputOutputInterpolation
    from fredholm.operators.latent_spectral import LSM, IrregularLSM
    from fredholm.operators.message_passing import MessagePassingSolver
    from fredholm.operators.multigrid import MgNO, as_preconditioner
    from fredholm.operators.sphere import SFNO, GraphCast, SphericalSwin, SphericalUNet
    from fredholm.operators.transform_once import T1
    from fredholm.operators.unet import IntegralUNet, ModernUNet, UNet

_HOMES = {
    "ConservativeStep": "conservative_step",
    "ConvNet": "convolutional",
    "Decomposed": "decomposition",
    "FNO": "fourier",
    "GraphCast": "sphere",
    "GraphOperator": "graph",
    "InputOutputInterpolation": "input_output_interpolation",
    "IntegralUNet": "unet",
    "IrregularLSM": "latent_spectral",
    "LSM": "latent_spectral",
    "LocalNO": "convolutional",
    "MessagePassingSolver": "message_passing",
    "MgNO": "multigrid",
    "ModernUNet": "unet",
    "PatchedNetwork": "fourier.patched",
    "SFNO": "sphere",
    "SphericalSwin": "sphere",
    "SphericalUNet": "sphere",
    "T1": "transform_once",
    "TransformerOperator": "attention",
    "UNet": "unet",
    "as_preconditioner": "multigrid",
    "decomposed": "decomposition",
    "to_operator": "conversion",
}

__all__ = [
    "FNO",
    "LSM",
    "SFNO",
    "T1",
    "ConservativeStep",
    "ConvNet",
    "Decomposed",
    "DeepONet",
    "FeedForward",
    "FixedQuery",
    "GraphCast",
    "GraphOperator",
    "GridNetwork",
    "GridOperator",
    "InputOutputInterpolation",
    "IntegralUNet",
    "IrregularLSM",
    "LocalNO",
    "MessagePassingSolver",
    "MgNO",
    "ModernUNet",
    "Operator",
    "PatchedNetwork",
    "Query",
    "SphericalSwin",
    "SphericalUNet",
    "TransformerOperator",
    "UNet",
    "as_preconditioner",
    "decomposed",
    "fit_linear_branch",
    "fit_pod_linear",
    "to_operator",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"fredholm.operators.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'fredholm.operators' has no attribute {name!r}; it offers {', '.join(__all__)}")
