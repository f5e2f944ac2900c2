"""The API's reference as one page (`/docs`), written from its OpenAPI document on the server.

The framework's own page loads its scripts from elsewhere; nothing here is fetched from outside at run time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from fastapi import FastAPI, Response

from chemtrace.entrypoints.web.rendering import asset_url

FOREIGN_PAGES: Final = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc"})
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def install_reference(app: FastAPI) -> None:
    """Put our page in the place of the framework's."""
    kept = [route for route in app.router.routes if getattr(route, "path", None) not in FOREIGN_PAGES]
    app.router.routes[:] = kept

    def get_reference() -> Response:
        """The page."""
        page = render_reference(app.openapi())
        return Response(
            page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY}
        )

    app.add_api_route("/docs", get_reference, include_in_schema=False)


def render_reference(document: Mapping[str, Any]) -> str:
    """HTML of an OpenAPI document: every operation with its parameters, bodies and answers."""
    info = document["info"]
    operations = list(_operations(document))
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<title>{escape(info["title"])} API · 接口</title><link rel="stylesheet" href="{asset_url("desk.css")}">',
        f"</head><body><main><h1>{escape(info['title'])} API {escape(info['version'])} · 接口</h1>",
        *(f"<p>{escape(text)}</p>" for text in info.get("description", "").strip().split("\n\n")),
        '<p><a href="/openapi.json">openapi.json</a></p><nav aria-label="operations"><ul>',
        *(f'<li><a href="#{anchor}"><code>{label}</code></a></li>' for anchor, label, _ in operations),
        "</ul></nav>",
        *(f'<section id="{anchor}">{body}</section>' for anchor, _, body in operations),
        "</main></body></html>",
    ]
    return "".join(parts)


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Anchor, label and body of each operation, in the order of the document."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            label = escape(f"{method.upper()} {path}")
            yield escape(operation["operationId"], quote=True), label, "".join(_body(label, operation))


def _body(label: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{label}</code></h2><p><strong>{escape(operation.get('summary', ''))}</strong></p>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    if operation.get("security"):
        yield "<p>Needs a bearer token · 需要令牌</p>"
    if parameters := operation.get("parameters"):
        yield "<table><thead><tr><th>Parameter</th><th>In</th><th>Form</th><th>Meaning</th></tr></thead><tbody>"
        yield from map(_parameter, parameters)
        yield "</tbody></table>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media)}</code> {_schema(content.get('schema', {}))}</p>"
    yield "<ul>"
    for status, answer in operation["responses"].items():
        yield f"<li><code>{escape(status)}</code> {escape(answer.get('description', ''))}</li>"
    yield "</ul>"


def _parameter(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    meaning = parameter.get("description") or schema.get("description") or ""
    needed = "" if parameter.get("required") else " (optional)"
    cells = (
        f"<code>{escape(parameter['name'])}</code>{needed}",
        escape(parameter["in"]),
        _schema(schema),
        escape(meaning),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _schema(schema: Mapping[str, Any]) -> str:
    """One schema in few words: its type, choices and bounds; a named one by its name."""
    if "$ref" in schema:
        return f"<code>{escape(schema['$ref'].rpartition('/')[2])}</code>"
    if "anyOf" in schema:
        return " or ".join(_schema(one) for one in schema["anyOf"] if one.get("type") != "null")
    words = [str(schema.get("type", ""))]
    words += [f"one of {', '.join(map(str, schema['enum']))}"] if "enum" in schema else []
    bounds = {"minimum": "≥", "maximum": "≤", "maxLength": "length ≤"}
    words += [f"{sign} {schema[name]}" for name, sign in bounds.items() if name in schema]
    return escape(" ".join(words))
