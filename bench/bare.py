"""The least that keeps a request: a Flask view with one durable INSERT, under the product's own web server."""

from __future__ import annotations

import os
import threading
from typing import Any

import psycopg
from flask import Flask, request
from psycopg.types.json import Jsonb
from redis import Redis
from rq import Queue

TABLE = """
CREATE TABLE bare (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, received_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'received', method text NOT NULL, path text NOT NULL, query text NOT NULL,
    headers jsonb NOT NULL, body bytea NOT NULL, address text, done_at timestamptz
)
"""
INSERT = """
INSERT INTO bare (method, path, query, headers, body, address) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
DONE = "UPDATE bare SET state = 'processed', done_at = clock_timestamp() WHERE id = %s"

app, with_job = Flask(__name__), Flask(__name__)
mine = threading.local()


def connection() -> psycopg.Connection[Any]:
    """The thread's own."""
    if not hasattr(mine, "connection"):
        mine.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    own: psycopg.Connection[Any] = mine.connection
    return own


def kept(path: str) -> int:
    headers = Jsonb(list(request.headers.items()))
    values = (request.method, path, request.query_string.decode("latin-1"), headers, request.get_data())
    row = connection().execute(INSERT, (*values, request.remote_addr)).fetchone()
    assert row is not None
    return int(row[0])


@with_job.get("/health")
@app.get("/health")
def health() -> str:
    return "ok"


@app.post("/<path:path>")
def insert(path: str) -> str:
    kept(path)
    return "ok"


@with_job.post("/<path:path>")
def insert_and_enqueue(path: str) -> str:
    """And one RQ job for each."""
    if not hasattr(mine, "queue"):
        mine.queue = Queue("bare", connection=Redis.from_url(os.environ["REDIS_URL"]))
    mine.queue.enqueue(done, kept(path), result_ttl=0)
    return "ok"


def done(id_: int) -> None:
    """The job."""
    connection().execute(DONE, (id_,))
