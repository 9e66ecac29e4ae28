"""Latent generative operators: decoders with their gradients, laws of inputs, priors, and saving them."""

import json

import pytest
import torch
from torch import nn

from fredholm.errors import SignatureError
from fredholm.fields import Axis, Grid
from fredholm.layers.activations import SiLUSine, TanhSine
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.architecture import build, describe
from fredholm.layers.perceptron import MLP, LayerwiseMLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.latent_generative import (
    GaussianLatent,
    GenerativeInput,
    LatentDecoder,
    LatentEncoder,
    LatentGenerativeOperator,
    PhaseLaw,
    PositiveLaw,
    UniformLatent,
    ZeroWalls,
)
from fredholm.problems import Darcy

LATENT = 5
BOX = Grid(Axis("x", 0.0, 2.0, 3), Axis("y", -1.0, 1.0, 3))


def decoder(activation: nn.Module, walls: bool = True, last: int = 3, width: int = 7, depth: int = 4) -> LatentDecoder:
    with initialised(0):
        factor = ZeroWalls([0.0, -1.0], [2.0, 1.0], [0, 1]) if walls else None
        made = LatentDecoder.of(BOX, LATENT, activation, (width, depth, last), factor, scale=0.3).double()
        nn.init.normal_(made.omega)
        nn.init.normal_(made.bias)
        return made


@pytest.mark.parametrize("activation", [TanhSine(), SiLUSine(), nn.Tanh()], ids=str)
@pytest.mark.parametrize("walls", [True, False])
def test_gradients_by_forward_mode_are_those_of_reverse_mode(activation: nn.Module, walls: bool) -> None:
    f = decoder(activation, walls)
    beta, points = torch.rand(3, LATENT).double(), (2 * torch.rand(6, 2).double() - torch.tensor([0.0, 1.0]))
    values, gradient = f.with_gradient(beta, points)
    place = points.expand(3, -1, -1).clone().requires_grad_()
    rows = torch.stack([f(beta[i : i + 1], place[i])[0] for i in range(3)])
    torch.testing.assert_close(values, rows)
    torch.testing.assert_close(gradient, torch.autograd.grad(rows.sum(), place)[0])


def test_gradients_of_weights_through_forward_mode_are_those_of_finite_differences() -> None:
    f = decoder(TanhSine(), last=2, width=3, depth=2)
    beta, points = torch.rand(2, LATENT).double(), torch.rand(3, 2).double()

    def slopes(*weights: torch.Tensor) -> torch.Tensor:
        names = [name for name, _ in f.named_parameters()]
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(_Gradient(f), {f"part.{k}": v for k, v in given.items()}, (beta, points))

    assert torch.autograd.gradcheck(slopes, tuple(p.detach().requires_grad_() for p in f.parameters()))


class _Gradient(nn.Module):
    def __init__(self, part: LatentDecoder) -> None:
        super().__init__()
        self.part = part

    def forward(self, beta: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        return self.part.with_gradient(beta, points)[1]


def test_one_layer_of_weight_one_is_a_deeponet_with_an_activated_branch() -> None:
    f = decoder(nn.Tanh(), walls=False, last=1)
    with torch.no_grad():
        f.omega.fill_(1)
    beta, points = torch.rand(3, LATENT).double(), torch.rand(6, 2).double()
    b, t = beta, points * torch.tensor([1.0, 1.0]) + torch.tensor([-1.0, 0.0])
    for layer in f.branch.layers:
        b = torch.tanh(layer(b))
    for layer in f.trunk.layers:
        t = torch.tanh(layer(t))
    torch.testing.assert_close(f(beta, points), 0.3 * (b @ t.T + f.bias))


def test_it_vanishes_on_the_walls() -> None:
    edge = torch.tensor([[0.0, 0.3], [2.0, -0.2], [0.7, -1.0], [1.3, 1.0]]).double()
    assert decoder(TanhSine())(torch.rand(2, LATENT).double(), edge).abs().max() < 1e-14


def test_a_uniform_prior_is_uniform_in_beta() -> None:
    """exp(-energy) is the density of z = artanh β, up to a constant, which its integral tells."""
    z = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    density = torch.exp(-UniformLatent(1).energy(z))
    assert float(torch.trapezoid(density, z[:, 0])) == pytest.approx(2, rel=1e-6)  # ∫ sech² = the length of (-1, 1)
    beta = torch.tanh(UniformLatent(2).sample(4000, torch.Generator().manual_seed(0)))
    assert float((beta < 0.5).double().mean()) == pytest.approx(0.75, abs=0.02)


def test_a_gaussian_prior_takes_mean_and_covariance_of_codes() -> None:
    codes = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).double() @ torch.rand(3, 3).double() + 2
    prior = GaussianLatent(3).double()
    prior.fit(codes)
    drawn = prior.sample(20000, torch.Generator().manual_seed(1))
    torch.testing.assert_close(drawn.mean(0), codes.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), codes.T.cov(), atol=0.06, rtol=0.05)
    hessian = torch.func.hessian(lambda z: prior.energy(z[None]).sum())(codes[0])
    torch.testing.assert_close(torch.linalg.inv(hessian), codes.T.cov(), rtol=1e-2, atol=1e-3)


def test_a_phase_is_drawn_with_its_probability() -> None:
    """σ(f + logistic noise) exceeds a half with probability σ(f), as a Bernoulli variable does."""
    law, f = PhaseLaw(5.0, 10.0), torch.tensor([[-1.0, 0.0, 2.0]]).expand(20000, -1)
    noise = law.noise((20000, 3), torch.Generator().manual_seed(0))
    high = law.relaxed(f, noise) > 7.5
    torch.testing.assert_close(high.double().mean(0), torch.sigmoid(f[0]).double(), atol=0.01, rtol=0)
    steady = PhaseLaw(5.0, 10.0, averaged=25).noise((20000, 3), torch.Generator().manual_seed(0))
    assert (law.relaxed(f, steady).var(0) < law.relaxed(f, noise).var(0)).all()
    assert torch.equal(law.relaxed(f), law.mean(f))
    torch.testing.assert_close(law.variance(f[:1])[0, 1], torch.tensor(25 / 4))


def test_inputs_that_a_law_does_not_allow_are_named() -> None:
    with pytest.raises(SignatureError, match="phases 5 and 10 has the value 7"):
        PhaseLaw(5.0, 10.0).require(torch.tensor([5.0, 10.0, 7.0]))
    with pytest.raises(SignatureError, match="has the value -1"):
        PositiveLaw().require(torch.tensor([2.0, -1.0]))
    with pytest.raises(ValueError, match="give both the same"):
        LatentDecoder(LayerwiseMLP(2, 8, 3, nn.Tanh(), 2), LayerwiseMLP(4, 8, 3, nn.Tanh(), 3), [0, 0], [1, 1])


def test_it_is_rebuilt_from_its_description() -> None:
    problem = Darcy(points=6)
    with initialised(0):
        encoder = LatentEncoder(
            Standardised(FunctionSensors("coefficient", problem.grid)), MLP([36, 8, LATENT], nn.SiLU())
        )
        law = GenerativeInput("coefficient", problem.grid, decoder(TanhSine()).float(), PhaseLaw(3.0, 12.0))
        operator = LatentGenerativeOperator(
            problem.signature, problem.grid, encoder, GaussianLatent(LATENT), decoder(TanhSine()).float(), law
        )
    again = build(json.loads(json.dumps(describe(operator))))
    again.load_state_dict(operator.state_dict())
    inputs = problem.sample(2, seed=0)
    torch.testing.assert_close(again(inputs), operator(inputs), rtol=0, atol=0)
