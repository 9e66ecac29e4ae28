"""A way to identify an engine."""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from fredholm.inverse.identification.actuators import Actuators
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.estimate import Estimate


class Method(ABC):
    """From a record to estimates of what is unknown; a subclass is a frozen dataclass of its settings."""

    @abstractmethod
    def identify(
        self, record: EngineRecord, unknown: tuple[str, ...], start: Float[Tensor, " 4"], actuators: Actuators
    ) -> Estimate:
        """Estimates, from a start.

        Args:
            record: what was commanded and measured.
            unknown: names among the solver's `WEAR`.
            start: of all four; those that are not unknown are as it says.
            actuators: what they do with their commands, where the method does not model them itself.
        """
