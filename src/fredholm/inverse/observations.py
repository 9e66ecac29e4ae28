"""Sparse, noisy values of a solution: what is known of an effect whose cause is looked for."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from fredholm.errors import InverseProblemError, OutsideDomainError
from fredholm.fields.domain import Domain
from fredholm.inverse.noise import GaussianNoise


@dataclass(frozen=True)
class Observations:
    """Yₖ = u(xₖ) + noise, at those of m points that the mask keeps.

    Args:
        points: x (m, d), in the units of the operator.
        values: y (m,).
        noise: of every value, independent.
        mask: which observations count; all, if not given.

    Raises InverseProblemError for shapes that disagree, a value that counts and is not finite, nothing left to count,
    or noise of zero.

    >>> seen = Observations(torch.tensor([[0.2], [0.7]]), torch.tensor([1.0, torch.nan]), GaussianNoise(0.1),
    ...                     mask=torch.tensor([True, False]))
    >>> len(seen)
    1
    """

    points: Float[Tensor, "m d"]
    values: Float[Tensor, " m"]
    noise: GaussianNoise
    mask: Bool[Tensor, " m"] | None = None

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.values.shape != self.points.shape[:1]:
            raise InverseProblemError(
                f"observations have points {tuple(self.points.shape)} and values {tuple(self.values.shape)}: expected "
                "(m, d) and (m,)"
            )
        if self.mask is not None and self.mask.shape != self.values.shape:
            raise InverseProblemError(
                f"the mask has shape {tuple(self.mask.shape)} for {len(self.values)} observations"
            )
        if not self.noise.std > 0:
            raise InverseProblemError("observations without noise have no likelihood: state a deviation over 0")
        for name, numbers in (("value", self.values), ("point", self.points.sum(1))):
            wild = ~torch.isfinite(numbers) & self._kept
            if bool(wild.any()):
                raise InverseProblemError(
                    f"the {name} of observation {int(wild.nonzero()[0])} is {float(numbers[wild][0])}: mask it, or "
                    "leave it out"
                )
        if not bool(self._kept.any()):
            raise InverseProblemError("the mask leaves no observation: keep one or more")

    @classmethod
    def of_field(
        cls,
        domain: Domain,
        field: Float[Tensor, "*shape"],
        rows: Tensor,
        noise: GaussianNoise,
        generator: torch.Generator | None = None,
    ) -> "Observations":
        """Of a field on a domain, at the points `rows`; with noise drawn and added if a generator is given."""
        if tuple(field.shape) != domain.shape:
            raise InverseProblemError(f"the field has shape {tuple(field.shape)}, its domain {domain.shape}")
        values = field.flatten()[rows]
        return cls(domain.coordinates()[rows].to(values), noise(values, generator) if generator else values, noise)

    def __len__(self) -> int:
        return int(self._kept.sum())

    @property
    def kept(self) -> tuple[Float[Tensor, "k d"], Float[Tensor, " k"]]:
        """Points and values that count."""
        return self.points[self._kept], self.values[self._kept]

    def require_inside(self, lower: tuple[float, ...], upper: tuple[float, ...]) -> None:
        """Raise an error that names the first point outside a box, or says that its dimension is another."""
        points, _ = self.kept
        if points.shape[1] != len(lower):
            raise InverseProblemError(
                f"observations have {points.shape[1]} coordinates, the operator's solution has {len(lower)}"
            )
        slack = 1e-6 * (points.new_tensor(upper) - points.new_tensor(lower))
        outside = ((points < points.new_tensor(lower) - slack) | (points > points.new_tensor(upper) + slack)).any(1)
        if bool(outside.any()):
            first = int(outside.nonzero()[0])
            raise OutsideDomainError(
                f"observation {first} at {[round(x, 6) for x in points[first].tolist()]} lies outside the operator's "
                f"domain, {list(lower)} to {list(upper)}: leave it out, or mask it"
            )

    @property
    def _kept(self) -> Bool[Tensor, " m"]:
        return torch.ones_like(self.values, dtype=torch.bool) if self.mask is None else self.mask
