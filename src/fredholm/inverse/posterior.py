"""What is known after an inversion: of the cause, of the effect everywhere, and of the latent vector.

The spread of a field has two parts, as its law says: that of what the draws expect, and that of the values given a
draw, such as which phase a point belongs to.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.errors import InverseProblemError
from fredholm.fields.domain import Domain
from fredholm.inverse.latent_methods import LatentDraws
from fredholm.inverse.latent_target import LatentTarget
from fredholm.inverse.observations import Observations


@dataclass(frozen=True)
class FieldPosterior:
    """A field on a domain, known by draws.

    Args:
        name: of the field.
        domain: where it lives.
        samples: what each draw expects, (n, *shape).
        scatter: variance of the values given a draw, (n, *shape).

    >>> from fredholm.fields import Axis, Grid
    >>> line = Grid(Axis("x", 0.0, 1.0, 2))
    >>> known = FieldPosterior("a", line, torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.zeros(2, 2))
    >>> known.mean.tolist(), known.coverage(torch.tensor([2.5, 2.0]), deviations=1.0)
    ([2.0, 2.0], 1.0)
    """

    name: str
    domain: Domain
    samples: Float[Tensor, "n *shape"]
    scatter: Float[Tensor, "n *shape"]

    @property
    def mean(self) -> Float[Tensor, "*shape"]:
        """Expected values."""
        return self.samples.mean(0)

    @property
    def std(self) -> Float[Tensor, "*shape"]:
        """Standard deviation; raises InverseProblemError where only a mode is known."""
        self._require_spread()
        return (self.samples.var(0) + self.scatter.mean(0)).sqrt()

    def quantile(self, q: float) -> Float[Tensor, "*shape"]:
        """Of what the draws expect; raises InverseProblemError where only a mode is known."""
        self._require_spread()
        return self.samples.quantile(q, dim=0)

    def coverage(self, truth: Float[Tensor, "*shape"], deviations: float = 2.0) -> float:
        """Share of the points at which the truth lies within so many standard deviations of the mean."""
        return float(((truth - self.mean).abs() <= deviations * self.std).double().mean())

    def _require_spread(self) -> None:
        if len(self.samples) < 2:
            raise InverseProblemError(f"the mode of {self.name!r} alone has no spread: invert by Laplace or HMC")


@dataclass(frozen=True)
class Posterior:
    """What is known of input, solution and latent vector.

    Args:
        coefficient: the input field.
        solution: the output field.
        latent: draws of z, and how they were found.
        probability: of the higher phase at every point, for a medium of phases, else None.
        observations: what it was found from.
    """

    coefficient: FieldPosterior
    solution: FieldPosterior
    latent: LatentDraws
    probability: Float[Tensor, "*shape"] | None
    observations: Observations

    @property
    def diagnostics(self) -> dict[str, float]:
        """Numbers that tell whether to believe it, by name."""
        return self.latent.diagnostics

    def plot(self, truth: Float[Tensor, "*shape"] | None = None) -> Any:
        """A matplotlib figure: mean, deviation and probability of the input, mean of the solution, and observations."""
        from matplotlib.figure import Figure

        panels = [("mean of " + self.coefficient.name, self.coefficient.domain, self.coefficient.mean)]
        if len(self.coefficient.samples) > 1:
            panels.append(("standard deviation", self.coefficient.domain, self.coefficient.std))
        if self.probability is not None:
            panels.append(("probability of the higher phase", self.coefficient.domain, self.probability))
        if truth is not None:
            panels.append(("truth", self.coefficient.domain, truth))
        panels.append(("mean of " + self.solution.name, self.solution.domain, self.solution.mean))
        figure = Figure(figsize=(3.4 * len(panels), 3.0), layout="constrained")
        for axes, (title, domain, values) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _draw(figure, axes, domain, values)
            axes.set_title(title, fontsize="medium")
        points, seen = self.observations.kept
        if points.shape[1] == 1:
            axes.plot(points[:, 0], seen, ".k")
        else:
            axes.plot(points[:, 0], points[:, 1], ".w", markersize=3)
        return figure


def described(target: LatentTarget, draws: LatentDraws, observations: Observations) -> Posterior:
    """The fields that draws of z stand for."""
    operator = target.operator
    assert operator.coefficient is not None
    name, domain, law = operator.coefficient.name, operator.coefficient.domain, operator.coefficient.law
    with torch.no_grad():
        beta = torch.tanh(draws.z)
        decoded = operator.coefficient.decoder(beta, operator.coefficient.points(beta)).unflatten(1, domain.shape)
        solution = operator.solution(beta, operator.points(beta)).unflatten(1, operator.output_domain.shape)
        chance = law.probability(decoded)
        output = operator.signature.output.channels[0].name
        return Posterior(
            FieldPosterior(name, domain, law.mean(decoded), law.variance(decoded)),
            FieldPosterior(output, operator.output_domain, solution, torch.zeros_like(solution)),
            draws,
            None if chance is None else chance.mean(0),
            observations,
        )


def _draw(figure: Any, axes: Any, domain: Domain, values: Tensor) -> None:
    x = domain.coordinates()
    if x.shape[1] == 1:
        axes.plot(x[:, 0], values.flatten())
        return
    image = axes.tripcolor(x[:, 0], x[:, 1], values.flatten().detach(), shading="gouraud")
    figure.colorbar(image, ax=axes)
    axes.set_aspect("equal")
