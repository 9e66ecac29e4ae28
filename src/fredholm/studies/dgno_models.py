"""Models of the study `dgno`: a latent generative operator for Darcy flow, and what stands beside it."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.fields.grid import Axis, Grid
from fredholm.fields.pointwise import Pointwise
from fredholm.fields.signature import Inputs
from fredholm.fields.wendland import GaussBall, WendlandTests
from fredholm.inverse.gauss_newton import gauss_newton
from fredholm.inverse.observations import Observations
from fredholm.layers.activations import SiLUIdentity, TanhSine
from fredholm.layers.adapted_sensors import Standardised
from fredholm.layers.coordinates import CoordinateScaling
from fredholm.layers.perceptron import MLP, LayerwiseMLP, initialised
from fredholm.layers.sensors import FunctionSensors
from fredholm.operators.deeponet import DeepONet, NetworkBranch, NetworkTrunk
from fredholm.operators.latent_generative import (
    GaussianLatent,
    GenerativeInput,
    LatentDecoder,
    LatentEncoder,
    LatentGenerativeOperator,
    PositiveLaw,
    ZeroWalls,
)
from fredholm.operators.output_transform import Vanishing
from fredholm.problems import Darcy
from fredholm.solvers.diffusion_sensitivity import ObservedDiffusion
from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion
from fredholm.training.optimizers import adam
from fredholm.training.physics.jets import operator_jet
from fredholm.training.physics.weak_form import Diffusion, WeakForm

BOX = Grid(Axis("x", 0.0, 1.0, 2), Axis("y", 0.0, 1.0, 2))
_ENCODER = (256, 128)
_SIZES = (96, 4, 4)  # of decoders: width, layers, layers that are summed
_COMPONENTS = 60  # of the regularised fit through the solver
_COLLOCATION = 200  # points of a step with the strong residual
_PLANES = [(0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)]


def generative(problem: Darcy, median: float, latent: int, seed: int) -> LatentGenerativeOperator:
    """Encoder, and decoders of coefficient and pressure."""
    with initialised(seed):
        sensors = Standardised(FunctionSensors("coefficient", problem.grid))
        encoder = LatentEncoder(sensors, MLP([sensors.width, *_ENCODER, latent], nn.SiLU()))
        solution = _decoder(latent, _SIZES, ZeroWalls([0.0, 0.0], [1.0, 1.0], [0, 1]), scale=2.0 / median)
        decoded = _decoder(latent, (64, 4, 4), None, scale=1.0)
        coefficient = GenerativeInput("coefficient", problem.grid, decoded, PositiveLaw(median))
        return LatentGenerativeOperator(
            problem.signature, problem.grid, encoder, GaussianLatent(latent), solution, coefficient
        )


def _decoder(latent: int, sizes: tuple[int, int, int], walls: ZeroWalls | None, scale: float) -> LatentDecoder:
    width, depth, last = sizes
    trunk = LayerwiseMLP(2, width, depth, TanhSine(), last)
    branch = LayerwiseMLP(latent, width, depth, SiLUIdentity(), last)
    return LatentDecoder(trunk, branch, (0.0, 0.0), (1.0, 1.0), walls, scale)


def darcy_form(rule: Pointwise, median: float, particles: int = 60) -> WeakForm:
    """-div(a grad p) = 1, tested on balls of radius 0.01 with eight nodes each."""
    tests = WendlandTests(2, 0.01, GaussBall(radial=2, angles=4))
    return WeakForm(Diffusion(typical=median), BOX, {"coefficient": rule}, tests, particles)


def physics_informed_deeponet(problem: Darcy, seed: int) -> DeepONet:
    """A DeepONet of as many layers, as wide, that vanishes on the walls."""
    width, depth, _ = _SIZES
    with initialised(seed):
        sensors = Standardised(FunctionSensors("coefficient", problem.grid))
        branch = NetworkBranch(sensors, MLP([sensors.width, *_ENCODER, *[width] * (depth + 1)], nn.SiLU()), width)
        trunk = NetworkTrunk(MLP([2, *[width] * depth], nn.Tanh(), nn.Tanh()), width, CoordinateScaling.box(BOX))
        walls = Vanishing(_PLANES, [1.5, 1.5])  # a network that answers 1 answers with the size of a pressure
        return DeepONet(problem.signature, problem.grid, branch, trunk, transform=walls)


def train_strongly(
    operator: DeepONet, inputs: Inputs, rule: Pointwise, seconds: float, seed: int, typical: float | None = None
) -> int:
    """Adam on the mean square of a Δp + ∇a · ∇p + 1 at random points until the processor time is spent; its steps.

    With `typical` residuals are divided by √(a / typical), as in the weak form. Derivatives of the trunk are taken by
    forward mode, once for the batch; the rate is halved after each fifth of the time.
    """
    operator.adapted(inputs, torch.zeros(1))
    optimizer, generator = adam(operator, 1e-3), torch.Generator().manual_seed(seed)
    values, start, steps = inputs["coefficient"], time.process_time(), 0
    while (spent := time.process_time() - start) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * 0.5 ** int(5 * spent / seconds)
        rows = torch.randperm(len(values), generator=generator)[:40]
        points = torch.rand(_COLLOCATION, 2, generator=generator)
        rest = _strong_residual(operator, values[rows], points, rule, typical)
        optimizer.zero_grad()
        rest.square().mean().backward()
        optimizer.step()
        steps += 1
    operator.eval()
    return steps


def _strong_residual(
    operator: DeepONet, coefficient: Tensor, points: Float[Tensor, "m 2"], rule: Pointwise, typical: float | None
) -> Float[Tensor, "b m"]:
    flat = coefficient.flatten(1)
    pairs = [
        torch.func.jvp(lambda x: rule.at(flat, x), (points,), (unit.expand_as(points).clone(),))
        for unit in torch.eye(2)
    ]
    a, slopes = pairs[0][0], [pair[1] for pair in pairs]
    found = operator_jet(operator, {"coefficient": coefficient}, points, [(0,), (1,), (0, 0), (1, 1)])
    p = {partial: value[:, 0] for partial, value in found.items()}
    rest = a * (p[0, 0] + p[1, 1]) + slopes[0] * p[0,] + slopes[1] * p[1,] + 1
    return rest if typical is None else rest / (a / typical).sqrt()


@dataclass(frozen=True)
class SolverInversion:
    """Tikhonov's inversion through the finite-volume solver, with the training inputs' principal components.

    Args:
        mean: of log a.
        components: (cells, k), scaled to prior deviations of one.
        shape: of the grid.
    """

    mean: Float[np.ndarray, " cells"]
    components: Float[np.ndarray, "cells k"]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, coefficients: Float[Tensor, "n 1 *cells"]) -> "SolverInversion":
        """The components of training inputs."""
        logs = coefficients.flatten(1).double().log()
        mean = logs.mean(0)
        _, singular, right = torch.linalg.svd(logs - mean, full_matrices=False)
        scaled = right[:_COMPONENTS].T * singular[:_COMPONENTS] / len(logs) ** 0.5
        return cls(mean.numpy(), scaled.numpy(), tuple(coefficients.shape[2:]))

    def invert(self, seen: Observations, rows: Tensor) -> Float[Tensor, "*cells"]:
        """The coefficient that explains observations at the cells `rows`."""
        weights = np.eye(len(self.mean))[rows.numpy()]
        forward = ObservedDiffusion(FiniteVolumeDiffusion((1.0, 1.0)), np.ones(self.shape), weights)

        def linearised(c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            a = np.exp(self.mean + self.components @ c)
            values, jacobian = forward.linearised(a.reshape(self.shape))
            return values, (jacobian * a) @ self.components

        start = np.zeros(self.components.shape[1])
        fit = gauss_newton(linearised, seen.values.double().numpy(), seen.noise.std, start, steps=10)
        field = np.exp(self.mean + self.components @ fit.coefficients)
        return torch.from_numpy(field).reshape(self.shape)
