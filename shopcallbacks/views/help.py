"""Help: the papers of this release, the keys, and the API from the same document that programs read."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, abort, current_app, render_template, send_from_directory
from markupsafe import Markup, escape

from ..words import api as words
from .api.document import document
from .papers import PAPERS, PICTURES, paper

bp = Blueprint("help", __name__, url_prefix="/help")


@bp.get("")
def index() -> str:
    return render_template("help/index.html", papers=PAPERS, paper=paper)


@bp.get("/<name>")
def show(name: str) -> str:
    try:
        return render_template("help/paper.html", paper=paper(name))
    except LookupError:
        abort(404)


@bp.get("/screenshots/<name>")
def picture(name: str) -> Response:
    return send_from_directory(PICTURES, name, max_age=3600)


@bp.get("/keys")
def keys() -> str:
    return render_template("help/keys.html")


@bp.get("/api")
def api() -> str:
    return render_template("help/api.html", document=document(current_app.config["PUBLIC_URL"]), words=words)


@bp.app_template_filter()
def code(text: str) -> Markup:
    """A text of the document, with what stands between backticks or stars as such."""
    said = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", said))  # nosec B704 - escaped before


@bp.app_template_filter()
def kind_of(schema: dict[str, Any]) -> str:
    """What a schema takes, in a few words: "text or null", "list of Payment"."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(kind_of, schema["anyOf"])))
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'])}" if "items" in schema else "list of pairs"
    return _KINDS.get(schema.get("format", ""), _KINDS.get(schema.get("type", ""), "anything"))


_KINDS = {
    "date-time": "time",
    "date": "day",
    "string": "text",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}


@bp.app_template_filter()
def anchor(schema: dict[str, Any]) -> str:
    """The shape that a schema refers to, alone or in a list; empty where it refers to none."""
    inner = next((one for one in schema.get("anyOf", ()) if anchor(one)), schema.get("items", {}))
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else (anchor(inner) if inner else "")
