"""Windows of records: what an operator in time is trained on if it is to be chained.

A record of a driven system has the driving functions u and the states x at equidistant times. A window of N steps from
record k has u at k - h, ..., k + N, the state x(k) as a parameter, and the answer x(k), ..., x(k + N).
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from fredholm.data.dataset import Dataset
from fredholm.errors import SignatureError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Signature

_DIGITS = 9  # windows of windows have the same times, whatever the rounding


@dataclass(frozen=True)
class Windows:
    """How records are cut.

    Args:
        steps: N, from the first to the last time of a window.
        history: h, times before it at which the driving functions are known too; before the record they are what they
            were at first.
    """

    steps: int
    history: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.history < 0:
            raise ValueError(f"a window has a step or more and no negative history, got {self.steps}, {self.history}")

    def signature(self, records: Signature) -> Signature:
        """Of a window; times count from its first state. Raises SignatureError for what is no record in time."""
        drive, _ = self.entries(records)
        line, function = self.line(records), records.inputs[drive]
        assert isinstance(function, Function)
        axis = line.axes[0]
        lower = round(-self.history * axis.spacing, _DIGITS)
        driven = Grid(replace(axis, lower=lower, size=axis.size + self.history))
        inputs = {**records.inputs, drive: replace(function, domain=DomainType.of(driven))}
        return Signature(inputs, replace(records.output, domain=DomainType.of(line)))

    def line(self, records: Signature) -> Grid:
        """The times of a window, from 0."""
        axis = records.output.domain.grid().axes[0]
        return Grid(Axis(axis.name, 0.0, round(self.steps * axis.spacing, _DIGITS), self.steps + 1, axis.units))

    @staticmethod
    def entries(records: Signature) -> tuple[str, str]:
        """Names of the driving functions and of the first state among the inputs.

        Raises SignatureError unless there is one of each, both in one variable, and the state's components are
        channels of the output.
        """
        drives = [name for name, entry in records.inputs.items() if isinstance(entry, Function)]
        states = [name for name, entry in records.inputs.items() if isinstance(entry, Parameter)]
        if len(drives) != 1 or len(states) != 1 or len(records.output.domain.axes) != 1:
            raise SignatureError(
                "a record in time has one input function of time and its first state as a parameter; "
                f"got the functions {drives} and the parameters {states}"
            )
        state_channels(records, states[0])
        return drives[0], states[0]

    def cut(self, data: Dataset, every: int = 1) -> Dataset:
        """The windows from records 0, `every`, 2 `every`, ... of all samples, in memory.

        >>> from fredholm.data.simulation import simulate
        >>> from fredholm.problems import DieselEngineRecords
        >>> records = simulate(DieselEngineRecords(duration=4.0), 2, seed=0)
        >>> windows = Windows(5, history=1).cut(records, every=5)
        >>> len(windows), tuple(windows.signature.inputs["commands"].domain.shape)
        (8, (7,))
        """
        drive, state = self.entries(data.signature)
        everything = torch.arange(len(data))
        driving, states = data.inputs(everything)[drive], data.outputs(everything)
        padded = torch.cat([driving[..., :1].expand(*driving.shape[:-1], self.history), driving], -1)
        starts = range(0, states.shape[-1] - self.steps, every)
        inputs: Inputs = {
            drive: torch.cat([padded[..., k : k + self.history + self.steps + 1] for k in starts]),
            state: torch.cat([states[:, state_channels(data.signature, state), k] for k in starts]),
        }
        outputs = torch.cat([states[..., k : k + self.steps + 1] for k in starts])
        return Dataset.from_arrays(self.signature(data.signature), self.line(data.signature), inputs, outputs)


def state_channels(signature: Signature, state: str) -> list[int]:
    """Which channels of the output the components of the parameter `state` are; raises SignatureError if not all are.

    >>> from fredholm.problems import DieselEngineRecords
    >>> state_channels(DieselEngineRecords().signature, "initial")
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    entry, channels = signature.inputs.get(state), [quantity.name for quantity in signature.output.channels]
    components = [quantity.name for quantity in entry.components] if isinstance(entry, Parameter) else []
    if not components or not set(components) <= set(channels):
        raise SignatureError(f"{state!r} is no state: its components {components} are not among {channels}")
    return [channels.index(component) for component in components]


def noisy(data: Dataset, name: str, level: float, seed: int) -> Dataset:
    """The same data set with noise on one input: of `level` deviations of each of its channels or components.

    A network that is chained meets its own errors in its first states; those with noise prepare it.
    """
    everything = torch.arange(len(data))
    inputs = data.inputs(everything)
    values: Float[Tensor, "n c ..."] = inputs[name]
    by_channel = values.transpose(0, 1).flatten(1).std(1).reshape(-1, *[1] * (values.ndim - 2))
    noise = torch.randn(values.shape, generator=torch.Generator().manual_seed(seed))
    noised = {**inputs, name: values + level * by_channel * noise}
    return Dataset.from_arrays(
        data.signature,
        data.output_domain,
        noised,
        data.outputs(everything),
        input_domains=data.description.input_domains,
    )
