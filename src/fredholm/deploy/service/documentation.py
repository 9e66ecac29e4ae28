"""The service's page of documentation. It needs no network, unlike the usual one, whose scripts come from elsewhere."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from fredholm.deploy.service.overview import Place

_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:56rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "td{padding:.3rem 1rem .3rem 0;vertical-align:top}"
)


def documentation_page(places: Mapping[str, Place], api: dict[str, Any]) -> str:
    """HTML of an OpenAPI description: endpoints, and the inputs of each model with shapes and units."""
    endpoints = [
        (method.upper(), path, operation.get("summary", ""))
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
    ]
    operators = ", ".join(type(place.model.current.artifact.operator).__name__ for place in places.values())
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Fredholm service</title><style>{_STYLE}</style>"
        f"<h1>{escape(operators)}</h1>{_table(endpoints)}"
        f"{''.join(_inputs_of(place, api) for place in places.values())}"
        "<p>Machine-readable: <a href=openapi.json>openapi.json</a></p></html>"
    )


def _inputs_of(place: Place, api: dict[str, Any]) -> str:
    schemas, address = api["components"]["schemas"], f"{place.address}/predict"
    body = api["paths"][address]["post"]["requestBody"]["content"]
    request = schemas[body["application/json"]["schema"]["$ref"].rpartition("/")[2]]["properties"]
    inputs = schemas[request["inputs"]["$ref"].rpartition("/")[2]]["properties"]
    rows = [(name, entry["description"]) for name, entry in {**inputs, "query": request["query"]}.items()]
    return f"<h2>Inputs of {escape(address)}</h2>{_table(rows)}<p>As {escape(', '.join(body))}.</p>"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of cells, all but the last of which are code."""
    lines = (
        "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row[:-1]) + f"<td>{escape(row[-1])}</td>"
        for row in rows
    )
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
