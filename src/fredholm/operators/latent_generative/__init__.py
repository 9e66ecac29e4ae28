"""Deep generative neural operators: one latent vector generates input, solution and flux."""

from fredholm.operators.latent_generative.coefficient import CoefficientLaw, PhaseLaw, PositiveLaw
from fredholm.operators.latent_generative.decoder import BoundaryFactor, LatentDecoder, ZeroWalls
from fredholm.operators.latent_generative.operator import GenerativeInput, LatentEncoder, LatentGenerativeOperator
from fredholm.operators.latent_generative.prior import GaussianLatent, LatentPrior, UniformLatent

__all__ = [
    "BoundaryFactor",
    "CoefficientLaw",
    "GaussianLatent",
    "GenerativeInput",
    "LatentDecoder",
    "LatentEncoder",
    "LatentGenerativeOperator",
    "LatentPrior",
    "PhaseLaw",
    "PositiveLaw",
    "UniformLatent",
    "ZeroWalls",
]
