"""From effects to causes: linear systems with learned directions, priors, deblurring, posteriors."""

from fredholm.inverse.blur import CircularConvolution, GaussianBlur, MotionBlur
from fredholm.inverse.direction_network import DirectionNetwork
from fredholm.inverse.direction_training import DirectionTraining, RitzSampler, train_directions
from fredholm.inverse.gauss_newton import RegularisedFit, gauss_newton
from fredholm.inverse.gaussian_prior import GaussianPrior
from fredholm.inverse.hamiltonian import Trajectories, hamiltonian_monte_carlo
from fredholm.inverse.image_quality import psnr, ssim
from fredholm.inverse.input_convex import InputConvexCNN, InputConvexMLP, InputConvexNetwork
from fredholm.inverse.latent_inversion import invert
from fredholm.inverse.latent_methods import HMC, MAP, Laplace, PosteriorMethod
from fredholm.inverse.latent_target import LatentTarget, VirtualObservations
from fredholm.inverse.learned_direction import LearnedDirection
from fredholm.inverse.noise import GaussianNoise, Noise, PoissonNoise
from fredholm.inverse.observations import Observations
from fredholm.inverse.plug_and_play import InnerSolver, Stopping, pnp_admm, pnp_drs, pnp_pgd
from fredholm.inverse.posterior import FieldPosterior, Posterior
from fredholm.inverse.proximal import Denoiser, ProximalOperator, Shrinkage, SoftThreshold
from fredholm.inverse.proximal_matching import (
    AbsoluteError,
    DenoisingLoss,
    ProximalMatching,
    SquaredError,
    Stage,
    matching_stages,
    train_proximal,
)
from fredholm.inverse.proximal_network import Inversion, LearnedProximalNetwork, PriorValues
from fredholm.inverse.reconstruction import Reconstruction
from fredholm.inverse.reconstructor import (
    Reconstructor,
    ReconstructorTraining,
    TikhonovCGLS,
    psnr_loss,
    train_reconstructor,
)
from fredholm.inverse.sampling import (
    Composition,
    Flattened,
    IdentityOperator,
    Mask,
    Subsampling,
    random_measurements,
)
from fredholm.inverse.stability import (
    AtNoise,
    StabilityReport,
    stability_constants,
    stability_report,
    tradeoff_lower_bound,
)
from fredholm.inverse.three_layer_network import ResidualTanh, ThreeLayerNetwork
from fredholm.inverse.total_variation import Gradient, total_variation

__all__ = [
    "HMC",
    "MAP",
    "AbsoluteError",
    "AtNoise",
    "CircularConvolution",
    "Composition",
    "Denoiser",
    "DenoisingLoss",
    "DirectionNetwork",
    "DirectionTraining",
    "FieldPosterior",
    "Flattened",
    "GaussianBlur",
    "GaussianNoise",
    "GaussianPrior",
    "Gradient",
    "IdentityOperator",
    "InnerSolver",
    "InputConvexCNN",
    "InputConvexMLP",
    "InputConvexNetwork",
    "Inversion",
    "Laplace",
    "LatentTarget",
    "LearnedDirection",
    "LearnedProximalNetwork",
    "Mask",
    "MotionBlur",
    "Noise",
    "Observations",
    "PoissonNoise",
    "Posterior",
    "PosteriorMethod",
    "PriorValues",
    "ProximalMatching",
    "ProximalOperator",
    "Reconstruction",
    "Reconstructor",
    "ReconstructorTraining",
    "RegularisedFit",
    "ResidualTanh",
    "RitzSampler",
    "Shrinkage",
    "SoftThreshold",
    "SquaredError",
    "StabilityReport",
    "Stage",
    "Stopping",
    "Subsampling",
    "ThreeLayerNetwork",
    "TikhonovCGLS",
    "Trajectories",
    "VirtualObservations",
    "gauss_newton",
    "hamiltonian_monte_carlo",
    "invert",
    "matching_stages",
    "pnp_admm",
    "pnp_drs",
    "pnp_pgd",
    "psnr",
    "psnr_loss",
    "random_measurements",
    "ssim",
    "stability_constants",
    "stability_report",
    "total_variation",
    "tradeoff_lower_bound",
    "train_directions",
    "train_proximal",
    "train_reconstructor",
]
