"""Weak forms at random places, and training by them."""

import math

import pytest
import torch
from torch import Tensor, nn

from fredholm.data.simulation import simulate
from fredholm.errors import SignatureError
from fredholm.fields import Axis, Grid
from fredholm.fields.pointwise import Cosines, Multilinear, Nearest
from fredholm.fields.wendland import CorrectedMean, GaussBall, WendlandTests
from fredholm.inverse import MAP, GaussianNoise, Laplace, Observations, VirtualObservations, invert
from fredholm.layers.activations import TanhSine
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.perceptron import MLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.latent_generative import (
    GaussianLatent,
    GenerativeInput,
    LatentDecoder,
    LatentEncoder,
    LatentGenerativeOperator,
    PhaseLaw,
    PositiveLaw,
    ZeroWalls,
)
from fredholm.problems import Darcy, LogNormal
from fredholm.training.generative import GenerativeSettings, fit_generative, unlabelled_loss
from fredholm.training.physics.weak_form import BalanceLaw, Diffusion, LocalFields, ViscousConvection, WeakForm

SQUARE = Grid(Axis("x", 0.0, 1.0, 3), Axis("y", 0.0, 1.0, 3))
PROBLEM = Darcy(points=8, medium=LogNormal(2.0, 0.4, 0.7))


def flow(mixed: bool = False) -> LatentGenerativeOperator:
    with initialised(0):
        encoder = LatentEncoder(Standardised(FunctionSensors("coefficient", PROBLEM.grid)), MLP([64, 32, 6], nn.SiLU()))
        walls = ZeroWalls([0.0, 0.0], [1.0, 1.0], [0, 1])
        solution = LatentDecoder.of(SQUARE, 6, TanhSine(), (16, 3, 2), walls)
        decoded = LatentDecoder.of(SQUARE, 6, TanhSine(), (16, 3, 2))
        law = GenerativeInput("coefficient", PROBLEM.grid, decoded, PositiveLaw(2.0))
        flux = [LatentDecoder.of(SQUARE, 6, TanhSine(), (16, 3, 2)) for _ in range(2)] if mixed else []
        made = LatentGenerativeOperator(
            PROBLEM.signature, PROBLEM.grid, encoder, GaussianLatent(6), solution, law, flux
        )
        for part in (solution, decoded, *flux):
            nn.init.normal_(part.omega)
        return made


def darcy_form(radius: float = 1e-2, particles: int = 20, rule: GaussBall | CorrectedMean | None = None) -> WeakForm:
    tests = WendlandTests(2, radius, rule or GaussBall(3, 6))
    return WeakForm(Diffusion(typical=2.0), SQUARE, {"coefficient": Cosines(PROBLEM.grid)}, tests, particles)


