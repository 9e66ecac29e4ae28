"""The endpoints of one model, below its address.

GET  signature             typed inputs and output
GET  manifest              provenance, accuracy, certificates
POST predict               values of the output function, with error bars where they are asked for
POST examine               is there reason to doubt the answers to these inputs?
GET  graphs/{name}.onnx    exported graphs
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from fredholm.deploy.service.admission import Admission
from fredholm.deploy.service.batching import Batcher
from fredholm.deploy.service.json_media import JsonMedia
from fredholm.deploy.service.limits import Limits
from fredholm.deploy.service.media_type import MediaType, accepted, sent
from fredholm.deploy.service.metrics import Metrics
from fredholm.deploy.service.npy_media import NpyMedia
from fredholm.deploy.service.overview import Place
from fredholm.deploy.service.question import Answer, Question
from fredholm.deploy.service.safetensors_media import SafetensorsMedia
from fredholm.deploy.service.schema import (
    ExamineResponse,
    Refusal,
    examine_model,
    inputs_model,
    predict_model,
    tensors_of,
    validated,
)
from fredholm.deploy.service.served_model import ServedModel
from fredholm.deploy.service.version import Version, require_answers

_LARGE = 100_000  # bytes or values whose reading or writing is not worth holding up the other requests
_REFUSALS: dict[int | str, dict[str, Any]] = {
    406: {"model": Refusal, "description": "No format that the client accepts"},
    413: {"model": Refusal, "description": "The body is too large"},
    415: {"model": Refusal, "description": "A body of another type"},
    422: {"model": Refusal, "description": "The body does not fit the signature, or the answer would be too large"},
    429: {"model": Refusal, "description": "Too many requests at once"},
    503: {"model": Refusal, "description": "The answer takes too long"},
}

Result = TypeVar("Result")


@dataclass(frozen=True)
class Office:
    """What the models of one service share."""

    limits: Limits
    admission: Admission
    batcher: Batcher
    metrics: Metrics

    async def answer(self, model: ServedModel, question: Question) -> tuple[Answer, Version]:
        """The answer of the current version, which is told too; raises SignatureError for what does not fit."""
        version = model.current
        version.require(question, self.limits.values)
        answer = await self.batcher.ask(version, question)
        require_answers(answer)
        self.metrics.points.labels(model.name).inc(version.points(question))
        return answer, version


class ModelRequests:
    """The JSON requests of one model, whose schemas belong in the description of the service."""

    def __init__(self, model: ServedModel, prefix: str) -> None:
        signature = model.current.artifact.signature
        inputs = inputs_model(signature, prefix)
        self.predict: type[BaseModel] = predict_model(signature, inputs, prefix)
        self.examine: type[BaseModel] = examine_model(inputs, prefix)


def model_router(place: Place, requests: ModelRequests, office: Office) -> APIRouter:
    """The router of one model; every request is answered by the version that is current when it has been read."""
    model, signature = place.model, place.model.current.artifact.signature
    media = (JsonMedia(signature, requests.predict), SafetensorsMedia(signature), NpyMedia(signature))
    router = APIRouter(prefix=place.address)

    @router.get("/signature", summary="Typed inputs and output")
    def signature_of() -> dict[str, Any]:
        return signature.to_json()

    @router.get("/manifest", summary="Provenance, accuracy and certificates")
    def manifest_of() -> dict[str, Any]:
        manifest = model.current.artifact.manifest
        return {name: _strict(entry) for name, entry in vars(manifest).items() if name != "architecture"}

    @router.post("/predict", summary="Values of the output function", **_described(media))
    async def predict(request: Request) -> Response:
        reader, writer = sent(media, request.headers.get("content-type")), _writer(media, request)
        with office.admission:
            body = await request.body()
            question = await _aside(len(body), lambda: reader.read(body))
            answer, version = await office.answer(model, question)
            written = await _aside(version.values(question), lambda: writer.write(answer))
        return Response(
            written.content, media_type=writer.name, headers={**written.headers, "X-Model-Version": version.digest}
        )

    @router.post("/examine", summary="Is there reason to doubt the answers to these inputs?", **_examined(requests))
    async def examine(request: Request) -> ExamineResponse:
        sent(media[:1], request.headers.get("content-type"))
        with office.admission:
            body = await request.body()
            question = await _aside(len(body), lambda: Question(tensors_of(validated(requests.examine, body).inputs)))
            version = model.current
            version.require(question, office.limits.values)
            return await office.batcher.run(lambda: version.examine(question))

    @router.get(
        "/graphs/{name}.onnx",
        summary="An exported graph",
        response_class=Response,
        responses={
            200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
            304: {"description": "It is the one that the client has, as If-None-Match says"},
            404: {"model": Refusal, "description": "There is no such graph"},
        },
    )
    def graph(name: str, request: Request) -> Response:
        version, file = model.current, f"{name}.onnx"
        if file not in version.graphs:
            known = sorted(file.removesuffix(".onnx") for file in version.graphs)
            return JSONResponse({"error": f"no graph {name!r}; there are {known}: `fredholm export` makes them"}, 404)
        tag = {"ETag": f'"{version.artifact.manifest.files[file]}"'}
        if request.headers.get("if-none-match") == tag["ETag"]:
            return Response(status_code=304, headers=tag)
        return Response(version.graphs[file], media_type="application/octet-stream", headers=tag)

    return router


def _writer(media: Sequence[MediaType], request: Request) -> MediaType:
    return accepted(media, ", ".join(request.headers.getlist("accept")) or None)


async def _aside(size: int, work: Callable[[], Result]) -> Result:
    """The result of `work`, in another thread if there is much of it."""
    return await run_in_threadpool(work) if size > _LARGE else work()


def _described(media: Sequence[MediaType]) -> dict[str, Any]:
    """What the description of the service says of `predict`."""
    questions = {kind.name: {"schema": kind.question_schema} for kind in media}
    answers = {kind.name: {"schema": kind.answer_schema} for kind in media}
    return {
        "response_class": Response,
        "responses": {200: {"description": "The answer", "content": answers}, **_REFUSALS},
        "openapi_extra": {"requestBody": {"required": True, "content": questions}},
    }


def _examined(requests: ModelRequests) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{requests.examine.__name__}"}
    refusals = {status: refusal for status, refusal in _REFUSALS.items() if status != 406}
    body = {"required": True, "content": {JsonMedia.name: {"schema": schema}}}
    return {"responses": refusals, "openapi_extra": {"requestBody": body}}


def _strict(value: Any) -> Any:
    """A manifest's entry as strict JSON, which has no infinity (such as the impedance of a rigid wall)."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
