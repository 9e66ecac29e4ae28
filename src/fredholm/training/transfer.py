"""Transfer: begin with another operator's weights, and hold some of its layers.

    θ_target ← θ_source;   θ of the frozen layers is kept,   the rest is trained on the target's data

What the layers near the inputs have learned of waves serves the next room; less data and fewer steps are then enough.

Source: Borrel-Jensen et al., PNAS 2024, for rooms; Goswami, Kontolati, Shields, Karniadakis, "Deep transfer operator
learning for partial differential equations under conditional shift", Nat. Mach. Intell. 4 (2022).
"""

from collections.abc import Sequence

import torch
from torch import nn

from fredholm.errors import TrainingError

PUBLISHED_FREEZE = (
    "branch.network.upper",
    "branch.network.lower",
    "branch.network.layers.0",
    "branch.network.layers.1",
    "trunk.network.upper",
    "trunk.network.lower",
    "trunk.network.layers.0",
)  # of the gated acoustic network


def transfer(source: nn.Module, target: nn.Module, frozen: Sequence[str] = ()) -> int:
    """Copy all weights of `source` into `target`, freeze those of its submodules `frozen`; how many are left to train.

    Buffers, such as normalisers, stay the target's own. Raises TrainingError naming a weight of another shape, or a
    submodule that is not there.

    >>> source, target = (nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)) for _ in range(2))
    >>> transfer(source, target, frozen=["0"])
    4
    >>> bool((target[0].weight == source[0].weight).all()), target[0].weight.requires_grad
    (True, False)
    """
    given, taken = dict(source.named_parameters()), dict(target.named_parameters())
    if wrong := sorted(given.keys() ^ taken.keys()):
        raise TrainingError(f"weight {wrong[0]!r} is in one operator only: transfer needs two of one architecture")
    for name, weight in taken.items():
        if weight.shape != given[name].shape:
            raise TrainingError(
                f"weight {name!r} has shape {tuple(weight.shape)}, in the source {tuple(given[name].shape)}: give both "
                "operators as many sensors and terms"
            )
        with torch.no_grad():
            weight.copy_(given[name])
    for part in frozen:
        held = [weight for name, weight in taken.items() if name == part or name.startswith(part + ".")]
        if not held:
            raise TrainingError(f"there is no submodule {part!r} to freeze")
        for weight in held:
            weight.requires_grad_(False)
    return sum(weight.numel() for weight in taken.values() if weight.requires_grad)
