"""Stress in a plate with a void, pulled at the top: from the void's shape to the stress around it.

    div σ = 0  in the unit square less the void {|x - c| < r(θ)},   r = 0.2 + 0.2 / (1 + exp g(θ)),
    u = 0 at the bottom,   σ n = (0, 1) at the top,   σ n = 0 at the sides and around the void

in plane strain. g is a Gaussian function on the circle with covariance σ² (-d²/dθ² + τ²)^-α. The operator maps r, as
its values at 42 angles and as a cloud of 972 points that fills each sample's own plate, to the von Mises stress at
these points, in units of the traction. With elements a quarter as long it changes by 1 % of its norm over y > 0.1, and
by 3 % with the clamped corners, where stress is singular and values are those of the mesh.

Source: Li, Huang, Liu, Anandkumar, "Fourier neural operator with learned deformations for PDEs on general
geometries", JMLR 24 (2023), section 4.1, whose plate is of rubber, and whose g has σ = 4, τ = 3, α = 1. Here
α = 3 makes g twice differentiable, with the same variance, so that the mesh resolves its voids.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from fredholm.errors import SignatureError
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.point_cloud import PointCloud
from fredholm.fields.random_fields import PeriodicGaussianField
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature
from fredholm.problems.problem import Problem, generator_of
from fredholm.problems.voids import ring_points, vertex_weights

_AROUND, _OUTWARD = 108, 8  # intervals of the cloud: 108 x 9 points
_INVERSE_LENGTH, _VARIANCE = 3.0, 8 / 3  # of g: Σ 16 / (k² + 9) / 2π


@dataclass(frozen=True)
class Elasticity(Problem):
    """Von Mises stress in a plate with a random smooth void.

    Its output lives on another cloud in every sample: that of the input `geometry`, whose channel is the distance from
    the void along the ray from its centre. `output_domain` is the cloud around a circular void.

    Args:
        angles: at which the radius is known.
        exponent: α of the random function g, which is the smoother the larger.
        poisson_ratio: ν of the plate.
        refinement: of the finite elements; with 1 their vertices are the cloud's points.

    >>> problem = Elasticity()
    >>> inputs = problem.sample(2, seed=0)
    >>> {name: tuple(values.shape) for name, values in inputs.items()}
    {'geometry': (2, 1, 972), 'geometry.coordinates': (2, 972, 2), 'geometry.weights': (2, 972), 'radii': (2, 42)}
    >>> problem.solve(inputs).shape
    torch.Size([2, 1, 972])
    """

    name: ClassVar[str] = "elasticity"
    summary: ClassVar[str] = "a pulled plate with a void: the void's shape -> von Mises stress at each plate's points"

    angles: int = 42
    exponent: float = 3.0
    poisson_ratio: float = 0.3
    refinement: int = 1

    def __post_init__(self) -> None:
        if self.angles < 3 or self.refinement < 1:
            raise ValueError(f"angles {self.angles} must be 3 or more, refinement {self.refinement} 1 or more")
        if not self.exponent > 0.5:
            raise ValueError(f"exponent {self.exponent} gives g infinite variance: take over 0.5")
        if not 0 <= self.poisson_ratio < 0.5:
            raise ValueError(f"Poisson's ratio must lie in [0, 0.5), got {self.poisson_ratio}")

    @cached_property
    def output_domain(self) -> PointCloud:
        circle = self.plate(torch.full((1, self.angles), 0.3))
        return PointCloud(
            circle["geometry.coordinates"][0].double(), ("x", "y"), quadrature=circle["geometry.weights"][0].double()
        )

    @property
    def input_domains(self) -> Mapping[str, Domain]:
        return {"geometry": self.output_domain}

    @property
    def signature(self) -> Signature:
        cloud = DomainType.of(self.output_domain, varies=True)
        radii = Parameter(tuple(Quantity(f"radius_{k}") for k in range(self.angles)))
        return Signature(
            {"geometry": Function((Quantity("distance"),), cloud), "radii": radii},
            Function((Quantity("von_mises_stress"),), cloud),
        )

    def sample(self, n: int, seed: int, first: int = 0) -> Inputs:
        g = self._field.sample_each([generator_of(seed, first + i) for i in range(n)])
        return self.plate((0.2 + 0.2 * torch.sigmoid(-g)).float())

    def plate(self, radii: Tensor) -> Inputs:
        """The inputs of plates with voids of given radii (n, angles); raises SignatureError for impossible ones."""
        points = ring_points(radii.double().numpy(), _AROUND, _OUTWARD)
        from_centre = np.hypot(*np.moveaxis(points - 0.5, 1, 0))
        distance = from_centre - from_centre[:, :, :1]
        return {
            "geometry": torch.from_numpy(distance.reshape(len(points), 1, -1)).float(),
            "geometry.coordinates": torch.from_numpy(points.reshape(len(points), 2, -1)).float().mT.contiguous(),
            "geometry.weights": torch.from_numpy(vertex_weights(points).reshape(len(points), -1)).float(),
            "radii": radii,
        }

    def solve(self, inputs: Inputs) -> Tensor:
        """Stress at the points of each plate; raises SignatureError where they are not those of its radii."""
        self.signature.check(inputs, finite=True)
        radii = inputs["radii"]
        mine = self.plate(radii)["geometry.coordinates"]
        given = inputs["geometry.coordinates"]
        if given.shape != mine.shape or not torch.allclose(given.to(mine), mine, atol=1e-5):
            raise SignatureError("input 'geometry.coordinates' is not the cloud of 'radii': make both with `plate`")
        return torch.from_numpy(np.stack([self._stress(one) for one in radii.double().numpy()])).float().unsqueeze(1)

    @cached_property
    def _field(self) -> PeriodicGaussianField:
        order = (torch.arange(self.angles, dtype=torch.float64) + 1) // 2
        series = float(((order**2 + _INVERSE_LENGTH**2) ** -self.exponent).sum()) / (2 * math.pi)
        circle = Grid(Axis("angle", 0.0, 2 * math.pi, self.angles, periodic=True))
        return PeriodicGaussianField(circle, self.exponent, _INVERSE_LENGTH, scale=math.sqrt(_VARIANCE / series))

    def _stress(self, radii: np.ndarray) -> np.ndarray:
        from fredholm.solvers.plane_strain import PlaneStrain, ring_mesh

        nodes = ring_points(radii[None], 2 * _AROUND * self.refinement, 2 * _OUTWARD * self.refinement)[0]
        mesh = ring_mesh(nodes)
        bottom, top = (mesh.facets_satisfying(lambda x, y=y: np.isclose(x[1], y)) for y in (0.0, 1.0))
        solver = PlaneStrain(self.poisson_ratio)
        stress = solver.solve(mesh, bottom, top, (0.0, 1.0)).stress
        every = stress.reshape(3, _AROUND * self.refinement, -1)[:, :: self.refinement, :: self.refinement]
        return solver.von_mises(every).reshape(-1)
