"""A Gaussian prior, fitted to samples: the best linear reconstruction, and a baseline for learned priors.

    x ~ N(m, C),  y = A x + e,  e ~ N(0, s² I)        E[x | y] = m + C Aᵀ (A C Aᵀ + s² I)⁻¹ (y - A m)

The answer is the posterior mean and the mode. The covariance is dense: it is meant for small fields.

Source: Wiener, "Extrapolation, interpolation, and smoothing of stationary time series", 1949; Tarantola, "Inverse
problem theory", 2005, section 3.2.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.solvers.linear_operator import LinearOperator


@dataclass(frozen=True)
class GaussianPrior:
    """N(mean, covariance) on fields.

    >>> from fredholm.inverse import IdentityOperator
    >>> prior = GaussianPrior(torch.zeros(2), torch.eye(2))
    >>> prior.reconstruct(IdentityOperator((2,)), torch.tensor([2.0, 4.0]), noise=1.0).tolist()
    [1.0, 2.0]
    """

    mean: Float[Tensor, "*shape"]
    covariance: Float[Tensor, "entries entries"]

    @classmethod
    def fitted(cls, samples: Float[Tensor, "n *shape"]) -> "GaussianPrior":
        """Mean and covariance of samples."""
        return cls(samples.mean(0), torch.cov(samples.flatten(1).T))

    def reconstruct(
        self, operator: LinearOperator, data: Float[Tensor, "*batch_and_output"], noise: float
    ) -> Float[Tensor, "*batch_and_input"]:
        """E[x | y] for noise of standard deviation `noise`.

        Raises InverseProblemError for noise that is not positive, or a prior for other fields than the operator's.
        """
        if not noise > 0:
            raise InverseProblemError(f"the standard deviation of noise is positive here, got {noise:g}")
        if tuple(self.mean.shape) != operator.input_shape:
            raise InverseProblemError(f"the prior is for {tuple(self.mean.shape)}, A takes {operator.input_shape}")
        size = math.prod(operator.output_shape)
        columns = self.covariance.reshape(-1, *operator.input_shape)
        across = operator(columns).reshape(-1, size)  # C Aᵀ
        inner = operator(across.T.reshape(size, *operator.input_shape)).reshape(size, size)
        inner = inner + noise**2 * torch.eye(size, dtype=inner.dtype)
        residual = (data - operator(self.mean)).flatten(data.ndim - len(operator.output_shape))
        weights = torch.linalg.solve(inner, residual.reshape(-1, size).T)
        moved = (across @ weights).T.reshape(*residual.shape[:-1], *operator.input_shape)
        return self.mean + moved
