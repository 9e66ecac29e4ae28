"""The HTTP service: an artifact behind typed endpoints, on loopback unless told otherwise.

    GET  /health                  is it up, and what does it serve
    GET  /v1/signature            typed inputs and output
    GET  /v1/manifest             provenance, accuracy, certificates
    POST /v1/predict              values of the output function, with error bars where they are asked for
    POST /v1/examine              is there reason to doubt the answers to these inputs?
    GET  /v1/graphs/{name}.onnx   exported graphs
    GET  /docs                    the interface, with types and units
    GET  /room/                   the room page, if the artifact is a room

Requests are limited in size, points and time; what does not fit is refused with a reason.
"""

import errno
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from urllib.request import urlopen

import torch
from fastapi import Body, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from fredholm import __version__
from fredholm.deploy.artifact import Artifact, load
from fredholm.deploy.documentation import documentation_page
from fredholm.deploy.limits import Guard, Limits
from fredholm.deploy.predictor import Predictor
from fredholm.deploy.schema import (
    ExamineResponse,
    PredictResponse,
    examine_model,
    inputs_model,
    predict_model,
    tensors_of,
)
from fredholm.errors import FredholmError, SignatureError
from fredholm.fields.signature import require_finite


class PortInUseError(FredholmError, OSError):
    """Nothing can listen on the port."""


def create_app(artifact: Artifact, limits: Limits | None = None) -> FastAPI:
    """The service of one artifact as an ASGI application."""
    limits = limits or Limits()
    app = FastAPI(title="Fredholm", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(Guard, limits=limits)
    _describe_errors(app)
    _add_endpoints(app, artifact, limits)
    app.get("/docs", include_in_schema=False)(
        lambda: HTMLResponse(documentation_page(type(artifact.operator).__name__, app.openapi()))
    )
    if artifact.manifest.provenance.get("problem", {}).get("name") == "room":
        from fredholm.deploy.room_page import room_router

        app.include_router(room_router(artifact))
        app.get("/room", include_in_schema=False)(lambda: RedirectResponse("/room/"))
    return app


def serve(path: str | Path, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an artifact until interrupted; raises ArtifactError, or PortInUseError naming a free port."""
    import uvicorn

    app = create_app(load(path))
    require_free(host, port)
    uvicorn.run(app, host=host, port=port, log_level="warning")


@contextmanager
def running_service(path: str | Path, *, host: str = "127.0.0.1", port: int = 8000) -> Iterator[Callable[[str], bytes]]:
    """The service in a thread of its own; yields a function that gets a path from it."""
    import uvicorn

    app = create_app(load(path))
    require_free(host, port)
    server = uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)

    def get(address: str) -> bytes:
        with urlopen(f"http://{host}:{port}{address}", timeout=30) as response:
            content: bytes = response.read()
        return content

    try:
        yield get
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def require_free(host: str, port: int) -> None:
    """Raise PortInUseError, naming a port that is free, if nothing can listen there."""
    if not 0 < port < 65536:
        raise PortInUseError(f"port {port} does not exist: choose one from 1 to 65535")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PortInUseError(f"cannot listen on {host}:{port}: {error.strerror}") from error
            with socket.socket() as other:
                other.bind(("127.0.0.1", 0))
                free = other.getsockname()[1]
            raise PortInUseError(
                f"port {port} on {host} is in use: stop what listens there, or choose another with --port {free}"
            ) from error


def _add_endpoints(app: FastAPI, artifact: Artifact, limits: Limits) -> None:
    signature, manifest = artifact.signature, artifact.manifest
    inputs_of = inputs_model(signature)
    prediction, examination = predict_model(signature, inputs_of), examine_model(inputs_of)
    channels = signature.output.channels
    exported = "operator.onnx" in manifest.files
    predicted = Predictor(artifact).predict if exported else artifact.predict

    @app.get("/health", summary="Is the service up, and what does it serve")
    def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "version": __version__,
            "operator": type(artifact.operator).__name__,
            "problem": manifest.provenance.get("problem", {}).get("name"),
        }

    @app.get("/v1/signature", summary="Typed inputs and output")
    def signature_of() -> dict[str, Any]:
        return signature.to_json()

    @app.get("/v1/manifest", summary="Provenance, accuracy and certificates")
    def manifest_of() -> dict[str, Any]:
        return {name: _strict(entry) for name, entry in vars(manifest).items() if name != "architecture"}

    def require_affordable(count: int) -> None:
        if count > limits.values:
            raise SignatureError(
                f"the answer would have {count} values; this service answers up to {limits.values}: ask for fewer "
                "points or samples at a time"
            )

    @app.post("/v1/predict", summary="Values of the output function", response_model_exclude_none=True)
    def predict(request: Annotated[prediction, Body()]) -> PredictResponse:  # type: ignore[valid-type]
        inputs, query = tensors_of(signature, request.inputs.model_dump(), request.query)  # type: ignore[attr-defined]
        batch = len(next(iter(inputs.values())))
        points = artifact.operator.output_domain.size if query is None else query.shape[-2]
        banded = request.band is not None  # type: ignore[attr-defined]
        require_affordable(batch * points * len(channels) * (3 if banded else 1))
        if query is not None:
            artifact.operator.output_domain.require_contains(query.flatten(0, -2).double())
        values = predicted(inputs, query)
        require_finite("the answer", values)
        answer = PredictResponse(
            values=values.tolist(),
            shape=list(values.shape),
            channels=[quantity.name for quantity in channels],
            units=[quantity.units for quantity in channels],
        )
        if banded:
            with torch.inference_mode():
                band = artifact.banded(values, inputs, query, request.band, request.simultaneous)  # type: ignore[attr-defined]
            require_finite("the lower end of the band", band.lower)
            require_finite("the upper end of the band", band.upper)
            answer.lower, answer.upper = band.lower.tolist(), band.upper.tolist()
        return answer

    @app.post("/v1/examine", summary="Is there reason to doubt the answers to these inputs?")
    def examine(request: Annotated[examination, Body()]) -> ExamineResponse:  # type: ignore[valid-type]
        inputs, _ = tensors_of(signature, request.inputs.model_dump(), None)  # type: ignore[attr-defined]
        require_affordable(len(next(iter(inputs.values()))) * artifact.operator.output_domain.size * len(channels))
        found = artifact.examine(inputs)
        for name, score in found.scores.items():
            require_finite(f"the {name}", score)
        scores = {name: score.tolist() for name, score in found.scores.items()}
        return ExamineResponse(passed=found.passed.tolist(), scores=scores, limits=found.limits)

    @app.get("/v1/graphs/{name}.onnx", summary="An exported graph")
    def graph(name: str) -> Response:
        if f"{name}.onnx" not in manifest.files:
            known = sorted(file.removesuffix(".onnx") for file in manifest.files if file.endswith(".onnx"))
            return JSONResponse({"error": f"no graph {name!r}; there are {known}: `fredholm export` makes them"}, 404)
        return FileResponse(artifact.path / f"{name}.onnx", media_type="application/octet-stream")


def _strict(value: Any) -> Any:
    """A manifest's entry as strict JSON, which has no infinity (such as the impedance of a rigid wall)."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _describe_errors(app: FastAPI) -> None:
    @app.exception_handler(FredholmError)
    async def refused(_: Request, error: FredholmError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, 422)

    @app.exception_handler(HTTPException)
    async def failed(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return JSONResponse({"error": f"{where}: {first['msg']}"}, 422)
