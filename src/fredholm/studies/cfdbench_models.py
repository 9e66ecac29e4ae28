"""The nine baselines of CFDBench and the identity, at sizes for frames of 32 x 32 points.

Steps in time see a frame, a mask and the case; the others the case with the time. As published, all steps but the
FNO's add to the frame they were given; the FNO answers with the next frame itself. All are normalised by their training
data. The U-Net has no norms, which would take away how fast a flow is, and rectifiers that leak, as plain ones fall
silent on few cases. At the published sizes they are the `cfdbench` presets of the catalogue.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import CartesianPoints, Sampler, WholeFields
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Signature
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.coordinates import PeriodicScaling
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.pooling_cnn import PoolingCNN
from fredholm.layers.sensors import ImageSensors, all_sensors
from fredholm.operators import FeedForward, Operator
from fredholm.operators.baselines import ResNet
from fredholm.operators.deeponet import DecodedDeepONet, DeepONet, NetworkBranch, NetworkTrunk, ProductBranch
from fredholm.operators.deeponet.entries import sensors_of
from fredholm.operators.deeponet.split import SplitBranch
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.residual_operator import one_step
from fredholm.operators.unet import UNet
from fredholm.training import Settings
from fredholm.training.fit import fit
from fredholm.training.normalised_loss import NormalisedSquaredError
from fredholm.training.optimizers import adam

BATCH = 32
_POINTS = 256  # of a frame, drawn anew for every batch of a network of points
_WIDTH = 64
_PEAK = 2e-3

Build = Callable[[Signature, Domain], Operator]


@dataclass(frozen=True)
class Model:
    """A baseline: how it is built, what a batch holds, and whether it is a step in time or is asked for a time."""

    build: Build
    sampler: Sampler
    stepping: bool

    def trained(self, data: Dataset, steps: int, seed: int) -> Operator:
        """Adam with one cycle on the normalised squared error."""
        everything = torch.arange(len(data))
        with initialised(seed):
            operator = self.build(data.signature, data.output_domain)
            operator = operator.adapted(data.inputs(everything), data.outputs(everything))
        optimizer = adam(operator)
        fit(
            operator,
            data,
            sampler=self.sampler,
            iterations=steps,
            optimizer=optimizer,
            schedule=torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK, total_steps=steps),
            loss=NormalisedSquaredError(),
            settings=Settings(seed=seed, quiet=True),
        )
        return operator.eval()


def _feed_forward(signature: Signature, domain: Domain) -> FeedForward:
    sensors, scaling = sensors_of(signature, domain), PeriodicScaling.of(domain)
    sizes = [sensors.width + scaling.width, *[_WIDTH] * 4, len(signature.output.channels)]
    return FeedForward(signature, domain, sensors, MLP(sizes, nn.ReLU()), scaling)


def _trunk(domain: Domain, terms: int) -> NetworkTrunk:
    scaling = PeriodicScaling.of(domain)
    return NetworkTrunk(MLP([scaling.width, *[_WIDTH] * 3, terms], nn.ReLU(), nn.ReLU()), terms, scaling)


def _deeponet(signature: Signature, domain: Domain) -> DeepONet:
    """One branch of all inputs together."""
    sensors, width = sensors_of(signature, domain), _WIDTH * len(signature.output.channels)
    branch = NetworkBranch(sensors, MLP([sensors.width, *[_WIDTH] * 3, width], nn.ReLU()), width)
    return DeepONet(signature, domain, branch, _trunk(domain, _WIDTH), SplitBranch())


def _enhanced_deeponet(signature: Signature, domain: Domain) -> DeepONet:
    """A branch for each input, multiplied."""
    width = _WIDTH * len(signature.output.channels)
    branches = [
        NetworkBranch(Standardised(sensors), MLP([sensors.width, *[_WIDTH] * 3, width], nn.ReLU()), width)
        for sensors in all_sensors(signature, domain).values()
    ]
    return DeepONet(signature, domain, ProductBranch([*branches]), _trunk(domain, _WIDTH), SplitBranch())


def _convolutional_deeponet(signature: Signature, domain: Domain) -> DecodedDeepONet:
    """A convolutional branch; its products with the trunk are decoded by a network."""
    sensors, widths = ImageSensors(signature, domain), [8] * 4
    terms = PoolingCNN.features(sensors.shape, widths)
    network = PoolingCNN(sensors.shape, sensors.channels, widths, average=False, ends=True)
    decoder = MLP([terms, terms, len(signature.output.channels)], nn.ReLU())
    return DecodedDeepONet(
        signature, domain, NetworkBranch(Standardised(sensors), network, terms), _trunk(domain, terms), decoder
    )


def _on_grid(network: Callable[[int, int], GridNetwork], residual: str | None, coordinates: bool = False) -> Build:
    def build(signature: Signature, domain: Domain) -> GridOperator:
        inputs = GridInputs(signature, domain, coordinates)
        made = network(inputs.channels, len(signature.output.channels))
        return GridOperator(signature, domain, made, inputs, residual=residual, mask="mask")

    return build


def _point_step(build: Build) -> Model:
    return Model(one_step(build), CartesianPoints(BATCH, _POINTS), stepping=True)


def _grid_step(build: Build) -> Model:
    return Model(build, WholeFields(BATCH), stepping=True)


FEED_FORWARD, AUTO_FEED_FORWARD, UNET, FOURIER = "FFN", "Auto-FFN", "U-Net", "FNO"

MODELS = {
    FEED_FORWARD: Model(_feed_forward, CartesianPoints(BATCH, _POINTS), stepping=False),
    "DeepONet": Model(_deeponet, CartesianPoints(BATCH, _POINTS), stepping=False),
    AUTO_FEED_FORWARD: _point_step(_feed_forward),
    "Auto-DeepONet": _point_step(_deeponet),
    "Auto-EDeepONet": _point_step(_enhanced_deeponet),
    "Auto-DeepONetCNN": _point_step(_convolutional_deeponet),
    "ResNet": _grid_step(_on_grid(lambda i, o: ResNet(i, o, 2, width=8, hidden=16, blocks=2, size=5), "flow")),
    UNET: _grid_step(
        _on_grid(lambda i, o: UNet(i, o, 8, (1, 2, 4, 8), activation=nn.LeakyReLU(0.1), norm=False), "flow")
    ),
    FOURIER: _grid_step(
        _on_grid(lambda i, o: FNO(i, o, modes=(16, 16), width=16, layers=3), residual=None, coordinates=True)
    ),
}
