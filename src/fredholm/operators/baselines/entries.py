"""The baselines in the catalogue: what an operator has to beat."""

from torch import nn

from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.activations import NormalisedActivation
from fredholm.layers.coordinates import PeriodicScaling
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.perceptron import MLP
from fredholm.operators.baselines.identity import Identity
from fredholm.operators.baselines.resnet import ResNet
from fredholm.operators.deeponet.entries import sensors_of
from fredholm.operators.entry import Build, Entry, Preset, on_grid
from fredholm.operators.feed_forward import FeedForward
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.residual_operator import one_step, step_of

_CFDBENCH = "Luo, Chen, Zhang, CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics, 2023"


def _feed_forward(hidden: list[int], activation: nn.Module) -> Build:
    """One network of all inputs and scaled coordinates."""

    def build(signature: Signature, output_domain: Domain) -> FeedForward:
        sensors, scaling = sensors_of(signature, output_domain), PeriodicScaling.of(output_domain)
        sizes = [sensors.width + scaling.width, *hidden, len(signature.output.channels)]
        return FeedForward(signature, output_domain, sensors, MLP(sizes, activation), scaling)

    return build


def _resnet_step(signature: Signature, output_domain: Domain) -> GridOperator:
    """CFDBench's ResNet, predicting the increment of the state inside the mask."""
    inputs = GridInputs(signature, output_domain, coordinates=False)
    network = ResNet(inputs.channels, len(signature.output.channels), len(output_domain.shape))
    state, mask = step_of(signature, output_domain)
    return GridOperator(signature, output_domain, network, inputs, residual=state, mask=mask)


def _identity(signature: Signature, output_domain: Domain) -> Identity:
    return Identity(signature, output_domain, *step_of(signature, output_domain))


ENTRIES = (
    Entry(
        name="feed-forward",
        title="Feed-forward network of inputs and coordinates together",
        paper=_CFDBENCH,
        domains="inputs at fixed points of any domain; output on any domain, asked for anywhere",
        boundaries="periodic by the features of the coordinates",
        transfer="output: anywhere, exactly; input: none, the network is bound to its sensors",
        cost="s w an input of s values, L w² every pair of input and point",
        presets=(
            Preset("small", "3 layers of 100, GELU", _feed_forward([100] * 3, nn.GELU())),
            Preset("tiny", "2 layers of 16", _feed_forward([16] * 2, nn.Tanh())),
            Preset(
                "cfdbench",
                "8 layers of 100, normalised ReLU; of parameters",
                _feed_forward([100] * 8, NormalisedActivation(nn.ReLU())),
            ),
            Preset(
                "cfdbench-auto",
                "8 layers of 200, ReLU; of a state, one step",
                one_step(_feed_forward([200] * 8, nn.ReLU())),
            ),
        ),
    ),
    Entry(
        name="resnet",
        title="Residual convolutional network",
        paper=_CFDBENCH,
        domains="grids in 1-D, 2-D, 3-D",
        boundaries="values continued beyond the edge",
        transfer="none: kernels reach a number of points",
        cost="L k^d w h n; h channels inside a block, kernels of k points",
        presets=(
            Preset(
                "small",
                "4 blocks of 16, kernels of 5, no dropout",  # at the published size Adam's first steps overshoot
                on_grid(lambda i, o, d: ResNet(i, o, d, hidden=32, size=5, dropout=0.0)),
            ),
            Preset("tiny", "1 block of 4, kernels of 3", on_grid(lambda i, o, d: ResNet(i, o, d, 4, 8, 1, size=3))),
            Preset("cfdbench", "4 blocks of 16 and 64 inside, kernels of 7, one step", _resnet_step),
        ),
    ),
    Entry(
        name="identity",
        title="Identity: the input as the answer",
        paper=_CFDBENCH,
        domains="grids in any dimension and the sphere",
        boundaries="those of the input",
        transfer="any grid",
        cost="n; no weights",
        presets=(
            Preset("small", "no weights", _identity),
            Preset("tiny", "no weights", _identity),
        ),
    ),
)
