"""The web server's own process: what it makes of broken requests, its death, lost sessions and a full disk."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from dev.services import Redis, create_database, libpq, postgres
from shopcallbacks import create_app
from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.extensions import db
from tests.factories import make_account
from tests.processes import Site, site, until


@pytest.fixture(scope="module")
def web(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(environ, tmp_path_factory.mktemp("web"), worker=False) as running:
        yield running


def say(url: str, request: bytes) -> bytes:
    """The first line of what the server says to these bytes, after which nothing more comes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


def stored() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count(Callback.id))) or 0


BROKEN = {
    "no chunk": b"Transfer-Encoding: chunked\r\n\r\nzz\r\nbody\r\n0\r\n\r\n",
    "a chunk cut off": b"Transfer-Encoding: chunked\r\n\r\nff\r\nbody",
    "no last chunk": b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
    "a body cut off": b"Content-Length: 100\r\n\r\nbody",
    "a bad trailer": b"Transfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n",
}


@pytest.mark.parametrize("rest", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("path", ["callback", "/login"])
def test_a_body_that_is_none_is_400_and_no_traceback(app: Flask, web: Site, path: str, rest: bytes) -> None:
    path = make_account().callback_path if path == "callback" else path
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    assert say(web.url, f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode() + form + rest).startswith(b"HTTP/1.1 400 ")
    assert stored() == 0
    assert "Traceback" not in web.log("web")


def test_a_callback_that_says_all_of_it_in_its_query_or_a_header_may_be_long(app: Flask, web: Site) -> None:
    path = make_account().callback_path
    line, header = f"POST {path}?data={'x' * 8000} HTTP/1.1\r\nHost: x\r\n", f"X-Signature: {'x' * 16000}\r\n"
    assert say(web.url, f"{line}{header}\r\n".encode()).startswith(b"HTTP/1.1 200 ")
    assert stored() == 1


@pytest.mark.parametrize("token", ["%00", "%ff", "token%00", "%0d%0aX: y", "\xff"])
def test_an_impossible_text_in_an_address_is_404_and_no_traceback(app: Flask, web: Site, token: str) -> None:
    account = make_account()
    for path in (f"/callbacks/{account.shop.slug}/{account.slug}/{token}", f"/callbacks/{token}/b/c"):
        assert requests.post(web.url + path, timeout=10).status_code == 404
    assert "Traceback" not in web.log("web")


def test_the_web_servers_own_log_quotes_no_token_and_no_card_number(app: Flask, web: Site) -> None:
    account = make_account()
    line = f"POST {account.callback_path}?card=4111111111111111\r\n\r\n"
    assert say(web.url, line.encode()).startswith(b"HTTP/1.1 400 ")
    until(lambda: "Invalid HTTP request line" in web.log("web"))
    said = web.log("web")
    assert f"/callbacks/{account.shop.slug}/{account.slug}/****?card=************1111" in said
    assert account.token not in said


def test_no_callback_answers_500_when_its_sessions_are_ended(app: Flask, web: Site) -> None:
    """All sessions of the web server's, over and over: what was acknowledged is there, all else is 503."""
    path, codes = make_account().callback_path, []
    for n in range(40):
        codes.append(requests.post(web.url + path, data=b"%d" % n, timeout=10).status_code)
        db.session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database() AND usename = current_user"
            )
        )
        db.session.rollback()
    assert set(codes) <= {200, 503}
    assert codes.count(200) > 30
    assert stored() >= codes.count(200)


def test_a_killed_servers_orphans_leave_its_port_to_the_next_one(
    app: Flask, environ: dict[str, str], tmp_path: Path
) -> None:
    with site(environ, tmp_path, worker=False) as running:
        orphans = psutil.Process(running.pid("web")).children(recursive=True)
        assert orphans
        os.kill(running.pid("web"), signal.SIGKILL)
        running.reap("web")
        running.start("web")
        until(lambda: not any([one.is_running() and one.status() != "zombie" for one in orphans]))
        running.wait()
        assert requests.post(running.url + make_account().callback_path, timeout=10).status_code == 200
        assert psutil.Process(running.pid("web")).children()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 160 MiB; skips where this user can't mount one."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("a small file system can't be mounted by this user: run it as root to see a full disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_while_the_disk_is_full_health_says_so_and_callbacks_are_503(
    environ: dict[str, str], redis_server: Redis, tmp_path: Path
) -> None:
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk") as disk, postgres(disk / "postgres", durable=False) as server:
        settings = {**environ, "DATABASE_URL": libpq(create_database(server.url, "full"))}
        with create_app(settings).app_context():
            upgrade()
            path = make_account().callback_path
            db.session.remove()
            db.engine.dispose()
        with site(settings, tmp_path, worker=False) as running:

            def status() -> tuple[int, int]:
                called = requests.post(running.url + path, data=b"x" * 50_000, timeout=20)
                return called.status_code, requests.get(running.url + "/health", timeout=20).status_code

            assert status() == (200, 200)
            with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                while filler.write(b"\0" * 4096):
                    pass
            until(lambda: status() == (503, 503))
            assert requests.get(running.url + "/health", timeout=20).json()["database"] == "takes nothing"
            (disk / "filler").unlink()
            until(lambda: status() == (200, 200))
