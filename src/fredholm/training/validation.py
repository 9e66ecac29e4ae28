"""Validation: the error on samples that are not trained on, while training."""

from dataclasses import dataclass

import torch

from fredholm.data.dataset import Dataset
from fredholm.operators.operator import Operator


@dataclass(frozen=True)
class Validation:
    """Mean relative L2 error over the samples of `data`, every `every` iterations.

    Args:
        data: samples with outputs on the output domain, or at their own query points.
        every: iterations between validations.
        batch: samples evaluated at once.
    """

    data: Dataset
    every: int = 500
    batch: int = 8

    def error(self, operator: Operator, device: torch.device) -> float:
        """Mean ‖ŝ - s‖ / ‖s‖, norms by quadrature."""
        errors = []
        weights = None
        if self.data.query is None:
            weights = self.data.output_domain.weights().float().reshape(self.data.output_domain.shape).to(device)
        with torch.no_grad():
            for samples in torch.arange(len(self.data)).split(self.batch):
                inputs = {name: values.to(device) for name, values in self.data.inputs(samples).items()}
                query = None if self.data.query is None else self.data.query[samples].to(device)
                target = self.data.outputs(samples).to(device)
                difference = (operator(inputs, query) - target).square()
                norm = target.square()
                if weights is not None:
                    difference, norm = difference * weights, norm * weights
                errors.append((difference.flatten(1).sum(1) / norm.flatten(1).sum(1).clamp_min(1e-30)).sqrt())
        return float(torch.cat(errors).mean())
