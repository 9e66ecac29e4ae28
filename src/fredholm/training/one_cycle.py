"""One cycle: the schedule by which operators of every family train well from the same few numbers.

The learning rate rises to its peak over the first third of the run and falls to nothing by its end; AdamW.

Source: Smith, Topin 2019, "Super-convergence: very fast training of neural networks using large learning rates".
"""

import torch

from fredholm.data.dataset import Dataset
from fredholm.data.sampling import WholeFields
from fredholm.operators.operator import Operator
from fredholm.training.fit import fit
from fredholm.training.history import History
from fredholm.training.losses import Loss, RelativeL2
from fredholm.training.optimizers import adam
from fredholm.training.settings import Settings


def fit_one_cycle(
    operator: Operator,
    data: Dataset,
    iterations: int,
    *,
    batch: int = 20,
    peak: float = 2e-3,
    loss: Loss | None = None,
    settings: Settings | None = None,
) -> History:
    """Train an operator, in place, on whole fields.

    Args:
        operator: what is trained.
        data: training samples.
        iterations: optimiser steps.
        batch: samples a step.
        peak: highest learning rate.
        loss: what to make small; the relative L2 error by default.
        settings: seed, checkpoints, device and the like, as for `fit`.

    Raises what `fit` raises.

    >>> history = fit_one_cycle(operator, data, iterations=2000)  # doctest: +SKIP
    """
    optimizer = adam(operator, decay=1e-4)
    return fit(
        operator,
        data,
        sampler=WholeFields(batch),
        iterations=iterations,
        optimizer=optimizer,
        schedule=torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=iterations),
        loss=loss or RelativeL2(),
        settings=settings,
    )
