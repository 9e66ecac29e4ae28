"""Health of an engine: which of its wear parameters has left the band that is healthy, as far as a record can tell.

    (λ e^-2s, λ e^2s)  within the band: healthy;  outside it: worn;  across an end: cannot be told yet

s is the relative deviation of the estimate. Where 2 s is wider than `LEAST_KNOWN`, the record does not determine the
parameter, and that is said instead of a number that would mean nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fredholm.errors import DataError
from fredholm.inverse.identification.engine_record import EngineRecord
from fredholm.inverse.identification.engine_twin import EngineTwin
from fredholm.inverse.identification.estimate import Estimate
from fredholm.inverse.identification.method import Method
from fredholm.solvers.diesel_engine import HEALTHY, WEAR

LEAST_KNOWN = 0.5  # relative half width of an interval of two deviations
WEAR_UNITS = ("m²", "", "W/(m² K)", "m²")
BANDS = {"A_egrmax": 0.15, "eta_sc": 0.03, "h_tot": 0.25, "A_vgtmax": 0.05}  # relative half widths of what is healthy


class Verdict(StrEnum):
    """What can be said of a parameter."""

    HEALTHY = "healthy"
    WORN = "outside its healthy band"
    OPEN = "may have left its healthy band"
    UNKNOWN = "cannot be identified from this record"


@dataclass(frozen=True)
class Finding:
    """One parameter: estimate, interval of two deviations, healthy band and verdict."""

    name: str
    value: float
    interval: tuple[float, float]
    band: tuple[float, float]
    verdict: Verdict

    def row(self, exact: bool) -> dict[str, Any]:
        """For tables, or with numbers as they are; what cannot be identified has neither estimate nor interval."""
        known = self.verdict is not Verdict.UNKNOWN
        if exact:
            value, interval, band = (self.value, self.interval, self.band) if known else (None, None, self.band)
            return {**vars(self), "value": value, "interval": interval, "band": band, "verdict": str(self.verdict)}
        units = WEAR_UNITS[WEAR.index(self.name)]
        return {
            "parameter": f"{self.name}{f' [{units}]' if units else ''}",
            "estimate": f"{self.value:.4g}" if known else "",
            "two deviations": "{:.4g} to {:.4g}".format(*self.interval) if known else "",
            "healthy": "{:.4g} to {:.4g}".format(*self.band),
            "verdict": str(self.verdict),
        }


@dataclass(frozen=True)
class HealthyBands:
    """What is healthy: relative half widths around what is nominal, by name."""

    widths: Mapping[str, float]

    def band(self, name: str) -> tuple[float, float]:
        """Lowest and highest healthy value.

        >>> [round(end, 2) for end in HealthyBands(BANDS).band("h_tot")]
        [72.21, 120.34]
        """
        nominal = HEALTHY[WEAR.index(name)]
        return nominal * (1 - self.widths[name]), nominal * (1 + self.widths[name])

    def findings(self, estimate: Estimate) -> list[Finding]:
        """A verdict on each parameter that was estimated."""
        return [self._finding(estimate, name) for name in estimate.unknown]

    def _finding(self, estimate: Estimate, name: str) -> Finding:
        (lower, upper), (lowest, highest) = estimate.interval(name), self.band(name)
        spread = 2 * float(estimate.relative_deviations[estimate.unknown.index(name)])
        if not spread < LEAST_KNOWN:
            verdict = Verdict.UNKNOWN
        elif lowest <= lower and upper <= highest:
            verdict = Verdict.HEALTHY
        else:
            verdict = Verdict.WORN if upper < lowest or lower > highest else Verdict.OPEN
        return Finding(name, estimate[name], (lower, upper), (lowest, highest), verdict)


def diagnose(twin: EngineTwin, record: EngineRecord, method: Method, bands: HealthyBands) -> list[Finding]:
    """Estimate and judge; raises DataError where the record tells nothing of any parameter."""
    findings = bands.findings(twin.identify(record, method))
    if all(finding.verdict is Verdict.UNKNOWN for finding in findings):
        names = ", ".join(finding.name for finding in findings)
        raise DataError(
            f"nothing of {names} can be identified from this record: its commands are too steady or it is too short; "
            "record a minute in which speed, fuel and both valves move"
        )
    return findings


def monitor(
    twin: EngineTwin, records: Iterable[EngineRecord], method: Method, bands: HealthyBands
) -> Iterable[list[Finding]]:
    """The findings of one record after the other, as they come."""
    for record in records:
        yield diagnose(twin, record, method, bands)
