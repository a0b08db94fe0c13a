"""An example shop in a process of its own, and the gateway that its customers are sent to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from ..processes import ROOT, until

FLASK = [sys.executable, "-m", "flask", "--app", "shop"]
DJANGO = [sys.executable, "manage.py"]


@dataclass(frozen=True)
class Example:
    """Commands in the example's folder; `{port}` is where it is to listen. `follow` None: it follows by itself."""

    folder: str
    serve: list[str]
    follow: list[str] | None = None
    prepare: list[str] | None = None

    @property
    def lacks(self) -> str:
        """What this machine must have and has not; empty where it has all."""
        return "" if shutil.which(self.serve[0]) else self.serve[0]


EXAMPLES = [
    Example("flask_shop", [*FLASK, "run", "--port", "{port}"], [*FLASK, "follow"]),
    Example(
        "django_shop",
        [*DJANGO, "runserver", "--noreload", "127.0.0.1:{port}"],
        [*DJANGO, "follow"],
        [*DJANGO, "migrate", "-v0"],
    ),
    Example("node_shop", ["node", "shop.mjs"]),
]


class Running:
    """The shop, called as its customers and its people do."""

    def __init__(self, example: Example, url: str, environ: dict[str, str]) -> None:
        self._example, self.url, self._environ = example, url, environ

    def check_out(self, article: str) -> tuple[str, str]:
        """The new order's number, and where the customer, who wants it for less, is sent to."""
        form = {"article": article, "amount": "0.01"}
        answer = requests.post(f"{self.url}/checkout", form, allow_redirects=False, timeout=30)
        assert answer.status_code in (302, 303), answer.text
        address = answer.headers["Location"]
        return address.split("order=")[1].split("&")[0], address

    def do(self, verb: str, number: str) -> int:
        return requests.post(f"{self.url}/orders/{number}/{verb}", timeout=30).status_code

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        return requests.post(f"{self.url}/order-changes", body, headers=headers, timeout=30).status_code

    def call_half(self) -> None:
        """Somebody whose connection breaks in the middle of a call."""
        host, port = urlsplit(self.url).netloc.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"POST /checkout HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\narticle=")

    def order(self, number: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/orders/{number}", timeout=30)
        told: dict[str, Any] = json.loads(answer.text)
        return told

    def follow(self) -> None:
        if self._example.follow:
            _run(self._example, self._example.follow, self._environ)


@contextmanager
def running(example: Example, port: int, settings: dict[str, str], folder: Path) -> Iterator[Running]:
    """The shop on that port, with files of its own in the folder."""
    path = os.pathsep.join([str(ROOT / "client"), str(ROOT)])
    environ = {
        **{
            "PATH": os.environ["PATH"],
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_KEY": "of the example",
        },
        **{"SHOP_DB": str(folder / "shop"), "PORT": str(port), "FOLLOW_SECONDS": "1", **settings},
    }
    if example.prepare:
        _run(example, example.prepare, environ)
    command = [word.format(port=port) for word in example.serve]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=_folder(example), env=environ, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or _answers(port))
        assert process.poll() is None, (folder / "log").read_text()
        yield Running(example, f"http://127.0.0.1:{port}", environ)
    finally:
        process.kill()
        process.wait(timeout=60)


def _folder(example: Example) -> Path:
    return ROOT / "examples" / example.folder


def _run(example: Example, command: list[str], environ: dict[str, str]) -> None:
    subprocess.run(command, cwd=_folder(example), env=environ, check=True, timeout=120)


def _answers(port: int) -> bool:
    with suppress(requests.RequestException):
        requests.get(f"http://127.0.0.1:{port}/", timeout=30)
        return True
    return False
