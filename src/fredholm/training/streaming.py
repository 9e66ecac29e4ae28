"""What `fit` does with a stream: wait for samples, tell their losses, and keep its books in the checkpoint."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.data.online.share import Share
from fredholm.data.online.stream import Stream
from fredholm.data.sampling import Sampler
from fredholm.errors import TrainingError
from fredholm.training.hooks import Hook
from fredholm.training.losses import Loss

_PATIENCE = 0.2  # seconds between looks at whether Ctrl-C came


class Streaming(Hook):
    """Gathers the samples of the next batch; `fit` adds it by itself.

    Args:
        stream: where samples come from.
        sampler: what draws batches from them; it says how many functions it wants.
        loss: of which a stream that is steered by losses is told.

    Raises TrainingError for a sampler that does not say, and for a stream that is not this process's share of the
    simulations.
    """

    def __init__(self, stream: Stream, sampler: Sampler, loss: Loss) -> None:
        functions = getattr(sampler, "functions", None)
        if not isinstance(functions, int):
            raise TrainingError(f"{type(sampler).__name__} does not say how many functions it draws from a stream")
        self.stream, self.functions, self.loss = stream, functions, loss

    def start(self, device: torch.device) -> None:
        if self.stream.share != (here := Share.of_this_process()):
            raise TrainingError(f"the stream is {self.stream.share}, and this process has {here}: leave `share` out")

    def ready(self) -> bool:
        return self.stream.gather(self.functions, _PATIENCE)

    def after_prediction(self, prediction: Tensor, batch: Batch) -> None:
        if self.stream.selection.wants_losses:
            with torch.no_grad():
                self.stream.tell(batch.samples, self.loss.by_sample(prediction, batch))

    @property
    def finished(self) -> bool:
        return self.stream.exhausted

    def observed(self) -> dict[str, float]:
        return self.stream.statistics.numbers()

    def status(self) -> str:
        return str(self.stream.statistics)

    def state_dict(self) -> dict[str, Any]:
        return self.stream.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.stream.load_state_dict(state)
