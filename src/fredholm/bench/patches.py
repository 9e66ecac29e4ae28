"""What one item keeps for the backward pass: a patch with its coarser view, beside the whole field.

An FNO of 8 modes and width 16 on 64 x 64 points, and on patches of 32 x 32 with a padding of an eighth of the side.
"""

import torch

from fredholm.bench.side_by_side import Figure
from fredholm.evaluation.activations import activation_bytes
from fredholm.operators.fourier import FNO
from fredholm.operators.fourier.patching import MultigridPatching


def memory(rounds: int) -> list[Figure]:
    del rounds  # bytes are counted, not timed
    field, patching = torch.zeros(1, 1, 64, 64), MultigridPatching(levels=1, padding=0.125)
    kept = {
        "patch": activation_bytes(FNO(2, 1, (8, 8), width=16), patching.patch(field)[:1]) / 1e6,
        "whole field": activation_bytes(FNO(1, 1, (8, 8), width=16), field) / 1e6,
    }
    share = kept["patch"] / kept["whole field"]
    return [Figure("activations an item", share, "of the whole field's", kept, "MB", at_most=0.65)]


PARTS = {"mg-tfno-memory": memory}
