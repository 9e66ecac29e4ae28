"""What there is, whether it is well, and what it did.

GET /health       is it up, and what does it serve; open to all
GET /v1/models    the models, their addresses and versions, and why a newer version was refused
GET /metrics      counters in the format of Prometheus
"""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from fredholm import __version__
from fredholm.deploy.service.metrics import CONTENT_TYPE, Metrics
from fredholm.deploy.service.served_model import ServedModel


@dataclass(frozen=True)
class Place:
    """A model and the address below which its endpoints are."""

    model: ServedModel
    address: str


class ModelHealth(BaseModel):
    """What answers for a model."""

    operator: str
    problem: str | None
    version: str = Field(description="digest of the artifact's manifest")
    loaded: str = Field(description="when, ISO 8601")
    state: str = Field(description="current, or outdated if what lies on disk now cannot be served")


class ModelEntry(ModelHealth):
    """A model, where to ask it, and why the version on disk is not served, if so."""

    address: str
    refused: str | None


class Health(BaseModel):
    """The service is up."""

    status: str
    version: str
    models: dict[str, ModelHealth]


def overview_router(places: dict[str, Place], metrics: Metrics) -> APIRouter:
    """Endpoints that are of no model."""
    router = APIRouter()

    @router.get("/health", summary="Is the service up, and what does it serve")
    def health() -> Health:
        models = {name: ModelHealth(**place.model.summary()) for name, place in places.items()}
        return Health(status="ok", version=__version__, models=models)

    @router.get("/v1/models", summary="The models and their addresses")
    def models() -> dict[str, ModelEntry]:
        return {
            name: ModelEntry(**place.model.summary(), address=place.address, refused=place.model.refused)
            for name, place in places.items()
        }

    @router.get(
        "/metrics",
        summary="Counters in the text format of Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    def collected() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return router
