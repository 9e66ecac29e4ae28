"""The machine-readable description of the service."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from fredholm.deploy.service.schema import PredictResponse, Refusal

_REFERENCE = "#/components/schemas/{model}"


def describe(app: FastAPI, requests: Sequence[type[BaseModel]], protected: bool) -> None:
    """Have `app.openapi` describe bodies that endpoints read themselves, and the token if there is one."""

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            description = get_openapi(title=app.title, version=app.version, routes=app.routes)
            models: list[type[BaseModel]] = [*requests, PredictResponse, Refusal]
            _, defined = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
            description["components"]["schemas"].update(defined["$defs"])
            if protected:
                _protect(description)
            app.openapi_schema = description
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # which is how FastAPI has it


def _protect(description: dict[str, Any]) -> None:
    description["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    schema = {"$ref": _REFERENCE.format(model=Refusal.__name__)}
    refusal = {"description": "No token, or a wrong one", "content": {"application/json": {"schema": schema}}}
    for path, operations in description["paths"].items():
        for operation in operations.values():
            if path != "/health":
                operation["security"] = [{"token": []}]
                operation["responses"]["401"] = refusal
