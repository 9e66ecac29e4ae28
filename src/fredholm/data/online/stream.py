"""A stream: samples of simulations that run while the trainer trains, and that no one need store.

    engine -> packets of steps -> buffer -> batches

The stream keeps the books: which steps of which simulation have come, so that what comes twice is dropped; which have
been used, so that a trainer that died and is restored has the rest computed again; and who waited for whom.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from hashlib import sha256
from itertools import chain
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from fredholm.data.batch import Batch
from fredholm.data.dataset import Dataset
from fredholm.data.online.buffer import Buffer
from fredholm.data.online.engine import Ended, Engine, Event, Failed, Packet, Retried, Step, bytes_of
from fredholm.data.online.recording import Recorder
from fredholm.data.online.selection import InOrder, Selection
from fredholm.data.online.serial import Serial
from fredholm.data.online.share import Share
from fredholm.data.online.shared_buffer import SharedBuffer
from fredholm.data.online.simulations import Simulations, Whole
from fredholm.data.online.statistics import Statistics
from fredholm.data.sampling import Sampler
from fredholm.data.source import ArraySource
from fredholm.errors import DataError
from fredholm.fields.signature import Inputs, Signature
from fredholm.problems.problem import Problem

_HOPELESS = 32  # simulations that fail one and all before it is taken to be the solver's fault
_END = 10.0  # seconds for the receiving thread to end


class Sample(NamedTuple):
    """Step `step` of simulation `simulation`."""

    simulation: int
    step: int
    inputs: Inputs
    output: Tensor


class Stream:
    """What `stream` makes, where the arguments are explained. Close it, or use it in a `with`."""

    def __init__(
        self,
        simulations: Simulations,
        count: int,
        seed: int,
        buffer: Buffer[Sample],
        engine: Engine,
        recorder: Recorder | None,
        share: Share,
        selection: Selection,
    ) -> None:
        self.simulations, self.count, self.seed, self.engine, self.share = simulations, count, seed, engine, share
        self.selection = selection
        self.statistics = Statistics()
        self.failures: dict[int, str] = {}  # simulations given up, and why
        self.description = simulations.description
        self._recorder = recorder
        self._shared = SharedBuffer(buffer, self.statistics)
        self._books = threading.RLock()  # over the six below
        self._chosen: list[int] = []  # simulations that were given to the engine, in order
        self._received: OrderedDict[int, int] = OrderedDict()  # steps of what is under way, by the last packet
        self._lengths: dict[int, int] = {}  # steps of what has ended
        self._used: dict[int, set[int]] = {}
        self._done: set[int] = set()  # ended, and every step of it used
        self._gathered: list[Sample] = []  # for the next batch
        self._thread: threading.Thread | None = None
        self._samples: Iterator[Sample] | None = None  # of the serial engine
        self._waiting: Sample | None = None  # computed, and the buffer is full
        self._owed = 0.0  # samples that the draws so far are worth and that have not arrived
        self._view: Dataset | None = None

    @property
    def signature(self) -> Signature:
        """Of the samples."""
        return self.description.signature

    @property
    def buffer(self) -> Buffer[Sample]:
        """What holds the samples that may be drawn."""
        return self._shared.buffer

    def fingerprint(self) -> str:
        """SHA-256 of what determines the samples: signature, problem, seed and number of simulations."""
        about = {
            "signature": self.signature.to_json(),
            "problem": dict(self.description.problem),
            "seed": self.seed,
            "simulations": self.count,
            "buffer": repr(self.buffer),
            "selection": repr(self.selection),
            "engine": repr(self.engine) if isinstance(self.engine, Serial) else "concurrent",
        }
        return sha256(json.dumps(about, sort_keys=True, default=str).encode()).hexdigest()

    def gather(self, count: int, seconds: float) -> bool:
        """Gather `count` samples for the next batch; False if they have not come within `seconds`.

        At the end of the stream a batch may be smaller. Raises what the engine raises.
        """
        if isinstance(self.engine, Serial):
            self._gather_in_turn(self.engine, count)
        else:
            self._start()
            self._gathered += self._shared.take(count - len(self._gathered), seconds)
        return len(self._gathered) >= count or (bool(self._gathered) and self.buffer.exhausted)

    @property
    def exhausted(self) -> bool:
        """Whether there will be no further batch."""
        return self.buffer.exhausted and not self._gathered

    @property
    def left(self) -> int:
        """Simulations still to be done: not failed, and not used to the last sample."""
        with self._books:
            return self.share.count(self.count) - len(self._done) - len(self.failures)

    def draw(self, sampler: Sampler, generator: torch.Generator) -> Batch:
        """The batch that `sampler` draws from the samples gathered; its `samples` are numbers of simulations."""
        if not self._gathered:
            raise DataError("no samples have been gathered: the stream is at its end, or `gather` was not waited for")
        samples, self._gathered = self._gathered, []
        self._note_use(samples)
        names = self.signature.inputs
        inputs = {name: torch.stack([sample.inputs[name] for sample in samples]) for name in names}
        source = ArraySource(inputs, torch.stack([sample.output for sample in samples]), None, {})
        if self._view is None:
            self._view = Dataset(self.description, source)
        self._view.source = source  # the view remembers the points of the domain, which do not change
        batch = sampler.draw(self._view, generator)
        return replace(batch, samples=torch.tensor([sample.simulation for sample in samples])[batch.samples])

    def tell(self, simulations: Int[Tensor, " b"], losses: Float[Tensor, " b"]) -> None:
        """Tell the selection the losses of the samples in a batch; `simulations` are the batch's `samples`."""
        with self._books:
            self.selection.tell(simulations.tolist(), losses.tolist())

    def close(self) -> None:
        """End all simulations."""
        self._shared.stop()
        if self._thread is not None:
            self._thread.join(_END)

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def state_dict(self) -> dict[str, Any]:
        """What a run goes on from: the simulations that are still to be done, and the steps of them that were used.

        The serial engine's holds the buffer too, so that it goes on to the same weights.
        """
        with self._books:
            state: dict[str, Any] = {
                "chosen": torch.tensor(self._chosen, dtype=torch.int64),
                "selection": self.selection.state_dict(),
                "done": torch.tensor(sorted(self._done), dtype=torch.int64),
                "used": {i: sorted(steps) for i, steps in self._used.items()},
                "failures": dict(self.failures),
                "statistics": asdict(self.statistics),
            }
            if isinstance(self.engine, Serial):
                state |= {
                    "buffer": self.buffer.state_dict(),
                    "received": list(self._received.items()),
                    "lengths": dict(self._lengths),
                    "waiting": self._waiting,
                    "owed": self._owed,
                }
            return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises DataError if the stream has begun."""
        if self._thread is not None or self._samples is not None:
            raise DataError("a stream that has begun cannot go on from a checkpoint: make a new one")
        self._chosen, self._done = state["chosen"].tolist(), set(state["done"].tolist())
        self.selection.load_state_dict(state["selection"])
        self._used = {i: set(steps) for i, steps in state["used"].items()}
        self.failures = dict(state["failures"])
        for name, value in state["statistics"].items():
            setattr(self.statistics, name, value)
        if isinstance(self.engine, Serial):
            held = state["buffer"]
            samples = {name: [Sample(*sample) for sample in held[name]] for name in ("unseen", "seen")}
            self.buffer.load_state_dict({**held, **samples})
            self._received = OrderedDict(state["received"])
            self._lengths = dict(state["lengths"])
            self._waiting = None if state["waiting"] is None else Sample(*state["waiting"])
            self._owed = state["owed"]

    def _start(self) -> None:
        if self._thread is None:
            samples = self._arrivals()
            self._thread = threading.Thread(target=self._receive, args=(samples,), daemon=True, name="fredholm-stream")
            self._thread.start()

    def _receive(self, samples: Iterator[Sample | None]) -> None:
        """Put what arrives into the buffer, until all has come or no one wants it."""
        try:
            with closing(samples):  # type: ignore[type-var]  # a generator, whose end ends the engine
                for sample in samples:
                    if self._shared.stopped or (sample is not None and not self._shared.put(sample)):
                        return
            self._shared.close()
        except BaseException as error:  # the trainer raises it
            self._shared.fail(error)

    def _gather_in_turn(self, engine: Serial, count: int) -> None:
        """Compute samples until `count` are gathered: as many as the draws are worth, more where none can be drawn."""
        if self._samples is None:
            self._samples = (sample for sample in self._arrivals() if sample is not None)
        missing = count - len(self._gathered)
        self._owed += missing / engine.uses
        while len(self._gathered) < count and not self.buffer.exhausted:
            while not self.buffer.closed and (self._owed >= 1 or not self.buffer.ready):
                if self._waiting is None:
                    self._waiting = next(self._samples, None)
                if self._waiting is None:
                    self._shared.close()
                elif self.buffer.offer(self._waiting):
                    self.statistics.received += 1
                    self.statistics.held = max(self.statistics.held, len(self.buffer))
                    self._waiting, self._owed = None, max(0.0, self._owed - 1)
                else:
                    break  # full of samples that have not been used: use one first
            if self.buffer.ready:
                self._gathered += self._shared.take(1, 0.0)

    def _arrivals(self) -> Iterator[Sample | None]:
        """Samples as they arrive, each once; None now and then, where nothing does. The engine has begun on return."""
        with self._books:
            kept = set(self._done) | set(self.failures) | set(self._received) | set(self._lengths)
            begun = dict(self._received)
            again = [index for index in self._chosen if index not in kept]
        self.selection.start(self.simulations, self.seed, self.count, self.share)
        return self._booked(self.engine.events(self.simulations, self.seed, begun, chain(again, self._choices())))

    def _choices(self) -> Iterator[int]:
        """Simulations that have not been run, each chosen when the engine has room for it."""
        while len(self._chosen) < self.share.count(self.count):
            with self._books:
                index = self.selection.choose(self._chosen)
                self._chosen.append(index)
                self.statistics.steered += index >= self.count
            yield index

    def _booked(self, events: Iterator[Event]) -> Iterator[Sample | None]:
        with closing(events):  # type: ignore[type-var]
            for event in events:
                if isinstance(event, Packet):
                    yield from self._new(event)
                else:
                    self._note(event)
                    yield None

    def _new(self, packet: Packet) -> Iterator[Sample]:
        """The steps of a packet that have not come before and were not used before a restart."""
        index = packet.simulation
        for number, step in enumerate(packet.steps, packet.first):
            with self._books:
                expected = self._received.get(index, 0)
                if number > expected:
                    raise DataError(f"step {number} of simulation {index} came where {expected} was expected")
                used = number in self._used.get(index, ())
                if number == expected:
                    self._received[index] = number + 1
                    self._received.move_to_end(index)
                if number < expected or used:
                    self.statistics.dropped += 1
                    continue
                self.statistics.bytes += bytes_of(step)
            if self._recorder is not None:
                self._recorder.add(index, number, step)
            yield _sample(index, number, step)

    def _note(self, event: Event) -> None:
        with self._books:
            if isinstance(event, Retried):
                self.statistics.retried += 1
            elif isinstance(event, Failed):
                self.failures[event.simulation] = event.reason
                self._received.pop(event.simulation, None)
                self.statistics.failed += 1
                self._require_hope(event)
            elif isinstance(event, Ended):
                self._lengths[event.simulation] = self._received.pop(event.simulation, 0)
                self.statistics.finished += 1
                self._settle(event.simulation)
                if self._recorder is not None:
                    self._recorder.finish(event.simulation)

    def _require_hope(self, event: Failed) -> None:
        if not self.statistics.finished and len(self.failures) >= min(_HOPELESS, self.share.count(self.count)):
            raise DataError(
                f"not one of {len(self.failures)} simulations of seed {self.seed} has ended well; simulation "
                f"{event.simulation}: {event.reason}. Correct the problem or its solver"
            )

    def _note_use(self, samples: list[Sample]) -> None:
        with self._books:
            for sample in samples:
                if sample.simulation not in self._done:
                    self._used.setdefault(sample.simulation, set()).add(sample.step)
                    self._settle(sample.simulation)

    def _settle(self, index: int) -> None:
        """A simulation that has ended and of which every step was used is done with."""
        length = self._lengths.get(index)
        if length is not None and len(self._used.get(index, ())) == length:
            self._done.add(index)
            self._used.pop(index, None)
            del self._lengths[index]


def stream(
    source: Problem | Simulations,
    simulations: int,
    seed: int,
    *,
    buffer: Buffer[Sample],
    engine: Engine | None = None,
    recorder: Recorder | None = None,
    share: Share | None = None,
    selection: Selection | None = None,
) -> Stream:
    """A stream of the samples of as many simulations of the sequence `seed`, for `fit`.

    Args:
        source: a problem, whose solutions are samples, or simulations that deliver samples as they go.
        simulations: how many there are.
        seed: of the sequence.
        buffer: what mixes the samples.
        engine: who runs the simulations; in this process, one after the other, if None.
        recorder: keeps what is streamed.
        share: which of the simulations are run; all, or under `torchrun` those of this process, if None.
        selection: which simulations of the sequence are run; 0, 1, 2, ..., if None.

    Simulation i is the same for every engine, and however often it is run.

    >>> from fredholm.data.online import Frames, Reservoir
    >>> from fredholm.data import WholeFields
    >>> from fredholm.problems import Heat
    >>> with stream(Frames(Heat(points=8)), 20, seed=0, buffer=Reservoir(100, 30)) as samples:
    ...     samples.gather(10, seconds=1.0)
    ...     samples.draw(WholeFields(10), torch.Generator()).target.shape
    True
    torch.Size([10, 1, 8, 8])
    """
    if simulations < 1:
        raise DataError(f"a stream of {simulations} simulations has no samples: ask for one or more")
    source = Whole(source) if isinstance(source, Problem) else source
    share, selection = share or Share.of_this_process(), selection or InOrder()
    return Stream(source, simulations, seed, buffer, engine or Serial(), recorder, share, selection)


def _sample(index: int, number: int, step: Step) -> Sample:
    """A sample in memory of its own; raises DataError where it is not finite."""
    inputs = {name: torch.from_numpy(np.array(values, np.float32)) for name, values in step.inputs.items()}
    output = torch.from_numpy(np.array(step.output, np.float32))
    if not bool(torch.isfinite(output).all()):
        raise DataError(f"step {number} of simulation {index} is not finite: its solver must raise SolverError instead")
    return Sample(index, number, inputs, output)
