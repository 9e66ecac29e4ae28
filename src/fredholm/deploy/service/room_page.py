"""The room page: a room's artifact in the browser, flat or in three dimensions, with the reference solver beside it.

GET  /room/             the page, whose network runs in the browser
GET  /room/scene.json   the room, its sensors, times and accuracy
POST /room/solve        the reference solution for a source, float32, [time][x][y] or [time][x][y][z]
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from fastapi import APIRouter, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from fredholm.deploy.artifact import Artifact
from fredholm.deploy.service.admission import Admission
from fredholm.deploy.service.schema import Refusal
from fredholm.deploy.service.shown_room import ShownRoom
from fredholm.errors import ArtifactError
from fredholm.fields.grid import Grid

_KEPT = 32  # solutions


class SolveRequest(BaseModel):
    """Where the source stands."""

    model_config = ConfigDict(extra="forbid")
    source: list[float] = Field(min_length=2, max_length=3, description="x, y and, in three dimensions, z in m")


class _Solved:
    """The room of an artifact, with the reference solutions that were asked for last."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact, self.room = artifact, ShownRoom.of(artifact)
        self._solutions: OrderedDict[tuple[float, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def solution(self, source: tuple[float, ...]) -> bytes:
        """Pressure (times, x, y) or (times, x, y, z), float32 little endian; raises OutsideDomainError."""
        with self._lock:
            if source not in self._solutions:
                pressure = self.room.solution(source)
                self._solutions[source] = pressure.contiguous().numpy().astype("<f4").tobytes()
                while len(self._solutions) > _KEPT:
                    self._solutions.popitem(last=False)
            self._solutions.move_to_end(source)
            return self._solutions[source]


def room_router(
    address: str, current: Callable[[], Artifact], admission: Admission, graphs: str, rooms: Mapping[str, Artifact]
) -> APIRouter:
    """The page's endpoints; raises ArtifactError if the artifact is no room or has no graphs.

    Args:
        address: of the page, without the last slash.
        current: the artifact that is served now.
        admission: where the solver's requests take their places.
        graphs: address of the graphs, seen from the page.
        rooms: all that the service has, by the addresses of their pages, seen from this one.
    """
    solved = _Solved(current())
    missing = [name for name in ("branch.onnx", "trunk.onnx") if name not in solved.artifact.manifest.files]
    if missing:
        raise ArtifactError(f"{current().path} has no {missing[0]}: run `fredholm export {current().path}` first")
    router = APIRouter(prefix=address)
    doors = [{"name": ShownRoom.of(room).title, "address": door} for door, room in rooms.items()]
    static = Path(str(files("fredholm.deploy"))) / "static" / "room"

    def present() -> _Solved:
        nonlocal solved
        if solved.artifact is not (artifact := current()):
            solved = _Solved(artifact)
        return solved

    @router.get("/scene.json", summary="The room, its sensors, times and accuracy")
    def scene() -> dict[str, Any]:
        here = present()
        return {**scene_of(here.artifact, here.room, graphs), "rooms": doors}

    @router.post(
        "/solve",
        summary="Reference solution for a source, float32 little endian, [time][x][y] or [time][x][y][z]",
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            **{
                status: {"model": Refusal, "description": "Refused, with the reason"} for status in (413, 422, 429, 503)
            },
        },
    )
    async def solve(request: SolveRequest) -> Response:
        here = present()
        with admission:
            content = await run_in_threadpool(here.solution, tuple(request.source))
        shape = (here.room.problem.recording.count, *here.room.grid.shape)
        return Response(content, media_type="application/octet-stream", headers={"X-Shape": ",".join(map(str, shape))})

    @router.get("/{name:path}", include_in_schema=False)
    def asset(name: str) -> Response:
        file = (static / (name or "index.html")).resolve()
        if static.resolve() not in file.parents or not file.is_file():
            return JSONResponse({"error": f"there is no {name!r} in the page"}, 404)
        return FileResponse(file)

    return router


def scene_of(artifact: Artifact, room: ShownRoom, graphs: str) -> dict[str, Any]:
    """What the page needs to know of a room and its operator."""
    accuracy, problem, grid, lengths = artifact.manifest.accuracy, room.problem, room.grid, room.shape.lengths
    inside = torch.ones(grid.shape, dtype=torch.bool) if grid.mask is None else grid.mask
    speed = accuracy.get("speed", {})
    return {
        "name": room.title,
        "outline": [list(corner) for corner in room.shape.outline()],
        "extent": [[0.0, length] for length in lengths],
        "times": (torch.arange(problem.recording.count, dtype=torch.float64) * problem.recording.interval).tolist(),
        "grid": _nodes(grid),
        "inside": inside.flatten().tolist(),
        "sensors": {"name": "initial_pressure", "grid": _nodes(room.sensors)},
        "pulse": {"width": problem.pulse_width, "amplitude": 1.0},
        "source_region": [list(interval) for interval in room.source_region],
        "start": {
            "source": [
                low + share * (high - low)
                for share, (low, high) in zip((0.3, 0.35, 0.5), room.source_region, strict=False)
            ],
            "listener": [share * length for share, length in zip((0.75, 0.3, 0.6), lengths, strict=False)],
        },
        "sound_speed": problem.sound_speed,
        "highest_frequency": problem.highest_frequency,
        "units": {"pressure": "Pa"},
        "accuracy": {name: accuracy.get(name) for name in ("relative_l2", "rmse", "method")},
        "model": {
            "title": artifact.manifest.provenance.get("title", type(artifact.operator).__name__),
            "bytes": artifact.operator.stored_bytes,
            "parameters": artifact.operator.parameter_count,
        },
        "speed": {
            "solver_seconds": speed.get("equal_solver_seconds"),
            "surrogate_seconds": speed.get("surrogate_seconds"),
            "break_even_queries": speed.get("break_even_queries"),
        },
        "graphs": {name: f"{graphs}/{name}.onnx" for name in ("branch", "trunk")},
    }


def _nodes(grid: Grid) -> list[list[float]]:
    return [axis.points().tolist() for axis in grid.axes]
