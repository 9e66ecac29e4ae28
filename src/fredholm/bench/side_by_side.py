"""How two programs are compared: in one process, in turn, by medians; memory in a process of its own each."""

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True)
class Figure:
    """One thing measured, and what it is held to.

    Args:
        what: such as "training step".
        value: the number that is judged: how many times faster, which share of the memory, which slope.
        meaning: of the value, such as "times as fast".
        readings: what it was computed from, by name, such as {"fredholm": 0.051, "neuraloperator": 0.150}.
        unit: of the readings.
        at_least, at_most: the target; none if neither is given.
    """

    what: str
    value: float
    meaning: str
    readings: Mapping[str, float]
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.margin is None or self.margin >= 1

    @property
    def margin(self) -> float | None:
        """How many times better than the target; below 1 it is missed, None where there is no target."""
        if self.at_least is not None:
            return self.value / self.at_least
        if self.at_most is not None:
            return self.at_most / self.value if self.value > 0 else float("inf")
        return None

    @property
    def target(self) -> str:
        """In words, and whether it is missed."""
        if self.at_least is None and self.at_most is None:
            return ""
        bound = f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"
        return bound if self.holds else f"{bound}: **falls short**"


def seconds_in_turn(
    actions: Mapping[str, Callable[[], object]], rounds: int, warm: int = 3, calls: int = 1
) -> dict[str, float]:
    """Median seconds of each action, after `warm` calls of each.

    Every round runs all actions, one after the other. What takes a millisecond is called several times in a row in
    each round, as a served model is: else what is measured is how long it takes to find its code in memory again.
    """
    for _ in range(warm):
        for action in actions.values():
            action()
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            for _ in range(calls):
                action()
            times[name].append((time.perf_counter() - start) / calls)
    return {name: statistics.median(values) for name, values in times.items()}


def faster(what: str, seconds: Mapping[str, float], peer: str, at_least: float | None = None) -> Figure:
    """How many times as fast "fredholm" is as `peer`."""
    readings = {name: 1e3 * value for name, value in seconds.items()}
    return Figure(what, seconds[peer] / seconds["fredholm"], "times as fast", readings, "ms", at_least=at_least)


def cost_slope(what: str, action: Callable[[int], object], sides: Sequence[int], rounds: int, at_most: float) -> Figure:
    """The slope of log time over log points of `action(n)` on n x n points: 1 where cost is linear in the points."""
    seconds = seconds_in_turn({f"{n} x {n}": partial(action, n) for n in sides}, rounds)
    points, times = [2 * math.log(n) for n in sides], [math.log(value) for value in seconds.values()]
    slope = statistics.linear_regression(points, times).slope
    readings = {name: 1e3 * value for name, value in seconds.items()}
    return Figure(what, slope, "is the slope of log time over log points", readings, "ms", at_most=at_most)


def peak_megabytes(code: str) -> float:
    """The largest resident memory of a fresh interpreter that runs `code`, in 10⁶ bytes; Linux says it of itself."""
    # not getrusage: its maximum begins with the memory of the process that starts this one
    report = "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    kilobytes = int(done.stdout.split()[-1])
    return kilobytes * 1024 / 1e6
