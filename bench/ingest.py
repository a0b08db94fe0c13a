"""Callbacks received a second, beside a bare Flask view that does one durable INSERT, both under gunicorn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import requests

from dev.services import free_port

from .place import compare, paid, place

SECONDS, CLIENTS = 5.0, 8
BARE = """
import os
import threading
import psycopg
from flask import Flask, request

app = Flask(__name__)
mine = threading.local()

@app.get("/health")
def health():
    return "ok"

@app.post("/<path:any>")
def insert(any):
    if not hasattr(mine, "connection"):
        mine.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    mine.connection.execute("INSERT INTO bare (body) VALUES (%s)", [request.get_data()])
    return "ok"
"""


@contextmanager
def serving(command: list[str], environ: dict[str, str], folder: str) -> Iterator[str]:
    port = free_port()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**environ, "PATH": path, "PYTHONPATH": folder, "HOST": "127.0.0.1", "PORT": str(port)}
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                requests.get(url + "/health", timeout=2)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def rate(url: str, body: bytes, headers: dict[str, str]) -> float:
    """Requests a second of some clients that keep their connections."""
    until = time.perf_counter() + SECONDS

    def post() -> int:
        count = 0
        with requests.Session() as session:
            while time.perf_counter() < until:
                assert session.post(url, data=body, headers=headers, timeout=10).status_code == 200
                count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(post) for _ in range(CLIENTS)]
        return sum(count.result() for count in counts) / SECONDS


def main() -> None:
    with place() as (_, account, environ), tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(BARE)
        with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, body bytea, at timestamptz DEFAULT now())")
        request = paid(account, "26-1")
        headers, path = dict(request.headers), urlsplit(account.callback_url).path
        bare_command = ["gunicorn", "-c", "gunicorn.conf.py", "bare:app"]
        with (
            serving(["gunicorn", "app:app"], environ, ".") as ours,
            serving(bare_command, environ, folder) as bare,
        ):
            compare(
                lambda: rate(ours + path, request.body, headers),
                lambda: rate(bare + path, request.body, headers),
                ("callbacks received", "bare durable inserts"),
            )


if __name__ == "__main__":
    main()
