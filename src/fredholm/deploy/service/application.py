"""The service as an ASGI application: models behind their routers, and around them what holds for every request."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, RedirectResponse

from fredholm import __version__
from fredholm.deploy.artifact import Artifact
from fredholm.deploy.service.admission import Admission
from fredholm.deploy.service.batching import Batcher, Batching
from fredholm.deploy.service.bearer_token import BearerToken
from fredholm.deploy.service.documentation import documentation_page
from fredholm.deploy.service.error_answers import answer_errors
from fredholm.deploy.service.limits import Guard, Limits
from fredholm.deploy.service.metrics import Metered, Metrics
from fredholm.deploy.service.model_router import ModelRequests, Office, model_router
from fredholm.deploy.service.openapi import describe
from fredholm.deploy.service.overview import Place, overview_router
from fredholm.deploy.service.room_page import room_router
from fredholm.deploy.service.served_model import ServedModel
from fredholm.deploy.service.shown_room import is_room
from fredholm.deploy.service.watching import watching

ALONE = "default"  # the name of a model that is served alone, in metrics and lists


def create_app(
    models: Artifact | Mapping[str, Artifact],
    limits: Limits | None = None,
    *,
    batching: Batching | None = None,
    token: str | None = None,
    watch: float | None = None,
) -> FastAPI:
    """The service of artifacts as an ASGI application.

    Args:
        models: one artifact, whose endpoints are below /v1, or several by name, below /v1/models/NAME; names are made
            of letters, digits, '_' and '-'.
        limits: of each request.
        batching: how concurrent requests are answered together.
        token: that every request but /health must bear; none by default.
        watch: seconds between looks for a new version of an artifact on disk; None takes what is there now.

    >>> app = create_app({"room": load("runs/room/artifact")}, watch=1.0)  # doctest: +SKIP
    """
    limits, metrics = limits or Limits(), Metrics()
    alone = isinstance(models, Artifact)
    named = {ALONE: models} if isinstance(models, Artifact) else models
    served = {name: ServedModel(name, artifact, metrics.reloaded) for name, artifact in named.items()}
    batcher = Batcher(batching or Batching(), limits.values, metrics.run)
    office = Office(limits, Admission(limits.requests), batcher, metrics)
    metrics.watch(lambda: office.admission.taken, lambda: batcher.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with watching(served.values(), watch):
            yield

    app = FastAPI(title="Fredholm", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    if token is not None:
        app.add_middleware(BearerToken, token=token)
    app.add_middleware(Guard, limits=limits)
    app.add_middleware(Metered, observe=metrics.observe)
    answer_errors(app)
    places = {name: Place(model, "/v1" if alone else f"/v1/models/{name}") for name, model in served.items()}
    app.include_router(overview_router(places, metrics))
    requests = {name: ModelRequests(model, "" if alone else f"{name}_") for name, model in served.items()}
    for name, place in places.items():
        app.include_router(model_router(place, requests[name], office))
    rooms = {name: place for name, place in places.items() if is_room(place.model.current.artifact)}
    for name in rooms:
        _add_room(app, name, rooms, office.admission, alone)
    describe(app, [kind for asked in requests.values() for kind in (asked.predict, asked.examine)], token is not None)
    app.get("/docs", include_in_schema=False)(lambda: HTMLResponse(documentation_page(places, app.openapi())))
    return app


def _add_room(app: FastAPI, name: str, rooms: Mapping[str, Place], admission: Admission, alone: bool) -> None:
    """The room page of a model, with doors to all rooms: /room if it is alone, else below the model's address."""
    place = rooms[name]
    address, graphs = ("/room", "../v1/graphs") if alone else (f"{place.address}/room", "../graphs")
    doors = {"./" if other == name else f"../../{other}/room/": rooms[other].model.current.artifact for other in rooms}
    app.include_router(room_router(address, lambda: place.model.current.artifact, admission, graphs, doors))
    app.get(address, include_in_schema=False)(lambda: RedirectResponse(f"{address}/"))
