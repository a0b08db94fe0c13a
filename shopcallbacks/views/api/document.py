"""The OpenAPI document: made from the calls themselves and the shapes that they take and answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from flask import Blueprint, current_app, jsonify, request
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.wrappers import Response as BaseResponse

from ...domain.states import Verb
from ...orders.repeats import LONGEST
from ...shapes.feed import OrderChange
from ...shapes.problems import Problem
from ...words import api as words
from ..problems import CONTENT_TYPE
from .base import OPERATIONS, Operation

bp = Blueprint("api_document", __name__)

VERSION = "1.0"
REF = "#/components/schemas/{model}"
# Of the parts of an address.
PARTS: dict[str, dict[str, Any]] = {
    "number": {"type": "string", "minLength": 1, "description": "The order's number."},
    "id": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "description": "The callback's id."},
    "verb": {"enum": [*Verb], "description": "What is to be done."},
}
HEADERS = {
    "RateLimit-Policy": {"description": "How many calls the token may make in how many seconds."},
    "RateLimit": {"description": "How many of them are left, and for how many seconds."},
}


@bp.get("/api/openapi.json")
def show() -> BaseResponse:
    """Open to all: it says what there is, and nothing of any shop."""
    response = jsonify(document(current_app.config["PUBLIC_URL"]))
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request)


@cache
def document(public_url: str) -> dict[str, Any]:
    """OpenAPI 3.1, whole."""
    schemas, components = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        paths.setdefault(_path(operation), {})[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "shopcallbacks", "version": VERSION, "description": _about()},
        "servers": [{"url": public_url}],
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "webhooks": {"orderChange": {"post": _webhook(schemas)}},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": words.TOKENS}},
        },
    }


def _about() -> str:
    return "\n\n".join([words.ABOUT, *(f"**{name}.** {rule}" for name, rule in words.RULES.items())])


Schemas = dict[Any, dict[str, Any]]


def _schemas() -> tuple[Schemas, dict[str, Any]]:
    """How each shape is referred to, and the schemas."""
    answers = [shape for one in OPERATIONS.values() for shape, _ in one.answers.values()]
    told = [(shape, "serialization") for shape in dict.fromkeys([*answers, OrderChange, Problem])]
    taken = [(one.body, "validation") for one in OPERATIONS.values() if one.body]
    found, whole = models_json_schema([*told, *taken], ref_template=REF)  # type: ignore[list-item]
    return {shape: schema for (shape, _), schema in found.items()}, dict(_without_code(whole["$defs"]))


def _without_code(schemas: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Of a closed set its first sentence: what follows tells those who read the code."""
    for name, schema in schemas.items():
        if "enum" in schema and "description" in schema:
            schema = {**schema, "description": re.split(r"(?<=\.)\s| \(", schema["description"])[0].rstrip(".") + "."}
        yield name, schema


def _path(operation: Operation) -> str:
    return "/api" + re.sub(r"<(?:\w+:)?(\w+?)_?>", r"{\1}", operation.rule)


def _described(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    summary, _, more = operation.about.partition("\n\n")
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": " ".join(summary.split()).rstrip("."),
        "description": f"{' '.join(more.split())} Needs the scope `{operation.scope}`.".strip(),
        "security": [{"token": [operation.scope]}],
        "parameters": list(_parameters(operation)),
        "responses": dict(_responses(operation, schemas)),
    }
    if operation.body:
        content = {"application/json": {"schema": schemas[operation.body]}}
        found["requestBody"] = {"required": _needed(operation.body), "content": content}
    return found


def _needed(body: type[BaseModel]) -> bool:
    return any(field.is_required() for field in body.model_fields.values())


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", _path(operation)):
        yield _parameter("path", name, PARTS[name]) | {"required": True}
    for name, schema in operation.query.items():
        yield _parameter("query", name, schema)
    if operation.method == "POST":
        key = {"type": "string", "minLength": 1, "maxLength": LONGEST, "pattern": "^[ -~]+$"}
        yield _parameter("header", "Idempotency-Key", {**key, "description": words.REPEATS})


def _parameter(where: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    about = {"description": schema["description"]} if "description" in schema else {}
    return {
        "in": where,
        "name": name,
        **about,
        "schema": {key: value for key, value in schema.items() if key != "description"},
    }


def _responses(operation: Operation, schemas: Schemas) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = {name: {**about, "schema": {"type": "string"}} for name, about in HEADERS.items()}
    for status, (shape, about) in operation.answers.items():
        content = {"application/json": {"schema": schemas[shape]}}
        yield str(status), {"description": about, "headers": headers, "content": content}
    too_large = (413,) if operation.method == "POST" else ()
    for status in sorted({*words.PROBLEMS, *operation.problems, *too_large}):
        content = {CONTENT_TYPE: {"schema": schemas[Problem]}}
        about = words.PROBLEMS.get(status) or words.OWN_PROBLEMS[status]
        yield str(status), {"description": about, "content": content}


def _webhook(schemas: Schemas) -> dict[str, Any]:
    return {
        "summary": "A change of an order, sent to the shop's endpoint",
        "description": words.WEBHOOK,
        "security": [],
        "requestBody": {"required": True, "content": {"application/json": {"schema": schemas[OrderChange]}}},
        "responses": {"2XX": {"description": "It has arrived. Anything else, and it is sent again."}},
    }
