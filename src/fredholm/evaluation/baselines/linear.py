"""Linear baselines: superposition of training samples, and modes with a linear map; exact for linear operators."""

from typing import ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.evaluation.baselines.baseline import Baseline, all_outputs, input_vectors
from fredholm.fields.signature import Function
from fredholm.operators.deeponet import fit_pod_linear
from fredholm.training.recipes import sensors_of


class Superposition(Baseline):
    """Σ cᵢ sᵢ with c = argmin |u - Σ cᵢ uᵢ|² + ridge |c|²: the test input as a mixture of training inputs."""

    name: ClassVar[str] = "superposition (ridge)"
    ridge = 1e-8  # of the largest eigenvalue of the Gram matrix

    def __init__(self, train: Dataset) -> None:
        self.inputs = input_vectors(train, torch.arange(len(train)))
        self.outputs = all_outputs(train)
        gram = self.inputs @ self.inputs.T
        values, vectors = torch.linalg.eigh(gram)
        self.inverse = vectors @ ((1 / (values.clamp_min(0) + self.ridge * values[-1]))[:, None] * vectors.T)

    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        mixture = input_vectors(test, samples) @ self.inputs.T @ self.inverse
        return torch.tensordot(mixture.float(), self.outputs, dims=1)

    @property
    def stored_bytes(self) -> int:
        return (self.outputs.numel() + self.inputs.numel()) * 4


class PODLinear(Baseline):
    """The leading modes of the training outputs, and a ridge map from sensors to their coefficients."""

    name: ClassVar[str] = "POD, linear map"
    rank = 40

    @staticmethod
    def obstacle(train: Dataset, test: Dataset) -> str | None:
        if train.query is not None:
            return "the training outputs are at points of each sample's own"
        missing = [
            n for n, e in train.signature.inputs.items() if isinstance(e, Function) and n not in train.input_domains
        ]
        return f"the domain of input {missing[0]!r} is not known" if missing else None

    def __init__(self, train: Dataset) -> None:
        self.operator = fit_pod_linear(train, sensors_of(train, per_axis=12), self.rank)

    def predict(self, test: Dataset, samples: Int[Tensor, " b"]) -> Tensor:
        with torch.inference_mode():
            values: Tensor = self.operator(test.inputs(samples))
        return values

    @property
    def stored_bytes(self) -> int:
        return self.operator.stored_bytes
