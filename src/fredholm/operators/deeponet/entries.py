"""The DeepONet family in the catalogue."""

from torch import nn

from fredholm.data.windows import Windows
from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.signature import Function, Signature
from fredholm.layers.activations import TanhSine
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.coordinates import FourierFeatures, PeriodicScaling
from fredholm.layers.perceptron import MLP, LayerwiseMLP, ModifiedMLP
from fredholm.layers.pooling_cnn import PoolingCNN
from fredholm.layers.sensors import Concatenated, ImageSensors, all_sensors
from fredholm.operators.deeponet.branch import Branch, NetworkBranch, ProductBranch, StackedBranch
from fredholm.operators.deeponet.decoded import DecodedDeepONet
from fredholm.operators.deeponet.deeponet import DeepONet
from fredholm.operators.deeponet.layerwise import LayerwiseBranch, LayerwiseTrunk
from fredholm.operators.deeponet.split import SplitBranch
from fredholm.operators.deeponet.trunk import NetworkTrunk
from fredholm.operators.entry import Build, Entry, Preset
from fredholm.operators.initial_value import InitialValue
from fredholm.operators.residual_operator import ResidualOperator, one_step

_CFDBENCH = "Luo, Chen, Zhang, CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics, 2023"
_DIESEL = "Kumar, Goswami, Smith, Karniadakis, Real-time prediction of gas flow dynamics in diesel engines, 2023"
_DOMAINS = "inputs at fixed points of any domain; output on any domain, asked for anywhere"
_BOUNDARIES = "periodic by the trunk's features; a value on one side of a coordinate by an output transform"
_TRANSFER = "output: anywhere, exactly; input: none, the branch is bound to its sensors"


def sensors_of(signature: Signature, output_domain: Domain) -> Standardised:
    """All inputs at all of their points, one vector, which `Operator.adapted` standardises."""
    return Standardised(Concatenated(list(all_sensors(signature, output_domain).values())))


def trunk_of(output_domain: Domain, hidden: list[int], width: int, activation: nn.Module) -> NetworkTrunk:
    """A plain network of scaled coordinates, active after its last layer too."""
    scaling = PeriodicScaling.of(output_domain)
    return NetworkTrunk(MLP([scaling.width, *hidden, width], activation, activation), width, scaling)


def _plain(hidden: list[int], terms: int, activation: nn.Module) -> Build:
    """The unstacked DeepONet with bias; channels share the trunk."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet:
        sensors, width = sensors_of(signature, output_domain), terms * len(signature.output.channels)
        branch = NetworkBranch(sensors, MLP([sensors.width, *hidden, width], activation), width)
        return DeepONet(
            signature, output_domain, branch, trunk_of(output_domain, hidden, terms, activation), SplitBranch()
        )

    return build


def _gated_sine(hidden: list[int], terms: int) -> Build:
    """Gated sine networks; the trunk sees waves that pass the box up to three times."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet:
        sensors, width = sensors_of(signature, output_domain), terms * len(signature.output.channels)
        branch = NetworkBranch(sensors, ModifiedMLP([sensors.width, *hidden, width]), width)
        scaling, features = PeriodicScaling.of(output_domain), FourierFeatures([1.5, 0.75, 0.5])
        network = ModifiedMLP([features.width(scaling.width), *hidden, terms])
        trunk = NetworkTrunk(network, terms, scaling, features)
        return DeepONet(signature, output_domain, branch, trunk, SplitBranch())

    return build


def _stacked(hidden: list[int], terms: int, activation: nn.Module) -> Build:
    """A small network for each coefficient."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet:
        width = terms * len(signature.output.channels)
        branch = StackedBranch(sensors_of(signature, output_domain), hidden, width, activation)
        trunk = trunk_of(output_domain, [terms], terms, activation)
        return DeepONet(signature, output_domain, branch, trunk, SplitBranch())

    return build


def _product(hidden: list[int], terms: int, activation: nn.Module) -> Build:
    """A branch for each input, multiplied."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet:
        width = terms * len(signature.output.channels)
        branches: list[Branch] = []
        for sensors in all_sensors(signature, output_domain).values():
            network = MLP([sensors.width, *hidden, width], activation)
            branches.append(NetworkBranch(Standardised(sensors), network, width))
        trunk = trunk_of(output_domain, hidden, terms, activation)
        return DeepONet(signature, output_domain, ProductBranch(branches), trunk, SplitBranch())

    return build


