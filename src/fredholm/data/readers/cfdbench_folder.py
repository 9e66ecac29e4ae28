"""The folders of CFDBench, as far as `inspect` goes: `readers.cfdbench` opens them, and has more to choose."""

from pathlib import Path

from fredholm.data.readers.cfdbench import FlowCases, is_cfdbench, problems_in
from fredholm.data.readers.contents import Choice, Contents, Format, StoredArray


def read(path: Path, choice: Choice) -> Contents:
    """One-step data sets of each problem in the folder, under the problem's name."""
    splits, stored = {}, []
    for problem, subsets in problems_in(path).items():
        cases = FlowCases.read(path, problem, subsets)
        frames = [case.frames for case in cases.cases]
        shape = (min(frames), *cases.cases[0].shape)
        stored.append(
            StoredArray(
                f"{problem}/{{{','.join(subsets)}}}/case*/{{u,v}}.npy",
                shape,
                "float",
                f"(frames, y, x) of the shortest of {len(cases)} cases",
            )
        )
        splits[problem] = cases.steps()
    notes = ("one step of (u, v) in time; FlowCases of fredholm.data.readers.cfdbench gives more",)
    return Contents("CFDBench folder", tuple(stored), splits, notes)


FORMAT = Format("CFDBench folder", lambda path: path.is_dir() and is_cfdbench(path), read)
