"""Operators beside neuraloperator's FNO on its own data: two-phase Darcy flow on 16 x 16 points.

The wheel of neuraloperator 0.3.0 holds 1000 training and 50 test samples on 16 x 16 points, and 50 test samples on
32 x 32. Everything but the network is the same for all: samples and their order, input and output normalised by one
mean and deviation each, the relative L2 error as the loss, AdamW with one cycle, batch and epochs. Networks that mean
the same on all grids are tested on 32 x 32 points as well.

    pip download --no-deps neuraloperator==0.3.0
    python benchmarks/darcy16.py neuraloperator-0.3.0-py3-none-any.whl [--models NAME ...] [--epochs N] [--seeds N]

`--write` keeps the table in the documentation.
"""

import argparse
import datetime
import io
import statistics
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

from fredholm.evaluation.machine import machine, versions
from fredholm.fields import Axis, DomainType, Function, Grid, Quantity, Signature
from fredholm.layers.boundaries import Dirichlet
from fredholm.layers.factorised_weights import Tucker
from fredholm.layers.grid_inputs import GridInputs
from fredholm.layers.perceptron import initialised
from fredholm.layers.v_cycle import VCycle, smoothings
from fredholm.operators.fourier import FNO
from fredholm.operators.grid_network import GridNetwork
from fredholm.operators.grid_operator import GridOperator
from fredholm.operators.latent_spectral import LSM
from fredholm.operators.multigrid import MgNO
from fredholm.operators.unet import UNet

PAGE = Path(__file__).parents[1] / "docs/results/darcy16.md"
SAMPLES = "neuralop/datasets/data/darcy_{}.pt"
EPOCHS, SEEDS = 60, 3
BATCH, RATE, DECAY = 50, 2e-3, 1e-4
MODES, WIDTH = (12, 12), 32  # of the Fourier operators, the peer's too


@dataclass(frozen=True)
class Samples:
    """Phases `x` (0 or 1) and solutions `y`, both (n, 1, points, points)."""

    x: Tensor
    y: Tensor

    @property
    def grid(self) -> Grid:
        """The points i / n: the walls at 0 belong to them, those at 1 do not."""
        n = self.x.shape[-1]
        return Grid(*(Axis(name, 0.0, 1 - 1 / n, n) for name in ("x", "y")))