def _layerwise(width: int, depth: int, last: int, activation: nn.Module) -> Build:
    """MultiONet: the inner products of the last layers, weighed."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet:
        sensors, scaling = sensors_of(signature, output_domain), PeriodicScaling.of(output_domain)
        network = LayerwiseMLP(sensors.width, width, depth, activation, last)
        branch = LayerwiseBranch(sensors, network, len(signature.output.channels))
        trunk = LayerwiseTrunk(LayerwiseMLP(scaling.width, width, depth, activation, last), scaling)
        return DeepONet(signature, output_domain, branch, trunk, SplitBranch())

    return build


def _multi_task(hidden: list[int], trunk_hidden: list[int], terms: int) -> Build:
    """What tells tasks apart stands among the inputs; an input `mask` also cuts the answer to its shape."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet | ResidualOperator:
        sensors, width = sensors_of(signature, output_domain), terms * len(signature.output.channels)
        branch = NetworkBranch(sensors, MLP([sensors.width, *hidden, width], nn.LeakyReLU(0.2), norm=True), width)
        return _cut(signature, output_domain, branch, trunk_hidden, terms)

    return build


def _multi_geometry(widths: list[int], hidden: list[int], trunk_hidden: list[int], terms: int) -> Build:
    """The same with a convolutional branch, which sees all inputs, the shape among them, as one image."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet | ResidualOperator:
        sensors, width = ImageSensors(signature, output_domain), terms * len(signature.output.channels)
        if min(sensors.shape) < 2 ** len(widths):
            raise SignatureError(f"{output_domain!r} is too small to be halved {len(widths)} times")
        sizes = [PoolingCNN.features(sensors.shape, widths), *hidden, width]
        head = MLP(sizes, nn.Tanh(), dropout=0.1)
        network = PoolingCNN(sensors.shape, sensors.channels, widths, head=head)
        branch = NetworkBranch(Standardised(sensors), network, width)
        return _cut(signature, output_domain, branch, trunk_hidden, terms)

    return build


def _sequence(terms: int, hard: bool) -> Build:
    """A window of time: branch of what drives it and of its first state, every channel with a trunk of its own."""

    def build(signature: Signature, output_domain: Domain) -> DeepONet | InitialValue:
        sensors, width = sensors_of(signature, output_domain), terms * len(signature.output.channels)
        branch = NetworkBranch(sensors, MLP([sensors.width, 128, 128, width], nn.SiLU()), width)
        scaling, fastest = PeriodicScaling.of(output_domain), max(1, 4 * output_domain.size // 5)
        features = FourierFeatures([wave / 4 for wave in range(1, fastest + 1)])  # commands bend: so must the trunk
        network = MLP([features.width(scaling.width), 64, 64, width], nn.SiLU())
        operator = DeepONet(signature, output_domain, branch, NetworkTrunk(network, width, scaling, features))
        return InitialValue(operator, Windows.entries(signature)[1]) if hard else operator

    return build


def _cut(
    signature: Signature, output_domain: Domain, branch: Branch, trunk_hidden: list[int], terms: int
) -> DeepONet | ResidualOperator:
    """Without bias, and with a linear last layer of the trunk, as published; times the mask if there is one."""
    scaling = PeriodicScaling.of(output_domain)
    network = MLP([scaling.width, *trunk_hidden, terms], nn.LeakyReLU(0.2))
    trunk = NetworkTrunk(network, terms, scaling)
    operator = DeepONet(signature, output_domain, branch, trunk, SplitBranch(), bias=False)
    masked = isinstance(signature.inputs.get("mask"), Function)
    return ResidualOperator(operator, mask="mask") if masked else operator


def _decoded(signature: Signature, output_domain: Domain) -> DecodedDeepONet:
    """CFDBench's convolutional DeepONet, its terms decoded by a network."""
    sensors, widths = ImageSensors(signature, output_domain), [32] * 4
    if min(sensors.shape) < 2 ** len(widths):
        raise SignatureError(f"{output_domain!r} is too small to be halved {len(widths)} times")
    terms = PoolingCNN.features(sensors.shape, widths)
    network = PoolingCNN(sensors.shape, sensors.channels, widths, average=False, ends=True)
    branch = NetworkBranch(Standardised(sensors), network, terms)
    decoder = MLP([terms, terms, len(signature.output.channels)], nn.ReLU())
    trunk = trunk_of(output_domain, [100] * 4, terms, nn.ReLU())
    return DecodedDeepONet(signature, output_domain, branch, trunk, decoder)


_EIGHT = [100] * 7  # hidden; the terms make the eighth layer

