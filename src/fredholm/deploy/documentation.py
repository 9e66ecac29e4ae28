"""The service's page of documentation. It needs no network, unlike the usual one, whose scripts come from elsewhere."""

from collections.abc import Iterable
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui;max-width:56rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "td{padding:.3rem 1rem .3rem 0;vertical-align:top}"
)


def documentation_page(title: str, api: dict[str, Any]) -> str:
    """HTML of an OpenAPI description: endpoints, and the inputs of a prediction with shapes and units."""
    schemas = api["components"]["schemas"]
    endpoints = [
        (method.upper(), path, operation.get("summary", ""))
        for path, operations in api["paths"].items()
        for method, operation in operations.items()
    ]
    inputs = {**schemas["Inputs"]["properties"], "query": schemas["PredictRequest"]["properties"]["query"]}
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Fredholm service</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1>{_table(endpoints)}"
        f"<h2>Inputs of /v1/predict</h2>{_table((name, entry['description']) for name, entry in inputs.items())}"
        "<p>Machine-readable: <a href=/openapi.json>openapi.json</a></p></html>"
    )


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Rows of cells, all but the last of which are code."""
    lines = (
        "".join(f"<td><code>{escape(cell)}</code></td>" for cell in row[:-1]) + f"<td>{escape(row[-1])}</td>"
        for row in rows
    )
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
