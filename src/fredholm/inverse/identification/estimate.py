"""What an identification finds: wear with its uncertainty, and the states that nobody measured."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor

from fredholm.errors import UnknownNameError
from fredholm.solvers.diesel_engine import WEAR

KNOWN = 1.0  # deviation of the logarithm of wear before anything is measured: right to a factor of e
STATES = ("p_im", "p_em", "omega_t", "x_r", "T_1")


@dataclass(frozen=True)
class Estimate:
    """The result of an identification.

    Args:
        unknown: names of what was unknown, among `WEAR`.
        values: (s,) in their units.
        covariance: (s, s) of the logarithms of the values, so that its diagonal's roots are relative deviations.
        states: (5, m) in the units of `STATES`, at the record's rows; what follows from the model, not a measurement.
        iterations: of the solver.
        hidden: layers of the networks (w, f, m, 2) that were trained, from which `Transfer` goes on; None for others.
    """

    unknown: tuple[str, ...]
    values: Float[Tensor, " s"]
    covariance: Float[Tensor, "s s"]
    states: Float[Tensor, "5 m"]
    iterations: int
    hidden: Float[Tensor, "w f m 2"] | None = field(default=None, repr=False)

    @property
    def relative_deviations(self) -> Float[Tensor, " s"]:
        """Standard deviations over values."""
        return self.covariance.diagonal().clamp_min(0).sqrt()

    def __getitem__(self, name: str) -> float:
        if name not in self.unknown:
            raise UnknownNameError("parameter", name, self.unknown)
        return float(self.values[self.unknown.index(name)])

    def interval(self, name: str, deviations: float = 2.0) -> tuple[float, float]:
        """Lowest and highest value within so many deviations, of the logarithm.

        >>> import torch
        >>> one = torch.ones(1, dtype=torch.float64)
        >>> found = Estimate(("h_tot",), 100 * one, 0.01 * one[None], torch.zeros(5, 3), iterations=1)
        >>> [round(end, 1) for end in found.interval("h_tot")]
        [81.9, 122.1]
        """
        spread = deviations * self.relative_deviations[self.unknown.index(name)]
        value = self[name]
        return float(value * (-spread).exp()), float(value * spread.exp())


def indices_of(unknown: tuple[str, ...]) -> tuple[int, ...]:
    """Places in the solver's order; raises UnknownNameError for what does not wear out."""
    for name in unknown:
        if name not in WEAR:
            raise UnknownNameError("parameter", name, WEAR)
    return tuple(WEAR.index(name) for name in unknown)