ENTRIES = (
    Entry(
        name="deeponet",
        title="DeepONet",
        paper="Lu, Jin, Pang, Zhang, Karniadakis, Learning nonlinear operators via DeepONet based on the universal "
        f"approximation theorem of operators, 2021; {_CFDBENCH}; {_DIESEL}",
        domains=_DOMAINS,
        boundaries=_BOUNDARIES,
        transfer=_TRANSFER,
        cost="s w + L w² an input of s values, L w² a point (once for all inputs that share it), p an answer",
        presets=(
            Preset("small", "3 layers of 128, 128 terms, GELU", _plain([128, 128], 128, nn.GELU())),
            Preset("tiny", "2 layers of 24, 24 terms", _plain([24], 24, nn.Tanh())),
            Preset("ode", "2 layers of 40, ReLU; on systems in time", _plain([40], 40, nn.ReLU())),
            Preset("pde", "2 layers of 100, ReLU; on diffusion-reaction", _plain([100], 100, nn.ReLU())),
            Preset("waves", "gated sine networks of 3 x 128, 64 terms", _gated_sine([128] * 3, 64)),
            Preset("sequence", "2 layers of 128, 40 terms a channel; of windows", _sequence(40, hard=False)),
            Preset("sequence-hard", "the same, from its first state on", _sequence(40, hard=True)),
            Preset("cfdbench", "8 layers of 100, ReLU; of parameters", _plain(_EIGHT, 100, nn.ReLU())),
            Preset("cfdbench-auto", "the same, of a state, one step", one_step(_plain(_EIGHT, 100, nn.ReLU()))),
            Preset("cfdbench-auto-cnn", "convolutional branch, decoded, one step; on 64 x 64", one_step(_decoded)),
        ),
    ),
    Entry(
        name="stacked-deeponet",
        title="Stacked DeepONet",
        paper="Lu, Jin, Pang, Zhang, Karniadakis, Learning nonlinear operators via DeepONet, 2021; "
        "Chen, Chen, Universal approximation to nonlinear operators by neural networks, 1995",
        domains=_DOMAINS,
        boundaries=_BOUNDARIES,
        transfer=_TRANSFER,
        cost="p s w an input of s values, p w a point, p an answer",
        presets=(
            Preset("small", "40 networks of 10, ReLU", _stacked([10], 40, nn.ReLU())),
            Preset("tiny", "8 networks of 4", _stacked([4], 8, nn.Tanh())),
        ),
    ),
    Entry(
        name="mionet",
        title="MIONet (EDeepONet): a branch for each input, multiplied",
        paper="Jin, Meng, Lu, MIONet: learning multiple-input operators via tensor product, 2022; Tan, Chen, Enhanced "
        f"DeepONet for modeling partial differential operators considering multiple input functions, 2022; {_CFDBENCH}",
        domains=_DOMAINS,
        boundaries=_BOUNDARIES,
        transfer=_TRANSFER,
        cost="as DeepONet's, for every input",
        presets=(
            Preset("small", "3 layers of 128, 128 terms, GELU", _product([128, 128], 128, nn.GELU())),
            Preset("tiny", "2 layers of 24, 24 terms", _product([24], 24, nn.Tanh())),
            Preset(
                "cfdbench-auto",
                "8 layers of 100, ReLU, one step (EDeepONet)",
                one_step(_product(_EIGHT, 100, nn.ReLU())),
            ),
        ),
    ),
    Entry(
        name="multionet",
        title="MultiONet: products of several layers",
        paper="Zang, Koutsourelakis, DGenNO: a novel physics-aware neural operator for solving forward and inverse PDE "
        "problems based on deep, generative probabilistic modeling, 2025",
        domains=_DOMAINS,
        boundaries=_BOUNDARIES,
        transfer=_TRANSFER,
        cost="as DeepONet's, with l w terms an answer",
        presets=(
            Preset("small", "5 layers of 100, the last 4", _layerwise(100, 5, 4, TanhSine())),
            Preset("tiny", "3 layers of 16, the last 2", _layerwise(16, 3, 2, TanhSine())),
            Preset("burgers", "6 layers of 100, the last 5; also Darcy, Stokes", _layerwise(100, 6, 5, TanhSine())),
        ),
    ),
    Entry(
        name="multi-task-deeponet",
        title="Multi-task DeepONet: several equations or shapes in one",
        paper="Kumar, Goswami, Kontolati, Shields, Karniadakis, Synergistic learning with multi-task DeepONet, 2025",
        domains=_DOMAINS,
        boundaries="of the shape that an input named mask cuts out; else as DeepONet's",
        transfer=_TRANSFER,
        cost="as DeepONet's",
        presets=(
            Preset("small", "2 layers of 128, trunk 3 x 128, 100 terms", _multi_task([128] * 2, [128] * 3, 100)),
            Preset("tiny", "2 layers of 16, 16 terms", _multi_task([16] * 2, [16] * 2, 16)),
            Preset("fisher", "2 layers of 128, trunk 3 x 128, 300 terms", _multi_task([128] * 2, [128] * 3, 300)),
            Preset(
                "darcy",
                "convolutional branch of log-permeability and mask; on 100 x 100",
                _multi_geometry([16, 32, 64, 64], [128] * 2, [64, 128, 128, 128], 150),
            ),
            Preset(
                "darcy-small",
                "the same with 3 levels; on 48 x 48",
                _multi_geometry([8, 16, 32], [128] * 2, [64, 128, 128], 100),
            ),
        ),
    ),
)
