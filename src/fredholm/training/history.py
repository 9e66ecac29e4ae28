"""What a training run leaves behind: its curves, its time, its checkpoints."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fredholm.fields.pictures import Picture


@dataclass
class History:
    """Loss by iteration (mean since the entry before), validation error by iteration, seconds of this call.

    `best` is the checkpoint of the lowest validation error, or of the lowest loss without validation; None where
    nothing was written. `iterations` counts all, also those before a resumption.
    """

    iterations: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: Path | None = None

    @classmethod
    def read(cls, log: Path) -> "History":
        """The curves of a `log.jsonl`."""
        history = cls()
        for line in log.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            history.iterations = entry["iteration"]
            if "loss" in entry:
                history.losses.append((entry["iteration"], entry["loss"]))
            if "validation" in entry:
                history.validation.append((entry["iteration"], entry["validation"]))
        return history

    def plot(self) -> "Picture":
        """Loss and validation error by iteration, on a logarithmic axis."""
        from fredholm.fields.pictures import Picture

        picture = Picture(figsize=(7, 3.2), layout="constrained")
        axes = picture.subplots()
        for label, curve in (("training loss", self.losses), ("validation error", self.validation)):
            if curve:
                axes.semilogy(*zip(*curve, strict=True), label=label)
        axes.set_xlabel("iteration")
        axes.legend(frameon=False)
        return picture
