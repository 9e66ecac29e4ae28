"""A problem whose solution is known in closed form: learn the matrix A from u and s = A u + noise on eight points."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from fredholm.data import Dataset, Sampler, WholeFields
from fredholm.fields.domain import Domain
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Quantity, Signature
from fredholm.operators.operator import Operator, Query
from fredholm.training import Checkpoints, EarlyStopping, History, Hook, Settings, Validation, fit

POINTS, SAMPLES = 8, 40
SIX = WholeFields(6)
LINE = Grid(Axis("x", 0.0, 1.0, POINTS))
SIGNATURE = Signature(
    {"u": Function((Quantity("u"),), DomainType.of(LINE))}, Function((Quantity("s"),), DomainType.of(LINE))
)


class Matrix(Operator):
    """s = W u, with a part of u dropped in training if `dropout` > 0."""

    queries: ClassVar[frozenset[Query]] = frozenset({Query.DOMAIN, Query.SHARED, Query.PER_SAMPLE})

    def __init__(self, signature: Signature, output_domain: Domain, dropout: float = 0.0) -> None:
        super().__init__(signature, output_domain)
        self.weight = nn.Parameter(torch.zeros(POINTS, POINTS))
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Mapping[str, Tensor], query: Tensor | None = None) -> Tensor:
        values = self.dropout(inputs["u"]) @ self.weight.T
        if query is None:
            return values
        nearest = (query[..., 0] * (POINTS - 1)).round().long()  # query points are grid points here
        return values[:, :, nearest] if query.ndim == 2 else values.gather(2, nearest[:, None])


def data(seed: int = 0, samples: int = SAMPLES) -> Dataset:
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(POINTS, POINTS, generator=torch.Generator().manual_seed(99))
    u = torch.randn(samples, 1, POINTS, generator=generator)
    noise = 0.1 * torch.randn(samples, 1, POINTS, generator=generator)
    return Dataset.from_arrays(SIGNATURE, LINE, {"u": u}, u @ matrix.T + noise)


def everything(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """All inputs and outputs, (samples, points)."""
    samples = torch.arange(len(dataset))
    return dataset.inputs(samples)["u"][:, 0], dataset.outputs(samples)[:, 0]


def closed_form(dataset: Dataset) -> Tensor:
    """W of argmin ‖U Wᵀ - S‖²."""
    u, s = everything(dataset)
    return torch.linalg.lstsq(u.double(), s.double()).solution.T.float()


def train(
    iterations: int,
    settings: Settings,
    *,
    dropout: float = 0.0,
    optimizer: Callable[..., torch.optim.Optimizer] = lambda parameters: torch.optim.SGD(parameters, 0.1),
    schedule: Callable[..., torch.optim.lr_scheduler.LRScheduler] | None = None,
    sampler: Sampler = SIX,
) -> tuple[Matrix, History]:
    """A new operator, fitted."""
    operator = Matrix(SIGNATURE, LINE, dropout)
    steps = optimizer(operator.parameters())
    history = fit(
        operator,
        data(),
        sampler=sampler,
        iterations=iterations,
        optimizer=steps,
        schedule=schedule(steps) if schedule else None,
        settings=settings,
    )
    return operator, history


class Counts(Hook):
    """Counts the steps it was called for."""

    def __init__(self) -> None:
        self.steps = 0

    def after_step(self, step: int) -> None:
        self.steps += 1

    def state_dict(self) -> dict[str, int]:
        return {"steps": self.steps}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self.steps = state["steps"]


def train_with_everything(directory: Path, iterations: int = 300) -> None:
    """A run that has state of every kind: dropout, moments, schedule, hooks, losses between two entries of the log."""
    settings = Settings(
        seed=5,
        checkpoints=Checkpoints(directory, every=7),
        clip=1.0,
        validation=Validation(data(1, 10), every=20),
        hooks=(EarlyStopping(patience=1000), Counts()),
        log_every=10,
        quiet=True,
    )
    train(
        iterations,
        settings,
        dropout=0.2,
        optimizer=lambda parameters: torch.optim.AdamW(parameters, 1e-2),
        schedule=lambda steps: torch.optim.lr_scheduler.ExponentialLR(steps, 0.999),
    )
