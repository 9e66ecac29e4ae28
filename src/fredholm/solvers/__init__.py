"""Numerics without learning."""

from fredholm.solvers.finite_volume_diffusion import FiniteVolumeDiffusion
from fredholm.solvers.fisher import FisherSolver
from fredholm.solvers.plane_strain import PlaneStrain, ring_mesh
from fredholm.solvers.sphere_transport import SphereTransport
from fredholm.solvers.vorticity import VorticitySolver
from fredholm.solvers.wave import WaveSolver

__all__ = ["FiniteVolumeDiffusion", "FisherSolver", "PlaneStrain", "SphereTransport", "VorticitySolver", "WaveSolver", "ring_mesh"]
