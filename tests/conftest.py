"""Every test has array shapes checked against the signatures' annotations, and draws the same numbers each time."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

import pytest
import torch
from jaxtyping import install_import_hook

PACKAGES = ["fields", "problems", "data", "layers", "operators", "training", "evaluation", "deploy", "studies"]
# not the wave's kernels: numba compiles those as they stand
SOLVERS = [
    "box_modes",
    "box_poisson",
    "cell_stencil",
    "cgls",
    "characteristics",
    "conjugate_gradients",
    "constant_null_space",
    "diffusion_reaction",
    "exponential_integrator",
    "finite_volume_diffusion",
    "fisher",
    "flexible_directions",
    "forced_dynamics",
    "fourier_line",
    "heat",
    "helmholtz",
    "lanczos",
    "line_diffusion",
    "nonlinear_convection",
    "plane_strain",
    "poisson",
    "row_splines",
    "smoke_plume",
    "symmetric_system",
    "vorticity",
    "absorption_table",
    "material_file",
    "porous_layer",
    "rational_admittance",
    "spectral_elements",
    "spectral_wave",
    "tensor_cells",
    "vector_fitting",
    "wave",
    "wave_walls",
]
INVERSE = [
    "blur",
    "gaussian_prior",
    "image_quality",
    "input_convex",
    "noise",
    "plug_and_play",
    "proximal",
    "proximal_matching",
    "proximal_network",
    "reconstruction",
    "reconstructor",
    "sampling",
    "stability",
    "three_layer_network",
    "total_variation",
]
install_import_hook(
    [
        *(f"fredholm.{package}" for package in PACKAGES),
        *(f"fredholm.solvers.{name}" for name in SOLVERS),
        *(f"fredholm.inverse.{name}" for name in INVERSE),
    ],
    "shape_checks.checked",
)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed what a test and its fixtures draw, weights above all, whichever tests ran before."""
    torch.manual_seed(0)
