"""Learned reconstruction with a classical step in front: Ψ = network ∘ φ, and its training.

| name | φ | target of the training |
|---|---|---|
| NN | identity | the truth x |
| FiNN | a Gaussian filter | x |
| StNN | few steps of CGLS on ‖K x - y‖² + λ² ‖x‖² | x |
| ReNN | identity | the Tikhonov solution of y |
| StReNN | as StNN | as ReNN |

A smoother in front bounds what noise can do: the Lipschitz constant of Ψ is at most the product of the network's and
that of φ, which is 1 for a normalised filter and 1 / (2 λ) for the exact Tikhonov solution.

Source: Evangelista, Loli Piccolomini, Morotti, Nagy, "Ambiguity in solving imaging inverse problems with
deep-learning-based operators", 2023; Evangelista, Nagy, Morotti, Loli Piccolomini, "To be or not to be stable, that is
the question: understanding neural networks for inverse problems", 2022 (ReNN, StReNN).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fredholm.errors import InverseProblemError, OperatorShapeError, TrainingError
from fredholm.inverse.noise import GaussianNoise, Noise
from fredholm.layers.architecture import Described
from fredholm.solvers.cgls import cgls
from fredholm.solvers.linear_operator import LinearOperator
from fredholm.training.display import Display

Field = Float[Tensor, "batch *shape"]
Preprocess = Callable[[Tensor], Tensor]
PictureLoss = Callable[[Tensor, Tensor], Tensor]
_CLEAN = GaussianNoise(0.0)


class TikhonovCGLS(Described):
    """φ(y): `updates` steps of CGLS from zero on ‖K x - y‖² + λ² ‖x‖². With many it is the Tikhonov solution itself.

    >>> from fredholm.inverse import GaussianBlur
    >>> blur = GaussianBlur((8, 8), sigma=1.0, size=5)
    >>> y = blur(torch.eye(8, dtype=torch.float64))
    >>> bool(torch.allclose(TikhonovCGLS(blur, 0.1, updates=100)(y), blur.tikhonov(y, 0.1)))
    True
    """

    def __init__(self, operator: LinearOperator, damping: float, updates: int) -> None:
        self.operator, self.damping, self.updates = operator, damping, updates

    def __call__(self, data: Float[Tensor, "*batch_and_output"]) -> Float[Tensor, "*batch_and_input"]:
        return cgls(self.operator, data, self.damping, self.updates).values


class Reconstructor(nn.Module, Described):
    """y ↦ network(φ(y)), between fields without a channel axis.

    Args:
        network: a map (batch, 1, *shape) -> (batch, 1, *shape).
        preprocess: φ, from observations to fields; any linear operator will do, and None is the identity.

    >>> Reconstructor(nn.Identity())(torch.ones(2, 4, 4)).shape
    torch.Size([2, 4, 4])
    """

    def __init__(self, network: nn.Module, preprocess: Preprocess | None = None) -> None:
        super().__init__()
        self.network, self.preprocess = network, preprocess

    def forward(self, data: Float[Tensor, "batch *observed"]) -> Float[Tensor, "batch *shape"]:
        return self.network(self.prepared(data).unsqueeze(1)).squeeze(1)

    def prepared(self, data: Float[Tensor, "batch *observed"]) -> Float[Tensor, "batch *shape"]:
        """φ(y)."""
        return data if self.preprocess is None else self.preprocess(data)


def psnr_loss(answer: Float[Tensor, "batch *shape"], target: Float[Tensor, "batch *shape"]) -> Float[Tensor, ""]:
    """Mean over the batch of log(mean squared error): up to a factor, minus the mean PSNR."""
    return torch.log((answer - target).square().flatten(1).mean(1) + 1e-8).mean()


@dataclass(frozen=True)
class ReconstructorTraining:
    """How a reconstructor is trained.

    Args:
        epochs, batch: passes over the pictures, and pictures a step.
        rate: learning rate of Adam, whose β₂ is 0.9 as in the paper; it falls to nought along a cosine.
        noise: on the observations, fresh in every epoch, before φ.
        loss: between answers and targets.
        target: y ↦ what is to be answered; None is the truth.
        seed: of batches and noise.
    """

    epochs: int = 8
    batch: int = 12
    rate: float = 1e-3
    noise: Noise = _CLEAN
    loss: PictureLoss = psnr_loss
    target: Preprocess | None = None
    seed: int = 0


def train_reconstructor(
    reconstructor: Reconstructor,
    operator: LinearOperator,
    pictures: Float[Tensor, "n *shape"],
    training: ReconstructorTraining | None = None,
    progress: bool = True,
) -> list[float]:
    """Train in place on observations K x + e of `pictures`; the mean loss of each epoch. It ends in `eval` mode.

    Raises OperatorShapeError for pictures of another shape than `operator` takes, InverseProblemError for a
    preprocessor that gives others, TrainingError for a loss that is not finite.
    """
    training = training or ReconstructorTraining()
    if tuple(pictures.shape[1:]) != operator.input_shape:
        raise OperatorShapeError(f"pictures are {tuple(pictures.shape[1:])}, the operator takes {operator.input_shape}")
    clean = operator(pictures)
    shown = reconstructor.prepared(clean[:1]).shape[1:]
    if shown != pictures.shape[1:]:
        raise InverseProblemError(
            f"the network would be given fields of {tuple(shown)} for pictures of {tuple(pictures.shape[1:])}: "
            "put a preprocessor in front, such as TikhonovCGLS of the operator"
        )
    generator = torch.Generator().manual_seed(training.seed)
    optimiser = torch.optim.Adam(reconstructor.parameters(), training.rate, betas=(0.9, 0.9))
    losses: list[float] = []
    done, steps = 0, training.epochs * len(range(0, len(pictures), training.batch))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    reconstructor.train()
    with Display(steps, 0, progress) as display:
        for _ in range(training.epochs):
            order, total = torch.randperm(len(pictures), generator=generator), 0.0
            for some in order.split(training.batch):
                data = training.noise(clean[some], generator)
                target = pictures[some] if training.target is None else training.target(data)
                loss = training.loss(reconstructor(data), target)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                done += 1
                total += float(loss.detach()) * len(some) / len(pictures)
                display.update(done, float(loss.detach()), float(schedule.get_last_lr()[0]))
            if not math.isfinite(total):
                raise TrainingError(f"the loss is not finite in epoch {len(losses) + 1}: lower the learning rate")
            losses.append(total)
    reconstructor.eval()
    return losses
