"""An engine's twin: finds what wears out in it from a minute of what is measured anyway.

    twin.identify(record, method)  ->  wear with its covariance, and the states that nobody measured

Source: Nath, Kumar, Smith, Karniadakis, "A digital twin for diesel engines: operator-infused physics-informed neural
networks with transfer learning for engine health monitoring", 2024.
"""

from dataclasses import dataclass, field

import torch

from fredholm.inverse.identification.actuators import Actuators, ExactActuators
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.estimate import Estimate, indices_of
from fredholm.inverse.identification.method import Method
from fredholm.solvers.diesel_engine import HEALTHY, WEAR


@dataclass(frozen=True)
class EngineTwin:
    """A diesel engine whose wear is unknown.

    Args:
        unknown: names among `WEAR`; the others are what `start` says.
        start: values of all four to begin with.
        actuators: what they do with their commands.

    Raises UnknownNameError for what does not wear out.

    >>> from fredholm.inverse.identification import EngineTwin, Shooting
    >>> from fredholm.problems import DieselEngineRecords
    >>> fouled = DieselEngineRecords(duration=20.0, egr_area=3e-4)
    >>> record = EngineRecord.simulated(fouled, fouled.sample(1, seed=0), noise=0.0, seed=0)
    >>> found = EngineTwin(unknown=("A_egrmax",)).identify(record, Shooting())
    >>> round(found["A_egrmax"], 7)
    0.0003
    """

    unknown: tuple[str, ...] = WEAR
    start: tuple[float, float, float, float] = HEALTHY
    actuators: Actuators = field(default_factory=ExactActuators)

    def __post_init__(self) -> None:
        indices_of(self.unknown)
        if not all(0 < value < float("inf") for value in self.start):
            raise ValueError(f"wear to start from must be positive and finite, got {self.start}")

    def identify(self, record: EngineRecord, method: Method) -> Estimate:
        """What wears out, by a method."""
        return method.identify(record, self.unknown, torch.tensor(self.start, dtype=torch.float64), self.actuators)