def read(wheel: Path) -> tuple[Samples, Samples, Samples]:
    """Training and test samples on 16 x 16 points, test samples on 32 x 32."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            stored = [archive.read(SAMPLES.format(part)) for part in ("train_16", "test_16", "test_32")]
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"{wheel} does not hold the samples ({error}): pip download --no-deps neuraloperator==0.3.0")
    parts = [torch.load(io.BytesIO(one), weights_only=True) for one in stored]
    train, test, finer = (Samples(part["x"].float().unsqueeze(1), part["y"].float().unsqueeze(1)) for part in parts)
    return train, test, finer


class Peer(nn.Module):
    """A foreign network between normalised channels, with the same normalisation as ours."""

    def __init__(self, network: nn.Module, train: Samples) -> None:
        super().__init__()
        self.network = network
        self.shift, self.scale = train.x.mean(), train.x.std(correction=0)
        self.offset, self.factor = train.y.mean(), train.y.std(correction=0)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.network((inputs["phase"] - self.shift) / self.scale) * self.factor + self.offset


def ours(network: Callable[[int], GridNetwork], coordinates: bool = True) -> Callable[[Samples], nn.Module]:
    """The operator around network(inputs), normalised by the training samples."""

    def build(train: Samples) -> GridOperator:
        grid = train.grid
        on_grid = DomainType.of(grid)
        signature = Signature(
            {"phase": Function((Quantity("phase"),), on_grid)}, Function((Quantity("pressure"),), on_grid)
        )
        inputs = GridInputs(signature, grid, coordinates, box=((0.0, 0.0), (1.0, 1.0)))
        operator = GridOperator(signature, grid, network(inputs.channels), inputs)
        return operator.adapted({"phase": train.x}, train.y)

    return build


def peer(train: Samples) -> Peer:
    from neuralop import models

    return Peer(models.FNO(n_modes=MODES, in_channels=1, out_channels=1, hidden_channels=WIDTH, n_layers=4), train)


CYCLE = VCycle(smoothings(4), Dirichlet(), restrict_residual=False)
MODELS: dict[str, tuple[str, Callable[[Samples], nn.Module]]] = {
    "FNO": ("12 x 12 modes, width 32, 4 layers", ours(lambda n: FNO(n, 1, MODES, WIDTH))),
    "FNO of neuraloperator 2": ("the same", peer),
    "TFNO": ("the same, Tucker format of rank 0.1", ours(lambda n: FNO(n, 1, MODES, WIDTH, weights=Tucker(0.1)))),
    "MgNO": (
        "4 layers, width 24, 4 grids; sees no coordinates",
        ours(lambda n: MgNO(n, 1, (16, 16), 24, 4, CYCLE), coordinates=False),
    ),
    "LSM": ("width 16, 3 scales", ours(lambda n: LSM(n, 1, (16, 16), width=16, scales=3))),
    "U-Net": ("3 levels, width 32", ours(lambda n: UNet(n, 1, 32, (1, 2, 4)))),
}


def errors(prediction: Tensor, y: Tensor) -> Tensor:
    """‖ŷ - y‖ / ‖y‖ of each sample, all points alike."""
    return (prediction - y).flatten(1).norm(dim=1) / y.flatten(1).norm(dim=1)


def train_on(model: nn.Module, train: Samples, epochs: int, seed: int) -> None:
    shuffled = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    steps = epochs * -(-len(train.x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    model.train()
    for _ in range(epochs):
        for part in torch.randperm(len(train.x), generator=shuffled).split(BATCH):
            optimizer.zero_grad()
            errors(model({"phase": train.x[part]}), train.y[part]).mean().backward()
            optimizer.step()
            schedule.step()


def tested(model: nn.Module, samples: Samples) -> float:
    """Mean relative error in percent."""
    model.eval()
    with torch.inference_mode():
        return 100 * float(errors(model({"phase": samples.x}), samples.y).mean())


def on_grid_of(model: nn.Module, samples: Samples) -> nn.Module | None:
    """The model on another grid, if it means the same there."""
    if isinstance(model, Peer):
        return model
    assert isinstance(model, GridOperator)
    return model.at(samples.grid) if model.network.agnostic else None


def measure(name: str, data: tuple[Samples, Samples, Samples], epochs: int, seeds: int) -> str:
    """A row of the table."""
    size, build = MODELS[name]
    train, test, finer = data
    readings: dict[str, list[float]] = {"train": [], "test": [], "finer": [], "seconds": []}
    for seed in range(seeds):
        with initialised(seed):
            model = build(train)
        start = time.process_time()
        train_on(model, train, epochs, seed)
        readings["seconds"].append(time.process_time() - start)
        readings["train"].append(tested(model, train))
        readings["test"].append(tested(model, test))
        elsewhere = on_grid_of(model, finer)
        if elsewhere is not None:
            readings["finer"].append(tested(elsewhere, finer))
    numbers = sum(p.numel() * (2 if p.is_complex() else 1) for p in model.parameters())
    cells = [name, size, f"{numbers:,}", *(_spread(readings[column]) for column in ("train", "test", "finer"))]
    return "| " + " | ".join([*cells, f"{statistics.mean(readings['seconds']):.0f}"]) + " |"


def _spread(values: list[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.mean(values):.2f} ± {statistics.stdev(values) if len(values) > 1 else 0.0:.2f}"


HEADER = """\
| network | size | parameters | training error, % | error at 16 x 16, % | error at 32 x 32, % | CPU seconds |
|---|---|---|---|---|---|---|"""

PAGE_TEXT = """\
# Darcy flow on 16 x 16 points

The samples that come with neuraloperator 0.3.0: two-phase Darcy flow, 1000 to train on, 50 to test on 16 x 16 points,
50 on 32 x 32. Everything but the network is the same for all: the samples and their order, inputs and outputs
normalised by one mean and deviation each, the relative L2 error as the loss, AdamW with one cycle of learning rates up
to {rate:g} and decay {decay:g}, {epochs} epochs in batches of {batch}. Means and standard deviations over {seeds}
seeds. Networks that mean the same on all grids are tested on 32 x 32 points as well, having seen none. Seconds are of
the processor, for one training.

{table}

Printed on {date} by

```bash
pip download --no-deps neuraloperator==0.3.0
python benchmarks/darcy16.py neuraloperator-0.3.0-py3-none-any.whl --epochs {epochs} --seeds {seeds} --write
```

with {threads} of {processor}, {software}.
"""


def page(table: str, epochs: int, seeds: int) -> str:
    names = {name: number for name, number in versions().items() if name in ("python", "torch", "fredholm")}
    threads = torch.get_num_threads()
    return PAGE_TEXT.format(
        rate=RATE,
        decay=DECAY,
        batch=BATCH,
        epochs=epochs,
        seeds=seeds,
        table=table,
        date=f"{datetime.date.today():%-d %B %Y}",
        threads=f"{threads} thread{'s' if threads > 1 else ''}",
        processor=machine()["processor"],
        software=", ".join(f"{n} {v}" for n, v in {**names, "neuraloperator": version("neuraloperator")}.items()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", type=Path, help="neuraloperator-0.3.0-py3-none-any.whl")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS), help="all by default")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"keep the table in {PAGE.name}")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    data = read(options.wheel)
    table = HEADER
    print(HEADER)
    for name in options.models:
        row = measure(name, data, options.epochs, options.seeds)
        print(row, flush=True)
        table += "\n" + row
    if options.write:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(table, options.epochs, options.seeds), encoding="utf-8")


if __name__ == "__main__":
    main()
