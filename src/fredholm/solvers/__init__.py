"""Numerics without learning."""

from fredholm.solvers.box_poisson import OPEN, BoxPoisson
from fredholm.solvers.characteristics import Characteristics
from fredholm.solvers.diesel_engine import DieselEngine
from fredholm.solvers.diffusion_reaction import DiffusionReactionSolver
from fredholm.solvers.exponential_integrator import ETDRK4
from fredholm.solvers.finite_volume_diffusion import CLOSED, HELD, FiniteVolumeDiffusion, Wall
from fredholm.solvers.fisher import FisherSolver
from fredholm.solvers.flexible_directions import DirectedSolution, dcdm
from fredholm.solvers.forced_dynamics import drive
from fredholm.solvers.fourier_line import FourierLine
from fredholm.solvers.heat import HeatSolver
from fredholm.solvers.helmholtz import HelmholtzSolver
from fredholm.solvers.incomplete_cholesky import IncompleteCholesky
from fredholm.solvers.incompressible import IncompressibleSolver
from fredholm.solvers.lanczos import RitzPairs, ritz_pairs
from fredholm.solvers.lattice_boltzmann import LatticeBoltzmannSolver
from fredholm.solvers.line_diffusion import line_diffusion
from fredholm.solvers.nonlinear_convection import ConvectionSolver, burgers, kuramoto_sivashinsky
from fredholm.solvers.plane_strain import PlaneStrain, ring_mesh
from fredholm.solvers.poisson import PoissonSolver
from fredholm.solvers.smoke_plume import SmokePlume
from fredholm.solvers.spectral_elements import SpectralElements
from fredholm.solvers.spectral_wave import SpectralWaveSolver
from fredholm.solvers.sphere_transport import SphereTransport
from fredholm.solvers.vorticity import VorticitySolver
from fredholm.solvers.wave import WaveSolver

__all__ = [
    "CLOSED",
    "ETDRK4",
    "HELD",
    "OPEN",
    "BoxPoisson",
    "Characteristics",
    "ConvectionSolver",
    "DieselEngine",
    "DiffusionReactionSolver",
    "DirectedSolution",
    "FiniteVolumeDiffusion",
    "FisherSolver",
    "FourierLine",
    "HeatSolver",
    "HelmholtzSolver",
    "IncompleteCholesky",
    "IncompressibleSolver",
    "LatticeBoltzmannSolver",
    "PlaneStrain",
    "PoissonSolver",
    "RitzPairs",
    "SmokePlume",
    "SpectralElements",
    "SpectralWaveSolver",
    "SphereTransport",
    "VorticitySolver",
    "Wall",
    "WaveSolver",
    "burgers",
    "dcdm",
    "drive",
    "kuramoto_sivashinsky",
    "line_diffusion",
    "ring_mesh",
    "ritz_pairs",
]
