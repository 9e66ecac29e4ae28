"""Spreads: where, and for which inputs, an operator's error is expected to be large.

A band is prediction ± factor · spread. Calibration finds the factor, whatever the spread; a spread that knows where
errors are large makes the band narrow elsewhere.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.data.dataset import Dataset
from fredholm.evaluation.metrics import batches
from fredholm.fields.domain import Domain
from fredholm.layers.architecture import Described
from fredholm.operators.operator import Operator


class Spread(nn.Module, Described, ABC):
    """Expected size of the error, in the output's units; nonnegative."""

    @abstractmethod
    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        """Sizes (batch or 1, channels, *shape), or (batch or 1, channels, m) at query points."""


class ConstantProfile(Spread):
    """The same for all inputs: root mean square error at every point, over samples kept for it.

    Args:
        output_domain: where the profile is known; between its points it is interpolated.
        channels: of the output.
    """

    profile: Tensor

    def __init__(self, output_domain: Domain, channels: int) -> None:
        super().__init__()
        self.output_domain = output_domain
        self.register_buffer("profile", torch.ones(channels, *output_domain.shape))

    @classmethod
    def of(cls, errors: Float[Tensor, "n channels *shape"], output_domain: Domain) -> "ConstantProfile":
        """The profile of errors on the output domain.

        >>> from fredholm.fields import Axis, Grid
        >>> line = Grid(Axis("x", 0.0, 1.0, 2))
        >>> ConstantProfile.of(torch.tensor([[[3.0, 0.0]], [[-3.0, 1.0]]]), line).profile[0, 0]
        tensor(3.)
        """
        spread = cls(output_domain, errors.shape[1])
        spread.profile.copy_(errors.square().mean(0).sqrt())
        return spread

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        return self.profile[None] if query is None else at_points(self.output_domain, self.profile, query)


class EnsembleSpread(Spread):
    """Standard deviation of the answers of several operators, such as of one architecture from several seeds."""

    def __init__(self, members: Sequence[Operator]) -> None:
        super().__init__()
        if len(members) < 2:
            raise ValueError(f"an ensemble has at least 2 members, got {len(members)}")
        for member in members[1:]:
            members[0].signature.require(member.signature, "a member of the ensemble")
        self.members = nn.ModuleList(members)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        answers = torch.stack([member(inputs, query) for member in self.members])
        return answers.std(0, correction=0)


class LearnedSpread(Spread):
    """An operator that has learned the size of the errors, |G_σ(u)|; `absolute_errors` makes data to train it on."""

    def __init__(self, operator: Operator) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        size: Tensor = self.operator(inputs, query)
        return size.abs()


def absolute_errors(operator: Operator, data: Dataset, batch: int = 64) -> Dataset:
    """The inputs of `data` with |G(u) - s| for outputs: what a `LearnedSpread` is trained on.

    Take samples that neither trained the operator nor will calibrate it. Raises SignatureError where they do not fit.
    """
    operator.signature.require(data.signature, "the data")
    inputs = [data.inputs(samples) for samples in batches(data, batch)]
    gathered = {name: torch.cat([part[name] for part in inputs]) for name in inputs[0]}
    return Dataset.from_arrays(
        data.signature,
        data.output_domain,
        gathered,
        errors_of(operator, data, batch).abs(),
        input_domains=data.input_domains,
    )


def errors_of(operator: Operator, data: Dataset, batch: int = 64) -> Float[Tensor, "n channels *shape"]:
    """G(u) - s of all samples, on the output domain."""
    with torch.inference_mode():
        parts = [operator(data.inputs(samples)) - data.outputs(samples) for samples in batches(data, batch)]
    return torch.cat(parts).clone()  # outside inference mode, so that what is made of them may be trained


def at_points(domain: Domain, values: Float[Tensor, "..."], query: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Values (channels, *shape) of a domain at points (m, d) or (batch, m, d): (1 or batch, channels, m)."""
    flat = values.flatten(-len(domain.shape))
    interpolated = domain.stencil(query.flatten(0, -2).double()).apply(flat)
    return interpolated.unflatten(-1, (-1, query.shape[-2])).movedim(-2, 0)
