"""The HTTP service: artifacts behind typed endpoints, on loopback unless told otherwise.

    GET  /health                  is it up, and what does it serve
    GET  /v1/models               the models and their addresses
    GET  /v1/signature            typed inputs and output
    GET  /v1/manifest             provenance, accuracy, certificates
    POST /v1/predict              values of the output function, with error bars where they are asked for
    POST /v1/examine              is there reason to doubt the answers to these inputs?
    GET  /v1/graphs/{name}.onnx   exported graphs
    GET  /metrics                 counters in the format of Prometheus
    GET  /docs, /openapi.json     the interface, with types and units
    GET  /room/                   the room page, if the artifact is a room

Several artifacts are below /v1/models/NAME in place of /v1. Requests are limited in size, values, time and number; what
does not fit is refused with a reason. The life of a prediction: `limits` counts its bytes, `media_type` and its formats
read it, `served_model` checks it, `batching` runs it with others, and the format that the client accepts writes it.
"""

from fredholm.deploy.service.application import create_app
from fredholm.deploy.service.batching import Batching
from fredholm.deploy.service.bearer_token import TokenError, read_token
from fredholm.deploy.service.limits import Limits
from fredholm.deploy.service.served_model import ModelNameError
from fredholm.deploy.service.server import (
    PortInUseError,
    named_paths,
    require_free,
    running_service,
    serve,
)

__all__ = [
    "Batching",
    "Limits",
    "ModelNameError",
    "PortInUseError",
    "TokenError",
    "create_app",
    "named_paths",
    "read_token",
    "require_free",
    "running_service",
    "serve",
]
