"""A DeepONet of windows, folded for control loops: at fixed times trunk, bias and units are one matrix.

    x(τ_j) = Σₖ bₖ(u, x₀) tₖ(τ_j) = G_j h(u, x₀) + g_j (+ x₀),       h: the hidden layers of the branch

Standardisation goes into the first layer and the trunk behind the last, in float64; what is left is a network of three
or so small matrices. Along a record all that depends on commands alone is one product for all windows, and a compiled
loop carries the state from window to window.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import nn

from fredholm.data.windows import Windows, state_channels
from fredholm.errors import ExportError
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.perceptron import MLP
from fredholm.operators.deeponet import DeepONet, NetworkBranch
from fredholm.operators.initial_value import InitialValue
from fredholm.operators.operator import Operator


class FoldedWindow:
    """What an operator of windows (`deeponet/sequence` or `sequence-hard`) computes, in NumPy and float32.

    The weights are taken as they are now. Raises ExportError for an operator of another kind.
    """

    def __init__(self, operator: Operator) -> None:
        hard = isinstance(operator, InitialValue)
        inside = operator.operator if isinstance(operator, InitialValue) else operator
        if not (isinstance(inside, DeepONet) and isinstance(inside.branch, NetworkBranch)):
            raise ExportError(f"only DeepONets of windows with a network as branch are folded, not {type(inside)}")
        sensors, network = inside.branch.sensors, inside.branch.network
        if not (isinstance(sensors, Standardised) and isinstance(network, MLP) and _plain(network)):
            raise ExportError("only branches of standardised sensors and plain SiLU layers are folded")
        self.signature, self.hard = operator.signature, hard
        self.drive, self.state = Windows.entries(operator.signature)
        if list(operator.signature.inputs) != [self.drive, self.state]:
            raise ExportError(f"expected the inputs {self.drive!r}, {self.state!r} in this order")
        self.steps = operator.output_domain.shape[0] - 1
        self.channels = state_channels(operator.signature, self.state)
        self._fold(inside, sensors, network)

    def _fold(self, operator: DeepONet, sensors: Standardised, network: MLP) -> None:
        with torch.no_grad():
            layers = [layer for layer in network.layers if isinstance(layer, nn.Linear)]
            weights, biases = [layer.weight.double() for layer in layers], [layer.bias.double() for layer in layers]
            first = weights[0] / sensors.deviation.double()
            start = biases[0] - first @ sensors.mean.double()
            basis = operator.basis(operator.output_domain.coordinates().float()).double()
            p = operator.terms
            last = weights[-1].unflatten(0, (operator.branch_share, p)).expand(operator.channels, -1, -1)
            shift = biases[-1].unflatten(0, (operator.branch_share, p)).expand(operator.channels, -1)
            matrix = torch.einsum("tcp,cpw->ctw", basis[..., :p], last)
            constant = torch.einsum("tcp,cp->ct", basis[..., :p], shift)
            if operator.bias is not None:
                constant = constant + (basis[..., p] * operator.bias.double()).T
            if operator.transform is not None:
                constant = constant + basis[..., -1].T
            if self.hard:
                matrix[self.channels] -= matrix[self.channels, :1].clone()
                constant[self.channels] -= constant[self.channels, :1].clone()
        known = len(self.channels)
        self._of_drive, self._of_state = _array(first[:, :-known]), _array(first[:, -known:])
        self._start = _array(start)
        width = len(start)
        self._inner = _array(torch.stack(weights[1:-1]) if len(weights) > 2 else torch.zeros(0, width, width))
        self._biases = _array(torch.stack(biases[1:-1]) if len(weights) > 2 else torch.zeros(0, width))
        self._matrix, self._constant = _array(matrix.flatten(0, 1)), _array(constant.flatten())
        self._end, self._end_constant = _array(matrix[self.channels, -1]), _array(constant[self.channels, -1])

    def record(
        self, driving: Float[ndarray, "c windows times"], state: Float[ndarray, " k"]
    ) -> Float[ndarray, "windows channels n"]:
        """Answers of windows, each from the end of the one before; `driving` is cut into what each of them sees."""
        from fredholm.kernels.window_chain import chained_states

        seen = np.ascontiguousarray(driving.swapaxes(0, 1), np.float32).reshape(driving.shape[1], -1)
        hidden = seen @ self._of_drive.T + self._start
        starts = np.array(state, np.float32)
        first = starts.copy()
        carried = np.float32(1.0 if self.hard else 0.0)
        chained_states(
            hidden, self._of_state, self._inner, self._biases, self._end, self._end_constant, carried, starts
        )
        values = (hidden @ self._matrix.T + self._constant).reshape(len(hidden), -1, self.steps + 1)
        if self.hard:  # each window begins where the one before it ends
            begins = first + np.cumsum(np.concatenate([0 * first[None], values[:-1, self.channels, -1]]), 0)
            values[:, self.channels] += begins[:, :, None]
        return values


def _plain(network: MLP) -> bool:
    silu = isinstance(network.activation, nn.SiLU) and isinstance(network.last_activation, nn.Identity)
    return silu and network.norms is None and network.dropout is None


def _array(values: torch.Tensor) -> ndarray:
    return np.ascontiguousarray(values.float().numpy())
