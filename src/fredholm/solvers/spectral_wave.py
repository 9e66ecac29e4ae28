"""The wave equation by spectral elements, with walls whose admittance may depend on frequency.

    ρ ∂v/∂t = -∇p,   ∂p/∂t = -ρ c² div v,   walls: v·n = Y p,   p(·, 0) = p₀,   v(·, 0) = 0

With Φ = ∫ p dt, so that v = -∇Φ / ρ, and the matrices of `spectral_elements`, this is a linear system of ordinary
differential equations: Φ' = p, the auxiliary ones z' = S z + b p of each wall node, and

    M p' = -c² K Φ - ρ c² Σ_walls B (Y∞ p + r·z),

which loses by B p v·n of the energy E = pᵀM p / (2ρc²) + ΦᵀK Φ / (2ρ) and keeps it where walls are rigid. A time step
is x⁺ = Σₖ (dt L)ᵏ x / k! with k to 8, eight products with one matrix for all sources together; it is stable while dt
times the spectral radius stays below 3.3. With four terms, the classical Runge-Kutta method, the shortest waves would
fade at the largest stable step, and with eight they do not. The error in space is of order N + 1.

Source: Pind, Engsig-Karup, Jeong, Hesthaven, Mejling, Strømann-Andersen, "Time domain room acoustic simulations using
the spectral element method", J. Acoust. Soc. Am. 145 (2019), who take Runge-Kutta steps.
"""

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy import sparse

from fredholm.errors import CourantError, SignatureError, UnknownNameError
from fredholm.solvers.rational_admittance import DENSITY, SOUND_SPEED, RationalAdmittance
from fredholm.solvers.spectral_elements import SpectralElements

_TERMS = 8  # of the exponential series; with 5, 6, 9 or 10 it would be unstable for waves without loss
_STABLE = 3.3  # radius of the half disc in its stability region
_CAUTION = 0.95
_RIGID = RationalAdmittance()


