"""Distance of an input from those of training: far away, neither an operator nor its error bars can be trusted.

    z(u) = (⟨u - ū, φ₁⟩ / σ₁, ..., ⟨u - ū, φᵣ⟩ / σᵣ, ‖u - ū - Πu‖ / ρ)        d(u) = minᵢ ‖z(u) - z(uᵢ)‖

φ are the principal directions of the training inputs uᵢ, σ² their variances, Π the projection on them and ρ the typical
size of what they miss: an input that no training input resembles in its leading directions is far, and so is one with
features that no training input has. All input functions and parameters count alike.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import SignatureError
from fredholm.fields.signature import Function, Inputs, Signature
from fredholm.layers.architecture import Described

_LARGEST_RANK = 16
_TINY = 1e-12  # an input that never varies has no direction of its own; any change of it is far


class InputDistance(nn.Module, Described):
    """D(u) of a batch of inputs; made by `InputDistance.of`.

    Args:
        signature: of the inputs; functions on domains of each sample's own have no common coordinates: SignatureError.
        rank: r.
        references: number of training inputs.
    """

    centre: Tensor
    weight: Tensor
    directions: Tensor
    deviations: Tensor
    missed: Tensor
    references: Tensor

    def __init__(self, signature: Signature, rank: int, references: int) -> None:
        super().__init__()
        self.names = tuple(signature.inputs)
        size = sum(_sizes(signature).values())
        self.register_buffer("centre", torch.zeros(size))
        self.register_buffer("weight", torch.ones(size))
        self.register_buffer("directions", torch.zeros(rank, size))
        self.register_buffer("deviations", torch.ones(rank))
        self.register_buffer("missed", torch.ones(()))
        self.register_buffer("references", torch.zeros(references, rank + 1))

    @classmethod
    def of(cls, signature: Signature, inputs: Inputs) -> "InputDistance":
        """The distance from training inputs, each (n, ...)."""
        count = signature.check(inputs)
        sizes = _sizes(signature)
        rank = max(1, min(_LARGEST_RANK, count // 4, *[sum(sizes.values())]))
        distance = cls(signature, rank, count)
        flat = distance._flat(inputs)
        distance.centre.copy_(flat.mean(0))
        centred = flat - distance.centre
        scales = []
        for part, (name, size) in zip(centred.split(list(sizes.values()), 1), sizes.items(), strict=True):
            own = isinstance(signature.inputs[name], Function)  # components of a parameter have units of their own
            spread = part.square().mean().sqrt().expand(size) if own else part.square().mean(0).sqrt()
            scales.append(spread.clamp_min(_TINY) * size**0.5)
        distance.weight.copy_(1 / torch.cat(scales))
        weighted = centred * distance.weight
        _, values, directions = torch.linalg.svd(weighted.double(), full_matrices=False)
        distance.directions.copy_(directions[:rank])
        distance.deviations.copy_((values[:rank] / count**0.5).clamp_min(_TINY))
        rest = weighted - (weighted @ distance.directions.T) @ distance.directions
        distance.missed.copy_(rest.norm(dim=1).square().mean().sqrt().clamp_min(1e-6))
        distance.references.copy_(distance._coordinates(inputs))
        return distance

    def forward(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, " batch"]:
        """D of every input."""
        return torch.cdist(self._coordinates(inputs), self.references).amin(1)

    def _coordinates(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch rank_and_one"]:
        weighted = (self._flat(inputs) - self.centre) * self.weight
        leading = weighted @ self.directions.T
        rest = (weighted - leading @ self.directions).norm(dim=1, keepdim=True)
        return torch.cat([leading / self.deviations, rest / self.missed], 1)

    def _flat(self, inputs: Mapping[str, Tensor]) -> Float[Tensor, "batch size"]:
        return torch.cat([inputs[name].flatten(1) for name in self.names], 1)


def _sizes(signature: Signature) -> dict[str, int]:
    """Numbers that make one input, by name."""
    sizes = {}
    for name, entry in signature.inputs.items():
        if not isinstance(entry, Function):
            sizes[name] = len(entry.components)
            continue
        if entry.domain.shape is None:
            raise SignatureError(f"input {name!r} lives on a domain of each sample's own: inputs have no distance")
        sizes[name] = len(entry.channels)
        for length in entry.domain.shape:
            sizes[name] *= length
    return sizes
