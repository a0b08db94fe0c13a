"""The least that keeps a request: a Flask view with one durable INSERT, under the product's own web server."""

from __future__ import annotations

import os
import threading

import psycopg
from flask import Flask, request
from psycopg.types.json import Jsonb

TABLE = """
CREATE TABLE bare (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'received', method text NOT NULL, path text NOT NULL, query text NOT NULL,
    headers jsonb NOT NULL, body bytea NOT NULL, address text
)
"""
INSERT = """
INSERT INTO bare (method, path, query, headers, body, address) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""

app = Flask(__name__)
mine = threading.local()


@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/<path:path>")
def insert(path: str) -> str:
    if not hasattr(mine, "connection"):
        mine.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    headers = Jsonb(list(request.headers.items()))
    values = (request.method, path, request.query_string.decode("latin-1"), headers, request.get_data())
    mine.connection.execute(INSERT, (*values, request.remote_addr))
    return "ok"
