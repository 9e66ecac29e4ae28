"""Validation: the error on samples that are not trained on, while training."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.sampling import Sampler
from fredholm.operators.operator import Operator
from fredholm.problems.problem import generator_of
from fredholm.training.losses import RelativeL2


@dataclass(frozen=True)
class Validation:
    """Mean relative L2 error ‖ŝ - s‖ / ‖s‖ over samples of `data`, every `every` iterations.

    Args:
        data: samples with outputs on the output domain, or at their own query points.
        every: iterations between validations.
        sampler: where whole fields are too large, what is drawn once and measured on every time.
        batch: samples evaluated at once, without a sampler.
    """

    data: Dataset
    every: int = 500
    sampler: Sampler | None = None
    batch: int = 8

    def error(self, operator: Operator, device: torch.device) -> float:
        """Mean of ‖ŝ - s‖ / ‖s‖, norms by quadrature; the random state of the run is not touched."""
        total, count = torch.zeros((), device=device), 0
        with torch.no_grad():
            for batch in self._batches():
                batch = batch.to(device)
                total += len(batch.samples) * RelativeL2()(operator(batch.inputs, batch.query), batch)
                count += len(batch.samples)
        return float(total / count)

    def _batches(self) -> Iterator[Batch]:
        if self.sampler is not None:
            yield self.sampler.draw(self.data, generator_of(0, 0))
            return
        weights = torch.ones(())
        if self.data.query is None:
            weights = self.data.output_points.weights.reshape(self.data.output_domain.shape)
        for samples in torch.arange(len(self.data)).split(self.batch):
            query = None if self.data.query is None else self.data.query[samples]
            yield Batch(self.data.inputs(samples), query, self.data.outputs(samples), weights, samples)
