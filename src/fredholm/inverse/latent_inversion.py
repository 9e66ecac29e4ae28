"""`invert`: from observations of a solution to the posterior of its cause, through a latent operator."""

import torch

from fredholm.inverse.latent_methods import Laplace, PosteriorMethod
from fredholm.inverse.latent_target import LatentTarget, VirtualObservations
from fredholm.inverse.observations import Observations
from fredholm.inverse.posterior import Posterior, described
from fredholm.operators.latent_generative import LatentGenerativeOperator


def invert(
    operator: LatentGenerativeOperator,
    observations: Observations,
    method: PosteriorMethod | None = None,
    *,
    equation: VirtualObservations | None = None,
    model_error: float = 0.0,
    seed: int = 0,
) -> Posterior:
    """Posterior of input and solution.

    Args:
        operator: trained by `fredholm.training.fit_generative`.
        observations: where and what was seen, and how noisy it is.
        method: `MAP`, `Laplace` (the default) or `HMC`.
        equation: weak residuals that are observed to vanish; without them the decoder of the solution is believed.
        model_error: standard deviation of the operator's own error, in units of its output.
        seed: of the starts.

    Raises InverseProblemError or OutsideDomainError for observations that are not of this operator's solution.

    >>> posterior = invert(operator, observations, HMC())  # doctest: +SKIP
    >>> posterior.coefficient.mean, posterior.coefficient.std  # doctest: +SKIP
    """
    method = method or Laplace()
    target = LatentTarget(operator, observations, equation, model_error)
    starts = target.prior.sample(method.starts, torch.Generator().manual_seed(seed))
    return described(target, method.draws(target, starts), observations)
