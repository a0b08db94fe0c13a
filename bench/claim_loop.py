"""The barest that does as much as processing: claims a hundred, checks HMACs, reads the JSON, and writes in sets."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import psycopg

from .load import SECRET

BATCH = 100
SCHEMA = """
DROP TABLE IF EXISTS bare_attempt, bare_callback, bare_order;
CREATE TABLE bare_order (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL UNIQUE, state text NOT NULL,
    changed_at timestamptz
);
CREATE TABLE bare_callback (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL DEFAULT 'received', signature text NOT NULL,
    body bytea NOT NULL, event_id text, number text, settled_at timestamptz
);
CREATE INDEX ON bare_callback (id) WHERE state = 'received';
CREATE TABLE bare_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, callback_id bigint NOT NULL REFERENCES bare_callback,
    at timestamptz NOT NULL DEFAULT now(), verdict text NOT NULL
);
"""
CLAIM = """
SELECT id, signature, body FROM bare_callback WHERE state = 'received' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
OPEN = "UPDATE bare_order SET state = 'open', changed_at = now() WHERE number = ANY (%s)"
SETTLE = """
UPDATE bare_callback c SET state = 'processed', event_id = v.event, number = v.number, settled_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v (id, event, number) WHERE c.id = v.id
"""
ATTEMPT = "INSERT INTO bare_attempt (callback_id, verdict) SELECT * FROM unnest(%s::bigint[], %s::text[])"


def made(url: str, count: int) -> Callable[[], float]:
    """Fills the tables with so many at each call, and tells how many a second the loop does."""

    def run() -> float:
        with psycopg.connect(url) as connection:
            _fill(connection, count)
            connection.commit()
            started = time.perf_counter()
            while _batch(connection):
                connection.commit()
            return count / (time.perf_counter() - started)

    return run


def _fill(connection: psycopg.Connection[Any], count: int) -> None:
    connection.execute(SCHEMA)
    with connection.cursor().copy("COPY bare_order (number, state) FROM STDIN") as orders:
        for n in range(count):
            orders.write_row((f"26-{n}", "temporary"))
    with connection.cursor().copy("COPY bare_callback (signature, body) FROM STDIN WITH (FORMAT BINARY)") as callbacks:
        callbacks.set_types(["text", "bytea"])
        for n in range(count):
            body = json.dumps({"id": f"evt_{n}", "order": f"26-{n}", "rest": ["card"] * 250}).encode()
            callbacks.write_row((_signature(body), body))


def _batch(connection: psycopg.Connection[Any]) -> bool:
    rows = connection.execute(CLAIM, (BATCH,)).fetchall()
    if not rows:
        return False
    ids, events, numbers, verdicts = [], [], [], []
    for id_, signature, body in rows:
        said = json.loads(body)
        ids.append(id_)
        events.append(said["id"])
        numbers.append(said["order"])
        verdicts.append("genuine" if hmac.compare_digest(signature, _signature(body)) else "not_genuine")
    connection.execute(OPEN, (numbers,))
    connection.execute(SETTLE, (ids, events, numbers))
    connection.execute(ATTEMPT, (ids, verdicts))
    return True


def _signature(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
