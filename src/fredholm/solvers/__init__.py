"""Numerics without learning."""

from fredholm.solvers.finite_volume_diffusion import CLOSED, HELD, FiniteVolumeDiffusion, Wall
from fredholm.solvers.fisher import FisherSolver
from fredholm.solvers.plane_strain import PlaneStrain, ring_mesh
from fredholm.solvers.poisson import PoissonSolver
from fredholm.solvers.sphere_transport import SphereTransport
from fredholm.solvers.vorticity import VorticitySolver
from fredholm.solvers.wave import WaveSolver

__all__ = [
    "CLOSED",
    "HELD",
    "FiniteVolumeDiffusion",
    "FisherSolver",
    "PlaneStrain",
    "PoissonSolver",
    "SphereTransport",
    "VorticitySolver",
    "Wall",
    "WaveSolver",
    "ring_mesh",
]
