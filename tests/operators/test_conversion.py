"""Networks made operators: the trained answer on the trained grid, convergence beyond, and layers refused by name."""

import pytest
import torch
from torch import Tensor, nn

from fredholm.deploy.backend import Graph, session, to_onnx
from fredholm.errors import ConversionError, SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.layers.architecture import build, describe
from fredholm.layers.kernel_interpolation import FixedOffsets
from fredholm.layers.kernel_operators import Differential, LocalIntegral, Spectral
from fredholm.layers.perceptron import initialised
from fredholm.layers.resampling import Linear
from fredholm.operators.conversion import ConvertedNetwork, to_operator
from fredholm.operators.conversion_rules import ConvolutionRule, Interpolated, Replaced
from fredholm.operators.convolutional import ConvNet
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.input_output_interpolation import InputOutputInterpolation
from fredholm.operators.unet import ModernUNet, UNet

RING = Grid(Axis("x", 0, 1, 16, periodic=True))


class Attends(nn.Module):
    """A network of a user's: strided patches, attention among them, and expansion back."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv1d(1, 8, 2, stride=2)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.expand = nn.Upsample(scale_factor=2)
        self.local = nn.Sequential(nn.Conv1d(9, 8, 3, padding=1, padding_mode="circular"), nn.BatchNorm1d(8), nn.Tanh())
        self.head = nn.Conv1d(8, 1, 1)

    def forward(self, u: Tensor) -> Tensor:
        tokens = self.norm(self.patches(u).mT)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        answer: Tensor = self.head(self.local(torch.cat([u, self.expand(tokens.mT)], 1)))
        return answer


def networks() -> dict[str, nn.Module]:
    with initialised(0):
        return {
            "convnet": ConvNet(1, 1, 4, 1, periodic=[True]),
            "unet": UNet(1, 1, 4, (1, 2), 5, periodic=[True]),
            "modern": ModernUNet(1, 1, 4, (1, 2), blocks=1, periodic=[True]),
            "attends": Attends(),
        }


def wave(n: int) -> Tensor:
    x = 2 * torch.pi * torch.arange(n, dtype=torch.float64) / n
    return (x.sin() + 0.5 * (2 * x).cos())[None, None]


def converted(name: str, rule: ConvolutionRule) -> ConvertedNetwork:
    with initialised(1):
        return to_operator(networks()[name].double(), RING, rule, channels=(1, 1)).eval().requires_grad_(False)


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize("rule", [Interpolated(), Interpolated(FixedOffsets())], ids=["density", "fixed offsets"])
def test_with_interpolated_kernels_it_is_the_trained_network_on_its_grid(name: str, rule: ConvolutionRule) -> None:
    trained, operator = networks()[name].double().eval(), converted(name, rule)
    values = torch.randn(2, 1, 16, dtype=torch.float64)
    assert torch.equal(operator(values), trained(values))
    assert sum(p.numel() for p in operator.parameters()) == sum(p.numel() for p in trained.parameters())


@pytest.mark.parametrize("name", networks())
@pytest.mark.parametrize(
    "rule",
    [Interpolated(), Interpolated(FixedOffsets()), Replaced(LocalIntegral(0.2)), Replaced(Spectral([6]))],
    ids=["density", "fixed offsets", "local integral", "spectral"],
)
def test_it_converges_under_refinement(name: str, rule: ConvolutionRule) -> None:
    operator = converted(name, rule)

    def change(n: int) -> float:
        coarse, fine = operator(wave(n)), operator(wave(2 * n))[..., ::2]
        return float((coarse - fine).norm() / fine.norm())

    assert change(256) < max(0.4 * change(64), 1e-6)


@pytest.mark.parametrize("name", ["convnet", "unet", "modern"])
def test_unconverted_it_becomes_another_one_on_every_grid(name: str) -> None:
    trained, operator = networks()[name].double().requires_grad_(False), converted(name, Interpolated(FixedOffsets()))

    def change(network: nn.Module) -> float:
        return float((network(wave(32)) - network(wave(64))[..., ::2]).norm())

    assert change(trained) > 10 * change(operator)


def test_derivatives_take_the_place_of_kernels() -> None:
    line = nn.Sequential(nn.Conv1d(1, 1, 3, padding=1, bias=False)).double()
    operator = to_operator(line, Grid(Axis("x", 0, 1, 17)), Replaced(Differential()), channels=(1, 1)).requires_grad_(
        False
    )
    parts = dict(operator.named_parameters())
    matrix, (left, right) = (
        parts["network.0.matrix.weight"].flatten(),
        parts["network.0.kernel.weight"].flatten().tolist(),
    )
    x = torch.linspace(0, 1, 41, dtype=torch.float64)[None, None]
    torch.testing.assert_close(operator(x), matrix * x + (right - left))


def test_layers_without_a_counterpart_are_named() -> None:
    class Pools(nn.Module):
        def forward(self, u: Tensor) -> Tensor:
            return nn.functional.interpolate(nn.functional.max_pool1d(u, 2), scale_factor=2.0)

    class Mystery(nn.Module):
        def forward(self, u: Tensor) -> Tensor:
            return 2 * u

    dense = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.Unflatten(1, (1, 16)))
    network = nn.Sequential(Pools(), nn.LayerNorm([1, 16]), Mystery(), dense)
    with pytest.raises(ConversionError) as caught:
        to_operator(network, RING, channels=(1, 1))
    for part in (
        "max_pool1d in '0'",
        "interpolate in '0'",
        "'1' (LayerNorm): its weights are tied to the grid",
        "'2' (Mystery): nothing is known of it",
        "'3.0' (Flatten): it makes channels of points",
        "'3.2' (Unflatten)",
        "InputOutputInterpolation",
    ):
        assert part in str(caught.value)
    kept = to_operator(nn.Sequential(Mystery(), nn.Conv1d(1, 1, 1)), RING, channels=(1, 1), kept=["0"])
    assert kept(torch.ones(1, 1, 40)).shape == (1, 1, 40)


def test_weights_tied_to_points_are_found_on_a_finer_grid() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.positions, self.head = nn.Parameter(torch.zeros(1, 16)), nn.Conv1d(1, 1, 1)

        def forward(self, u: Tensor) -> Tensor:
            answer: Tensor = self.head(u + self.positions)
            return answer

    with pytest.raises(ConversionError, match=r"fails on \(32,\), in 'network': The size of tensor"):
        to_operator(Positions(), RING, channels=(1, 1))
    shared = nn.Conv1d(1, 1, 3, padding=1)
    with pytest.raises(ConversionError, match=r"'0' \(Conv1d\): it is used on grids of several sizes"):
        to_operator(nn.Sequential(shared, nn.MaxPool1d(2), shared, nn.Upsample(scale_factor=2)), RING, channels=(1, 1))
    with pytest.raises(ConversionError, match="does not say its channels"):
        to_operator(nn.Sequential(nn.Conv1d(1, 1, 1)), RING)


def test_an_operator_stays_what_it_is() -> None:
    with initialised(0):
        fno = FNO(1, 1, [4], 4, 1).double()
    assert torch.equal(to_operator(fno, RING)(wave(48)), fno(wave(48)))


@pytest.mark.parametrize("made", ["converted", pytest.param("interpolated", marks=pytest.mark.slow)])
def test_it_is_described_and_exported_on_another_grid(made: str) -> None:
    network = networks()["unet"]
    assert isinstance(network, GridNetwork)
    operator: GridNetwork = InputOutputInterpolation(network, RING)
    if made == "converted":
        operator = to_operator(network, RING, Interpolated(FixedOffsets()))
    operator.eval()
    again = build(describe(operator)).eval()
    again.load_state_dict(operator.state_dict())
    values = torch.randn(3, 1, 24)
    expected = operator(values).detach()
    assert torch.equal(again(values), expected)
    exported = session(to_onnx(Graph(operator, {"u": values}, "y", {"u": {0: "batch"}}, {})), 1)
    found = torch.from_numpy(exported({"u": values[:1].numpy()})["y"])
    torch.testing.assert_close(found, expected[:1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("interpolant", [None, Linear()])
def test_interpolating_inputs_and_outputs_is_the_identity_on_the_networks_grid(interpolant: Linear | None) -> None:
    network = networks()["unet"]
    assert isinstance(network, GridNetwork)
    operator = InputOutputInterpolation(network, RING, interpolant)
    values = torch.randn(2, 1, 16)
    assert torch.equal(operator(values), network(values))
    with pytest.raises(SignatureError, match="is 2 long"):
        operator.require(Grid(Axis("x", 0, 2, 16, periodic=True)))


def test_it_sees_nothing_beyond_the_networks_grid() -> None:
    """Two functions that agree in the band of the trained grid get one answer, up to that band's width."""
    network = networks()["unet"].double()
    assert isinstance(network, GridNetwork)
    operator = InputOutputInterpolation(network, RING)
    x = 2 * torch.pi * torch.arange(64, dtype=torch.float64) / 64
    short = (20 * x).sin()[None, None]
    torch.testing.assert_close(operator(wave(64) + short), operator(wave(64)))
