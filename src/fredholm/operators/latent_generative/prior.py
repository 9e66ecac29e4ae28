"""Priors of the latent vector β = tanh z ∈ (-1, 1)^d, stated for z, in which posteriors are sampled.

    uniform     -log p(z) = -Σᵢ log(1 - tanh² zᵢ) + constant
    Gaussian    -log p(z) = ½ (z - m)ᵀ C⁻¹ (z - m) + constant,  m and C those of encoded training inputs

Source: Zang, Koutsourelakis, "DGenNO", J. Comput. Phys. 538 (2025), for the uniform prior. Encoded inputs fill little
of the cube, and decoders are trained there alone: the Gaussian prior keeps a posterior where they are.
"""

import math
from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.layers.architecture import Described

_FEWEST_SHARE = 1e-4  # of the mean variance, added to C: directions that no input has used stay nearly shut


class LatentPrior(nn.Module, Described, ABC):
    """A density of z ∈ ℝ^width; the decoders see β = tanh z."""

    def __init__(self, width: int) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"a latent vector has 1 component or more, got {width}")
        self.width = width

    @abstractmethod
    def energy(self, z: Float[Tensor, "batch width"]) -> Float[Tensor, " batch"]:
        """-log p(z), up to a constant."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n width"]:
        """Draws of z."""

    def fit(self, z: Float[Tensor, "n width"]) -> None:
        """Take what the prior has to learn from the codes of training inputs."""


class UniformLatent(LatentPrior):
    """β uniform on the cube.

    >>> UniformLatent(3).energy(torch.zeros(2, 3)).abs().tolist()
    [0.0, 0.0]
    """

    def energy(self, z: Float[Tensor, "batch width"]) -> Float[Tensor, " batch"]:
        # 1 - tanh² z = 4 / (e^z + e^-z)², without overflow
        return 2 * (z.abs() + nn.functional.softplus(-2 * z.abs()) - math.log(2)).sum(-1)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n width"]:
        beta = torch.rand(n, self.width, generator=generator, dtype=torch.float64) * 2 - 1
        return beta.atanh().float()


class GaussianLatent(LatentPrior):
    """Z normal with mean and covariance of encoded inputs; standard normal before it is fitted."""

    mean: Tensor
    root: Tensor

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("root", torch.eye(width))

    def energy(self, z: Float[Tensor, "batch width"]) -> Float[Tensor, " batch"]:
        white = torch.linalg.solve_triangular(self.root.to(z), (z - self.mean.to(z)).T, upper=False)
        return 0.5 * white.square().sum(0)

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n width"]:
        return self.mean + torch.randn(n, self.width, generator=generator).to(self.mean) @ self.root.T

    def fit(self, z: Float[Tensor, "n width"]) -> None:
        z = z.detach().double()
        if len(z) < 2:
            raise ValueError(f"a Gaussian prior is fitted to 2 codes or more, got {len(z)}")
        centred = z - z.mean(0)
        covariance = centred.T @ centred / (len(z) - 1)
        jitter = _FEWEST_SHARE * covariance.diagonal().mean().clamp_min(1e-12)
        self.mean.copy_(z.mean(0))
        self.root.copy_(torch.linalg.cholesky(covariance + jitter * torch.eye(self.width).to(z)))