def manufactured(radius: float, rule: GaussBall | CorrectedMean) -> float:
    """Largest residual of u = sin πx sin πy under a = e^x, whose f follows."""

    def source(x: Tensor) -> Tensor:
        s, c = torch.sin(math.pi * x), torch.cos(math.pi * x)
        return x[:, 0].exp() * (2 * math.pi**2 * s[:, 0] * s[:, 1] - math.pi * c[:, 0] * s[:, 1])

    law, tests = Diffusion(source_of=source), WendlandTests(2, radius, rule)
    form = WeakForm(law, SQUARE, {"coefficient": Multilinear(SQUARE)}, tests, particles=30)
    x = form.nodes(0.1 + 0.8 * torch.rand(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    s, c = torch.sin(math.pi * x), torch.cos(math.pi * x)
    gradient = math.pi * torch.stack([c[:, 0] * s[:, 1], s[:, 0] * c[:, 1]], dim=-1)
    fields = LocalFields(x, (s[:, 0] * s[:, 1])[None], gradient[None], {"coefficient": x[None, :, 0].exp()})
    return float(form.residual(fields).abs().max())


def test_the_residual_of_a_solution_vanishes() -> None:
    """Down to rounding for an exact rule, at any radius; to second order for a rule of few nodes."""
    assert manufactured(0.1, GaussBall(8, 12)) < 1e-10
    coarse, fine = manufactured(0.1, CorrectedMean(9)), manufactured(0.05, CorrectedMean(9))
    assert 3 < coarse / fine < 5


def test_a_travelling_wave_solves_viscous_convection() -> None:
    """u = ½ (1 - tanh((x - t/2) / 4ν)) is a solution of Burgers' equation; derivatives in t belong to the source."""
    nu, domain = 0.1, Grid(Axis("x", -1.0, 1.0, 3), Axis("t", 0.0, 1.0, 3))
    form = WeakForm(ViscousConvection(nu), domain, {}, WendlandTests(1, 0.05, GaussBall(8)), particles=40)
    x = form.draw(torch.Generator().manual_seed(0)).double()
    wave = torch.tanh((x[:, 0] - x[:, 1] / 2) / (4 * nu))
    slope = -0.5 * (1 - wave.square()) / (4 * nu)
    fields = LocalFields(x, 0.5 * (1 - wave)[None], torch.stack([slope, -slope / 2], dim=-1)[None], {})
    assert float(form.residual(fields).abs().max()) < 1e-4 * float(slope.abs().max())


class Helmholtz(BalanceLaw):
    """-div grad u = k² u: a law of one's own."""

    axes = (0, 1)

    def flux(self, fields: LocalFields) -> Tensor:
        return fields.gradient

    def source(self, fields: LocalFields) -> Tensor:
        return 2 * math.pi**2 * fields.solution


def test_a_law_of_ones_own() -> None:
    form = WeakForm(Helmholtz(), SQUARE, {}, WendlandTests(2, 0.2, GaussBall(8, 12)), particles=10)
    x = form.draw(torch.Generator().manual_seed(0)).double()
    s, c = torch.sin(math.pi * x), torch.cos(math.pi * x)
    gradient = math.pi * torch.stack([c[:, 0] * s[:, 1], s[:, 0] * c[:, 1]], dim=-1)
    rest = form.residual(LocalFields(x, (s[:, 0] * s[:, 1])[None], gradient[None], {}))
    assert float(rest.abs().max()) < 1e-4


def double_backward_loss(operator: LatentGenerativeOperator, inputs: dict[str, Tensor], form: WeakForm, points: Tensor):
    """The same loss with every sample's own copy of the points, and derivatives of the network by reverse mode."""
    beta = operator.encode(inputs)
    place = points.expand(len(beta), -1, -1).clone().requires_grad_()
    u = torch.stack([operator.solution(beta[i : i + 1], place[i])[0] for i in range(len(beta))])
    (gradient,) = torch.autograd.grad(u.sum(), place, create_graph=True)
    fields = LocalFields(points, u, gradient, form.input_values(inputs, points))
    if operator.flux:
        flux = torch.stack([decoder(beta, points) for decoder in operator.flux], dim=-1)
        rest = form.residual(fields, flux)
        off = (flux - form.law.flux(fields)).flatten(1).square().mean(1).sqrt()
    else:
        rest, off = form.residual(fields), torch.zeros(())
    return (rest.square().mean(1).sqrt() + off).mean() + operator.coefficient.mismatch(beta, inputs)


@pytest.mark.parametrize("mixed", [False, True])
def test_sharing_points_changes_neither_the_loss_nor_its_gradient(mixed: bool) -> None:
    operator, form, inputs = flow(mixed).double(), darcy_form(), PROBLEM.sample(3, seed=0)
    inputs = {name: values.double() for name, values in inputs.items()}
    points = form.draw(torch.Generator().manual_seed(1)).double()
    ours = unlabelled_loss(operator, inputs, form, points, GenerativeSettings())
    theirs = double_backward_loss(operator, inputs, form, points)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=0)
    weights = list(operator.parameters())
    for mine, other in zip(torch.autograd.grad(ours, weights), torch.autograd.grad(theirs, weights), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-10)


def test_it_learns_without_solutions_and_better_with_some() -> None:
    inputs, test = PROBLEM.sample(60, seed=0), simulate(PROBLEM, 20, seed=1)
    few = simulate(PROBLEM, 20, seed=0)

    def error(labels: bool) -> float:
        operator = flow()
        settings = GenerativeSettings(batch=10, rate=3e-3, quiet=True)
        fit_generative(operator, inputs, darcy_form(), iterations=60, labels=few if labels else None, settings=settings)
        truth = test.outputs(torch.arange(20)).flatten(1)
        with torch.no_grad():
            off = operator(test.inputs(torch.arange(20))).flatten(1) - truth
        return float((off.norm(dim=1) / truth.norm(dim=1)).mean())

    alone, helped = error(labels=False), error(labels=True)
    assert alone < 0.5  # the answer 0, from which it starts, has an error of 1
    assert helped < alone


def test_the_same_seed_gives_the_same_bytes() -> None:
    states = []
    for _ in range(2):
        operator = flow()
        fit_generative(
            operator, PROBLEM.sample(8, 0), darcy_form(), iterations=3, settings=GenerativeSettings(quiet=True)
        )
        states.append(operator.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"take WendlandTests\(2\)"):
        WeakForm(Diffusion(), SQUARE, {}, WendlandTests(1))
    with pytest.raises(ValueError, match="do not fit into a box of width 1"):
        WeakForm(Diffusion(), SQUARE, {}, WendlandTests(2, 0.5))
    with pytest.raises(SignatureError, match="needs the input 'coefficient'"):
        darcy_form().input_values({}, torch.zeros(1, 2))
    negative = {"coefficient": -PROBLEM.sample(2, 0)["coefficient"]}
    with pytest.raises(SignatureError, match="a positive field has the value"):
        fit_generative(flow(), negative, darcy_form(), iterations=1)
    other = simulate(Darcy(points=9), 2, 0)
    with pytest.raises(SignatureError, match="the labelled data does not fit"):
        fit_generative(flow(), PROBLEM.sample(2, 0), darcy_form(), iterations=1, labels=other)


@pytest.mark.slow
def test_two_phases_in_mixed_form_are_learnt_and_inverted() -> None:
    """Flux, phases and pressure of one latent vector: the loss falls, and a posterior has probabilities."""
    problem, form = Darcy(points=8), WeakForm(Diffusion(), SQUARE, {"coefficient": Nearest(PROBLEM.grid)}, particles=20)
    with initialised(0):
        operator = flow(mixed=True)
        operator.coefficient = GenerativeInput(
            "coefficient", problem.grid, LatentDecoder.of(SQUARE, 6, TanhSine(), (16, 3, 2)), PhaseLaw(3.0, 12.0)
        )
    settings = GenerativeSettings(batch=10, rate=3e-3, quiet=True)
    history = fit_generative(operator, problem.sample(40, seed=0), form, iterations=100, settings=settings)
    assert history.losses[-1][1] < 0.7 * history.losses[0][1]
    truth = problem.sample(1, seed=1)
    seen = Observations.of_field(problem.grid, problem.solve(truth)[0, 0], torch.arange(0, 64, 5), GaussianNoise(0.005))
    equation = VirtualObservations(form, precision=1.0)
    posterior = invert(operator, seen, Laplace(samples=20, mode=MAP(steps=20, starts=2)), equation=equation)
    assert posterior.probability is not None
    assert bool(((posterior.probability >= 0) & (posterior.probability <= 1)).all())
