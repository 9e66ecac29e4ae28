"""The folders of CFDBench: trajectories of flows, one folder a case, read lazily; and splits that keep cases whole.

    ROOT/<problem>/{prop,bc,geo}/case0000/{case.json, u.npy, v.npy}      u, v: (frames, rows, columns), rows along y

`FlowCases.read` opens cavity, tube, dam or cylinder. A collection of cases answers three questions:

    steps()          (u, v)(t), mask, case  ->  (u, v)(t + step)        one step of a model in time
    frames()         case with t            ->  (u, v)(t)               a model that is asked for a time
    trajectories()   first frame and what follows, to compare roll-outs with

Coordinates are in units of height and width, since these differ by case; a case's numbers are in SI units. The mask is
one in fluid and zero in an obstacle. Numbers are as stored: normalising them is an operator's business.

The published loader is followed in its splits, orders and cut-off, and departed from in this: the obstacle of the dam
is masked, and its size belongs to the case; the cylinder stands where it was when the flow was solved for; the time
between frames is read from case.json where it is given; a step is the nearest whole number of frames; and a flow counts
as steady by a change relative to its largest speed. Its border of boundary values around frames is left out.

Source: Luo, Chen, Zhang, "CFDBench: a large-scale benchmark for machine learning methods in fluid dynamics", 2023.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from fredholm.data.dataset import Dataset, Description
from fredholm.data.source import Source, gather
from fredholm.errors import DataError, UnknownNameError
from fredholm.fields.grid import Axis, Grid
from fredholm.fields.signature import DomainType, Function, Inputs, Parameter, Quantity, Signature

SUBSETS = ("prop", "bc", "geo")
_FLUID = (("density", "kg/m3"), ("viscosity", "Pa s"))
_BOX = (("height", "m"), ("width", "m"))
_BARRIER_START = 0.5  # m from the inlet of the dam


@dataclass(frozen=True)
class _Kind:
    """A problem of the benchmark: the numbers of its cases, in its order, and the published time between frames."""

    components: tuple[Quantity, ...]
    step: float


def _kind(step: float, *components: tuple[str, str]) -> _Kind:
    return _Kind(tuple(Quantity(name, units) for name, units in components), step)


_KINDS = {
    "cavity": _kind(0.1, ("vel_top", "m/s"), *_FLUID, *_BOX),
    "tube": _kind(0.01, ("vel_in", "m/s"), *_FLUID, *_BOX),
    "dam": _kind(0.1, ("velocity", "m/s"), *_FLUID, *_BOX, ("barrier_height", "m"), ("barrier_width", "m")),
    "cylinder": _kind(0.001, ("vel_in", "m/s"), *_FLUID, *_BOX, ("center_x", "m"), ("center_y", "m"), ("radius", "m")),
}


@dataclass(frozen=True)
class FlowCase:
    """One case on disk: its numbers, in the order of its problem, and the time between its frames."""

    directory: Path
    problem: str
    numbers: Mapping[str, float]
    step: float

    @classmethod
    def read(cls, directory: Path, problem: str) -> "FlowCase":
        """The case in a folder; raises DataError for one that is broken."""
        file = directory / "case.json"
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            if problem == "cylinder":  # known by the ends of the box, seen from the cylinder's centre
                x, y = stored["x_min"], stored["y_min"]
                stored |= {"height": stored["y_max"] - y, "width": stored["x_max"] - x, "center_x": -x, "center_y": -y}
            kind = _KINDS[problem]
            numbers = {quantity.name: float(stored[quantity.name]) for quantity in kind.components}
            step = float(stored.get("dt", kind.step))
        except KeyError as error:
            raise DataError(f"{file} does not give {error}, which a case of {problem!r} has") from error
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{file} is no description of a case: {error}") from error
        if not (step > 0 and all(map(np.isfinite, numbers.values()))):
            raise DataError(f"{file} gives numbers that are not finite, or a step of {step} s")
        return cls(directory, problem, numbers, step)

    @cached_property
    def velocity(self) -> tuple[Float[ndarray, "frames rows columns"], Float[ndarray, "frames rows columns"]]:
        """Components u and v, as memory maps."""
        u, v = (self._map(name) for name in ("u.npy", "v.npy"))
        if u.shape != v.shape:
            raise DataError(f"{self.directory}: u.npy has shape {u.shape}, v.npy {v.shape}; expected the same")
        return u, v

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.velocity[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.velocity[0].shape[1:]
        return rows, columns

    def values(self, frames: Sequence[int] | slice) -> Float[Tensor, "frames 2 rows columns"]:
        """(u, v) at some frames."""
        return torch.from_numpy(np.stack([part[frames] for part in self.velocity], 1)).float()

    def mask(self) -> Bool[Tensor, "rows columns"]:
        """Where there is fluid, by the cells' centres."""
        rows, columns = self.shape
        n = self.numbers
        y = ((torch.arange(rows, dtype=torch.float64) + 0.5) / rows * n["height"])[:, None]
        x = (torch.arange(columns, dtype=torch.float64) + 0.5) / columns * n["width"]
        if self.problem == "dam":
            within = (x >= _BARRIER_START) & (x < _BARRIER_START + n["barrier_width"])
            return ~(within & (y < n["barrier_height"]))
        if self.problem == "cylinder":
            return (x - n["center_x"]) ** 2 + (y - n["center_y"]) ** 2 > n["radius"] ** 2
        return torch.ones(rows, columns, dtype=torch.bool)

    def moving(self, stride: int, steady: float) -> int:
        """Number of first frames from which the flow still changes over `stride` frames.

        It does while the speed changes by `steady` of its largest value or more, on average over the points.
        """
        u, v = self.velocity
        speed = np.sqrt(np.square(u, dtype=np.float64) + np.square(v, dtype=np.float64))
        change = np.abs(speed[stride:] - speed[:-stride]).mean((1, 2))
        still = change < steady * speed.max()
        return int(still.argmax()) if still.any() else len(change)

    def _map(self, name: str) -> ndarray:
        file = self.directory / name
        try:
            values = np.load(file, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{file} cannot be read: {error}") from error
        if values.ndim != 3 or values.dtype.kind != "f" or not len(values):
            raise DataError(f"{file} holds {values.dtype} of shape {values.shape}; expected (frames, rows, columns)")
        return values


@dataclass(frozen=True)
class Trajectories:
    """Starts and what follows them: `state` and `forcings` as a step in time takes them, and the true frames after."""

    state: Float[Tensor, "cases 2 rows columns"]
    forcings: Inputs
    truth: Float[Tensor, "cases steps 2 rows columns"]


@dataclass(frozen=True)
class FlowCases:
    """Cases of one problem, all on frames of one shape.

    >>> cases = FlowCases.read("CFDBench/data", "cavity")  # doctest: +SKIP
    >>> train, validation, test = cases.split(seed=0)  # doctest: +SKIP
    >>> data = train.steps()  # doctest: +SKIP
    """

    cases: tuple[FlowCase, ...]

    @classmethod
    def read(cls, root: str | Path, problem: str, subsets: Sequence[str] = SUBSETS) -> "FlowCases":
        """The cases of some subsets, in the benchmark's order.

        Raises UnknownNameError for another problem or subset, and DataError for folders that are missing or broken.
        """
        if problem not in _KINDS:
            raise UnknownNameError("problem of CFDBench", problem, _KINDS)
        for subset in subsets:
            if subset not in SUBSETS:
                raise UnknownNameError("subset of CFDBench", subset, SUBSETS)
        cases = []
        for subset in (name for name in SUBSETS if name in subsets):
            folder = Path(root) / problem / subset
            found = [path for path in folder.glob("case*") if path.name.removeprefix("case").isdigit()]
            if not found:
                raise DataError(f"{folder} has no folders case0000, case0001, ...: is {root} the root of the data?")
            ordered = sorted(found, key=lambda path: int(path.name.removeprefix("case")))
            cases += [FlowCase.read(path, problem) for path in ordered]
        for case in cases[1:]:
            if case.shape != cases[0].shape:
                raise DataError(
                    f"{case.directory} has frames of {case.shape}, {cases[0].directory} of {cases[0].shape}"
                )
        return cls(tuple(cases))

    def __len__(self) -> int:
        return len(self.cases)

    def split(self, parts: Sequence[float] = (0.8, 0.1), seed: int = 0) -> "tuple[FlowCases, ...]":
        """Parts of the given shares and what is left: no case is in two of them.

        With all subsets, the shares and the seed that are the defaults these are the published splits. Raises DataError
        for a part without a case.
        """
        shuffled = list(self.cases)
        random.Random(seed).shuffle(shuffled)
        bounds = [0, *np.cumsum([round(part * len(shuffled)) for part in parts]).tolist(), len(shuffled)]
        pieces = [tuple(shuffled[a:b]) for a, b in pairwise(bounds)]
        if not all(pieces):
            raise DataError(f"{len(self)} cases cannot be split into {list(parts)} and the rest: a part has no case")
        return tuple(FlowCases(piece) for piece in pieces)

    @property
    def frame(self) -> Grid:
        """The points of a frame: cells' centres, in units of height and width."""
        rows, columns = self.cases[0].shape
        return Grid(*(Axis(name, 0.5 / n, 1 - 0.5 / n, n) for name, n in (("y", rows), ("x", columns))))

    def steps(self, step: float | None = None, first: int = 0, steady: float = 1e-3) -> Dataset:
        """Pairs of frames: `flow`, `mask` and `case` to the flow a step later.

        Args:
            step: seconds between the two, rounded to frames; one frame if None.
            first: frames at the start of each case that are left out.
            steady: a case ends where the speed changes by less than this share of its largest value, on average.

        Raises DataError if nothing is left. Labels: `number` of the case in this collection, `time` of the first frame.
        """
        rows = []
        for number, case in enumerate(self.cases):
            stride = 1 if step is None else max(1, round(step / case.step))
            last = case.moving(stride, steady) if case.frames > stride else 0
            rows += [(number, frame, frame + stride) for frame in range(first, last)]
        flow = self._on_frame(Quantity("u", "m/s"), Quantity("v", "m/s"))
        parameter = Parameter(_KINDS[self.cases[0].problem].components)
        signature = Signature({"flow": flow, "mask": self._on_frame(Quantity("mask")), "case": parameter}, flow)
        domains = {"flow": self.frame, "mask": self.frame}
        return self._dataset(signature, domains, rows)

    def frames(self, first: int = 0) -> Dataset:
        """Single frames: `case`, with the time as its last number, to the flow. `first` and labels as in `steps`."""
        rows = [(number, t, t) for number, case in enumerate(self.cases) for t in range(first, case.frames)]
        flow = self._on_frame(Quantity("u", "m/s"), Quantity("v", "m/s"))
        parameter = Parameter((*_KINDS[self.cases[0].problem].components, Quantity("time", "s")))
        return self._dataset(Signature({"case": parameter}, flow), {}, rows)

    def trajectories(self, steps: int = 20, first: int = 0, stride: int = 1) -> Trajectories:
        """Every case from its frame `first` on; one that ends before goes on with its last frame."""
        states, truths = [], []
        for case in self.cases:
            if first >= case.frames:
                raise DataError(f"{case.directory} has {case.frames} frames, none of them number {first}")
            wanted = [min(first + stride * k, case.frames - 1) for k in range(steps + 1)]
            values = case.values(wanted)
            states.append(values[0])
            truths.append(values[1:])
        forcings = {"mask": self._masks.clone(), "case": self._numbers.clone()}
        return Trajectories(torch.stack(states), forcings, torch.stack(truths))

    def _dataset(self, signature: Signature, domains: Mapping[str, Grid], rows: list[tuple[int, int, int]]) -> Dataset:
        if not rows:
            raise DataError(f"no frame of the {len(self)} cases is left: lower `first` or `steady`, or the step")
        source = _Frames(self, torch.tensor(rows), "flow" in signature.inputs)
        return Dataset(Description(signature, self.frame, domains), source)

    def _on_frame(self, *channels: Quantity) -> Function:
        return Function(channels, DomainType.of(self.frame))

    @cached_property
    def _masks(self) -> Float[Tensor, "cases 1 rows columns"]:
        return torch.stack([case.mask() for case in self.cases]).unsqueeze(1).float()

    @cached_property
    def _numbers(self) -> Float[Tensor, "cases components"]:
        return torch.tensor([list(case.numbers.values()) for case in self.cases])


class _Frames(Source):
    """Rows (case, frame, target frame) of a collection; with the frame as input, or with its time."""

    def __init__(self, cases: FlowCases, rows: Int[Tensor, "n 3"], stepping: bool) -> None:
        self._cases, self._rows, self._stepping = cases, rows, stepping

    def __len__(self) -> int:
        return len(self._rows)

    @cached_property
    def labels(self) -> Mapping[str, Tensor]:
        steps = torch.tensor([case.step for case in self._cases.cases], dtype=torch.float64)
        number, frame, _ = self._rows.T
        return {"number": number, "time": (frame * steps[number]).float()}

    @property
    def query(self) -> None:
        return None

    def inputs(self, rows: Int[Tensor, " b"]) -> Inputs:
        number, frame, _ = self._rows[rows].T
        numbers = self._cases._numbers[number]
        if not self._stepping:
            return {"case": torch.cat([numbers, self.labels["time"][rows, None]], 1)}
        return {"flow": self._values(number, frame), "mask": self._cases._masks[number], "case": numbers}

    def outputs(self, rows: Int[Tensor, " b"]) -> Float[Tensor, "b 2 rows columns"]:
        number, _, target = self._rows[rows].T
        return self._values(number, target)

    def outputs_at(self, rows: Int[Tensor, " b"], points: Int[Tensor, "*rows m"]) -> Float[Tensor, "b 2 m"]:
        return gather(self.outputs(rows).flatten(2), torch.arange(len(rows)), points)

    def identity(self) -> str:
        digest = sha256(self._rows.numpy().tobytes())
        for case in self._cases.cases:
            digest.update(json.dumps(dict(case.numbers)).encode())
            for part in case.velocity:
                digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    def _values(self, numbers: Tensor, frames: Tensor) -> Float[Tensor, "b 2 rows columns"]:
        pairs = zip(numbers.tolist(), frames.tolist(), strict=True)
        return torch.cat([self._cases.cases[number].values([frame]) for number, frame in pairs])


def is_cfdbench(path: str | Path) -> bool:
    """Whether a folder is the root of CFDBench data, or of one of its problems."""
    return bool(problems_in(path))


def problems_in(root: str | Path) -> dict[str, list[str]]:
    """The problems under a root, with the subsets that each has."""
    found: dict[str, list[Any]] = {}
    for problem in _KINDS:
        subsets = [subset for subset in SUBSETS if any((Path(root) / problem / subset).glob("case*/case.json"))]
        if subsets:
            found[problem] = subsets
    return found
