"""Admittance of a wall that reacts locally, as a rational function of frequency.

    v·n = Y p,   Y(ω) = Y∞ + Σₖ Aₖ / (λₖ + jω) + 2 Σₗ (Bₗ (αₗ + jω) + Cₗ βₗ) / ((αₗ + jω)² + βₗ²)

with real poles -λ and pairs of complex poles -α ± jβ. In time each pole is an auxiliary differential equation,

    v·n = Y∞ p + Σ Aₖ φₖ + 2 Σ (Bₗ ψₗ + Cₗ χₗ),   φ' = -λ φ + p,   ψ' = -α ψ - β χ + p,   χ' = -α χ + β ψ

and a wall is passive, takes energy and gives none, where Re Y ≥ 0 at all frequencies. Signs are those of exp(jωt).

Sources: Troian, Dragna, Bailly, Galland, "Broadband liner impedance eduction for multimodal acoustic propagation in the
presence of a mean flow", J. Sound Vib. 392 (2017), for the form; Borrel-Jensen et al., PNAS 2024, for rooms.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

SOUND_SPEED, DENSITY = 343.0, 1.2  # of air, m/s and kg/m³


@dataclass(frozen=True)
class RationalAdmittance:
    """Y(ω) in m/(Pa s), by its value at high frequency, real poles and pairs of complex ones.

    Args:
        limit: Y∞ ≥ 0; of a wall of specific impedance ξ it is 1 / (ξ ρ c), and there is no pole.
        residues: A, one for each of `decays`, m/(Pa s²).
        decays: λ > 0, 1/s.
        pair_residues: (B, C), one pair for each of `pair_poles`, m/(Pa s²).
        pair_poles: (α, β) with α > 0, 1/s.

    >>> wall = RationalAdmittance(limit=1 / (17.98 * 1.2 * 343))
    >>> round(float(wall.absorption(np.array([500.0]))[0]), 4)
    0.1996
    """

    limit: float = 0.0
    residues: tuple[float, ...] = ()
    decays: tuple[float, ...] = ()
    pair_residues: tuple[tuple[float, float], ...] = ()
    pair_poles: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if len(self.residues) != len(self.decays) or len(self.pair_residues) != len(self.pair_poles):
            raise ValueError(
                f"{len(self.residues)} residues for {len(self.decays)} real poles, {len(self.pair_residues)} pairs of "
                f"residues for {len(self.pair_poles)} pairs of poles: each pole has one"
            )
        numbers = [self.limit, *self.residues, *self.decays, *sum(self.pair_residues + self.pair_poles, ())]
        if not all(map(math.isfinite, numbers)):
            raise ValueError("an admittance has a coefficient that is not finite")
        if self.limit < 0:
            raise ValueError(f"the admittance's limit Y∞ is {self.limit:g}: a wall with a negative one gives energy")
        if slow := [pole for pole in (*self.decays, *(alpha for alpha, _ in self.pair_poles)) if pole <= 0]:
            raise ValueError(f"a pole with decay {slow[0]:g} 1/s grows in time: λ and α must be positive")

    @property
    def order(self) -> int:
        """Number of poles."""
        return len(self.decays) + 2 * len(self.pair_poles)

    @property
    def fastest(self) -> float:
        """Largest modulus of a pole, 1/s: it bounds the time step of explicit schemes."""
        return max([*self.decays, *(math.hypot(*pole) for pole in self.pair_poles)], default=0.0)

    def __call__(self, frequency: Float[ndarray, " f"]) -> Shaped[ndarray, " f"]:
        """Y at frequencies in Hz, complex."""
        s = 2j * math.pi * np.asarray(frequency, dtype=np.float64)
        value = np.full(s.shape, complex(self.limit))
        for residue, decay in zip(self.residues, self.decays, strict=True):
            value += residue / (decay + s)
        for (b, c), (alpha, beta) in zip(self.pair_residues, self.pair_poles, strict=True):
            value += 2 * (b * (alpha + s) + c * beta) / ((alpha + s) ** 2 + beta**2)
        return value

    def absorption(
        self, frequency: Float[ndarray, " f"], sound_speed: float = SOUND_SPEED, density: float = DENSITY
    ) -> Float[ndarray, " f"]:
        """Share of the energy of a plane wave at normal incidence that the wall takes: 1 - |(1 - ρcY) / (1 + ρcY)|²."""
        return normal_absorption(density * sound_speed * self(frequency))

    def weakest(self) -> float:
        """Least Re Y over all frequencies, on a dense set that follows the poles: passive if it is not negative."""
        poles = [*self.decays, *(math.hypot(*pole) for pole in self.pair_poles)]
        # where a resonance is narrow
        around = [abs(beta) + alpha * np.linspace(-8, 8, 161) for alpha, beta in self.pair_poles]
        dense = np.geomspace(1e-3 * min(poles, default=1.0), 1e3 * max(poles, default=1.0), 4000)
        omega = np.abs(np.concatenate([[0.0], dense, *around]))
        return float(min(self(omega / (2 * math.pi)).real.min(), self.limit))

    @property
    def passive(self) -> bool:
        """Whether the wall gives energy at no frequency, to a thousandth of its largest admittance."""
        largest = float(np.abs(self(np.geomspace(10.0, 1e5, 400))).max())
        return self.weakest() >= -1e-3 * largest


def normal_absorption(specific: Shaped[ndarray, " f"]) -> Float[ndarray, " f"]:
    """Absorption at normal incidence, 1 - |(1 - y) / (1 + y)|², of specific admittances y = ρ c Y.

    >>> float(normal_absorption(np.array([1.0 + 0j]))[0])
    1.0
    """
    return 1 - np.abs((1 - specific) / (1 + specific)) ** 2
