"""Deployment: artifacts on disk, back-ends, checked export, the HTTP service and the room page."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fredholm.deploy.artifact import Artifact, Manifest, load, save
from fredholm.deploy.backend import Backend, OnnxRuntimeBackend, TorchBackend, TorchCompileBackend
from fredholm.deploy.error_bars import calibrate
from fredholm.deploy.onnx_export import Certificate, export
from fredholm.deploy.predictor import Predictor
from fredholm.deploy.stored_network import load_network, save_network

if TYPE_CHECKING:
    from fredholm.deploy.service import Batching, Limits, create_app, serve

_SERVICE = ("Batching", "Limits", "create_app", "serve")  # FastAPI is loaded when something is served

__all__ = [
    "Artifact",
    "Backend",
    "Batching",
    "Certificate",
    "Limits",
    "Manifest",
    "OnnxRuntimeBackend",
    "Predictor",
    "TorchBackend",
    "TorchCompileBackend",
    "calibrate",
    "create_app",
    "export",
    "load",
    "load_network",
    "save",
    "save_network",
    "serve",
]


def __getattr__(name: str) -> Any:
    if name in _SERVICE:
        return getattr(import_module("fredholm.deploy.service"), name)
    raise AttributeError(f"module 'fredholm.deploy' has no attribute {name!r}; it offers {', '.join(__all__)}")