class SpectralWaveSolver:
    """Solver of the wave equation on spectral elements.

    Args:
        space: where the pressure lives.
        walls: admittance of each named part of the boundary.
        otherwise: admittance of all other parts; rigid by default.
        sound_speed: c, m/s.
        density: ρ, kg/m³.

    Raises UnknownNameError for a part that the mesh has not.

    >>> import skfem
    >>> line = skfem.MeshLine(np.linspace(0, 1, 5))
    >>> solver = SpectralWaveSolver(SpectralElements(line, order=4))
    >>> pressure = solver.solve(np.ones((1, 17)), recording_interval=1e-3, recordings=3)
    >>> pressure.shape, bool(abs(pressure - 1).max() < 1e-12)
    ((1, 3, 17), True)
    """

    def __init__(
        self,
        space: SpectralElements,
        walls: Mapping[str, RationalAdmittance] | None = None,
        otherwise: RationalAdmittance = _RIGID,
        sound_speed: float = SOUND_SPEED,
        density: float = DENSITY,
    ) -> None:
        for name in walls or {}:
            if name not in space.walls:
                raise UnknownNameError("part of the boundary", name, space.walls)
        if not (0 < sound_speed < math.inf and 0 < density < math.inf):
            raise ValueError(f"sound speed {sound_speed} m/s and density {density} kg/m³ must be positive and finite")
        self.space, self.sound_speed, self.density = space, sound_speed, density
        self.walls = {name: (walls or {}).get(name, otherwise) for name in space.walls}

    @cached_property
    def system(self) -> Any:
        """L of x' = L x, sparse; x holds Φ, p and the auxiliary variables of all walls, in this order."""
        n, square = len(self.space.nodes), self.sound_speed**2
        over_mass = sparse.diags_array(1 / self.space.mass)
        damping, coupling, drives, dynamics = np.zeros(n), [], [], []
        for name, admittance in self.walls.items():
            nodes, weights = self.space.walls[name]
            np.add.at(damping, nodes, admittance.limit * weights)
            if not admittance.order:
                continue
            matrix, drive, row = _state_space(admittance)
            spread = sparse.csr_matrix((weights, (nodes, np.arange(len(nodes)))), shape=(n, len(nodes)))
            gather = sparse.csr_matrix((np.ones(len(nodes)), (np.arange(len(nodes)), nodes)), shape=(len(nodes), n))
            coupling.append(sparse.kron(row[None], spread))
            drives.append(sparse.kron(drive[:, None], gather))
            dynamics.append(sparse.kron(matrix, sparse.eye_array(len(nodes))))
        pressure = [-square * over_mass @ self.space.stiffness, -self.density * square * over_mass * damping]
        blocks = [[None, sparse.eye_array(n)], [pressure[0], sparse.diags_array(pressure[1].diagonal())]]
        if coupling:
            blocks[0].append(sparse.csr_matrix((n, sum(part.shape[1] for part in coupling))))
            blocks[1].append(-self.density * square * over_mass @ sparse.hstack(coupling))
            blocks.append([None, sparse.vstack(drives), sparse.block_diag(dynamics)])
        return sparse.block_array(blocks, format="csr")

    @cached_property
    def radius(self) -> float:
        """Largest modulus of an eigenvalue of L, 1/s: as Arnoldi's method finds it, or a bound if that is less."""
        root = sparse.diags_array(self.space.mass**-0.5)
        start = np.random.default_rng(0).standard_normal(self.system.shape[0])
        symmetric, n = root @ self.space.stiffness @ root, len(self.space.nodes)
        largest = sparse.linalg.eigsh(symmetric, k=1, v0=start[:n], tol=1e-3, return_eigenvectors=False)[0]
        fastest = self.sound_speed * math.sqrt(largest)
        damping = np.zeros(n)
        for name, admittance in self.walls.items():
            nodes, weights = self.space.walls[name]
            # what a wall's poles add at high frequency, where the cells' fastest modes are
            residues = sum(map(abs, admittance.residues)) + 2 * sum(abs(b) for b, _ in admittance.pair_residues)
            np.add.at(damping, nodes, (admittance.limit + residues / fastest) * weights)
        lossy = self.density * self.sound_speed**2 * float((damping / self.space.mass).max())
        bound = lossy + max(1.01 * fastest, *(admittance.fastest for admittance in self.walls.values()))
        try:
            found = sparse.linalg.eigs(
                self.system, k=min(6, n - 2), v0=start, tol=1e-4, maxiter=300, return_eigenvectors=False
            )
        except sparse.linalg.ArpackError:
            return bound
        return min(bound, 1.02 * float(np.abs(found).max()))

    def steps_for(self, recording_interval: float) -> int:
        """Fewest time steps to a recording interval that are stable."""
        return math.ceil(recording_interval * self.radius / (_CAUTION * _STABLE))

    def solve(
        self,
        initial_pressure: Float[ndarray, "sources n"],
        recording_interval: float,
        recordings: int,
        receivers: Float[ndarray, "m d"] | None = None,
        steps: int | None = None,
    ) -> Float[ndarray, "sources recordings m"]:
        """Pressure at the times 0, interval, ..., at receivers or, without any, at all nodes.

        In the dtype of the initial pressure at the nodes. Raises SignatureError for values that do not fit,
        CourantError for too few `steps` to an interval, OutsideDomainError for a receiver outside the room.
        """
        self._require(initial_pressure)
        if not 0 < recording_interval < math.inf or recordings < 1:
            raise ValueError(
                f"{recordings} recordings every {recording_interval} s: there must be one, at an interval > 0"
            )
        steps = self.steps_for(recording_interval) if steps is None else steps
        if steps * _STABLE < recording_interval * self.radius:
            raise CourantError(
                f"{steps} time steps to a recording interval of {recording_interval:g} s are unstable: take "
                f"{self.steps_for(recording_interval)} or more"
            )
        dtype, n = initial_pressure.dtype, len(self.space.nodes)
        shown = sparse.eye_array(n, format="csr") if receivers is None else self.space.interpolation(receivers)
        system, shown = (recording_interval / steps * self.system).astype(dtype), shown.astype(dtype)
        state = np.zeros((system.shape[0], len(initial_pressure)), dtype)
        state[n : 2 * n] = initial_pressure.T
        recorded = np.empty((recordings, shown.shape[0], state.shape[1]), dtype)
        recorded[0] = shown @ state[n : 2 * n]
        for recording in range(1, recordings):
            for _ in range(steps):
                term = state
                for k in range(1, _TERMS + 1):
                    term = (system @ term) / dtype.type(k)
                    state = state + term
            recorded[recording] = shown @ state[n : 2 * n]
        return np.ascontiguousarray(recorded.transpose(2, 0, 1))

    def energy(self, potential: Float[ndarray, " n"], pressure: Float[ndarray, " n"]) -> float:
        """E of Φ and p at the nodes, J (per m in two dimensions, per m² in one)."""
        kinetic = float(potential @ (self.space.stiffness @ potential)) / (2 * self.density)
        return kinetic + float(self.space.mass @ pressure**2) / (2 * self.density * self.sound_speed**2)

    def _require(self, pressure: Any) -> None:
        n = len(self.space.nodes)
        if pressure.ndim != 2 or pressure.shape[1] != n:
            raise SignatureError(f"initial pressure has shape {pressure.shape}; expected (sources, {n}), one a node")
        if pressure.dtype not in (np.float32, np.float64):
            raise SignatureError(f"initial pressure is of type {pressure.dtype}; expected float32 or float64")
        if not np.isfinite(pressure).all():
            raise SignatureError("initial pressure has values that are NaN or infinite: replace or drop these samples")


def _state_space(admittance: RationalAdmittance) -> tuple[ndarray, ndarray, ndarray]:
    """S, b and r of z' = S z + b p, v·n = Y∞ p + r·z."""
    blocks = [np.array([[-decay]]) for decay in admittance.decays]
    blocks += [np.array([[-alpha, -beta], [beta, -alpha]]) for alpha, beta in admittance.pair_poles]
    drive = [1.0] * len(admittance.decays) + [1.0, 0.0] * len(admittance.pair_poles)
    row = [*admittance.residues, *(2 * value for pair in admittance.pair_residues for value in pair)]
    return sparse.block_diag(blocks).toarray(), np.array(drive), np.array(row)
