"""Fifty open dashboards: drawn anew at every look, asked whether anything is new, or told by a stream. Side by side."""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import psutil
import psycopg
import requests

from shopcallbacks.callbacks.callback import Callback
from shopcallbacks.dashboard.pulse import Pulse
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.jobs import drain
from shopcallbacks.receiving.door import door
from shopcallbacks.shops.users import Role, User

from .ingest import serving
from .place import paid, place

DASHBOARDS, SECONDS, LOOK_S, COUNT_S, CHANGE_S = 50, 45, 5.0, 15.0, 20.0
WAITING = 40
# The real app, its statements counted over all workers; and a stream, which the real app does not have.
SERVED = """
import multiprocessing
import time
from flask import Response, stream_with_context
from sqlalchemy import event
from app import app
from shopcallbacks import glance
from shopcallbacks.extensions import db, utcnow
from shopcallbacks.views.access import current_shop
from shopcallbacks.views.dashboard import widget

statements = multiprocessing.Value("q")

def count(*_):
    with statements.get_lock():
        statements.value += 1

with app.app_context():
    event.listen(db.engine, "before_cursor_execute", count)
    db.engine.dispose()

@app.get("/statements")
def said():
    return str(statements.value)

@app.get("/stream")
def stream():
    shop_id = current_shop().id

    @stream_with_context
    def told():
        seen = None
        while True:
            found = glance.look(shop_id, utcnow())
            db.session.remove()
            if found.version != seen:
                seen = found.version
                yield f"data: {found.count}\\n\\n"
            else:
                yield ": nothing\\n\\n"
            time.sleep(5)

    return Response(told(), content_type="text/event-stream")
"""


@dataclass
class Run:
    """What one way cost, over all dashboards."""

    requests: int = 0
    octets: int = 0
    cpu: float = 0.0
    statements: int = 0
    elapsed: float = 0.0
    other: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, octets: int) -> None:
        with self.lock:
            self.requests += 1
            self.octets += octets


@dataclass
class Truth:
    """How many wait, and since when it is so."""

    count: int
    at: float


Follow = Callable[[requests.Session, str, Run, Callable[[int], None], float], None]
NUMBER, AGAIN = re.compile(r'queue-number">(\d+)<'), re.compile(r'hx-get="(/queue\?seen=[^"]+)"')
COUNT_AGAIN = re.compile(r'hx-get="(/queue/count[^"]*)"')


def looks(conditional: bool) -> Follow:
    def follow(session: requests.Session, url: str, run: Run, saw: Callable[[int], None], until: float) -> None:
        look, count, next_count = "/queue", "/queue/count", time.monotonic() + COUNT_S
        while (started := time.monotonic()) < until:
            answer = session.get(url + look, headers={"HX-Request": "true"}, timeout=30)
            run.add(len(answer.content))
            if number := NUMBER.search(answer.text):
                saw(int(number[1]))
                if conditional:
                    look = AGAIN.search(answer.text)[1].replace("&amp;", "&")  # type: ignore[index]
            if time.monotonic() >= next_count:
                next_count += COUNT_S
                answer = session.get(url + count, headers={"HX-Request": "true"}, timeout=30)
                run.add(len(answer.content))
                if conditional and (again := COUNT_AGAIN.search(answer.text)):
                    count = again[1]
            time.sleep(max(LOOK_S - (time.monotonic() - started), 0))

    return follow


def stream(session: requests.Session, url: str, run: Run, saw: Callable[[int], None], until: float) -> None:
    """What changed is fetched once it is told."""
    with session.get(url + "/stream", stream=True, timeout=30) as answer:
        for line in answer.iter_lines(chunk_size=1):
            if time.monotonic() >= until:
                return
            if line.startswith(b"data"):
                widget = requests.get(
                    url + "/queue", headers={"HX-Request": "true"}, cookies=session.cookies.get_dict(), timeout=30
                )
                run.add(len(widget.content))
                if number := NUMBER.search(widget.text):
                    saw(int(number[1]))


def cpu_of(pids: Iterator[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in pids)


def family() -> list[psutil.Process]:
    """The web server's processes: the children of ours that serve there, and theirs."""
    return [child for child in psutil.Process().children(recursive=True) if "gunicorn" in " ".join(child.cmdline())]


def measure(
    follow: Follow, threads: int, environ: dict[str, str], folder: str, cookie: str, change: Callable[[], int]
) -> Run:
    command = ["gunicorn", "-c", "gunicorn.conf.py", "--threads", str(threads), "served:app"]
    run = Run()
    with serving(command, environ, f"{folder}:{Path.cwd()}") as url:
        session = requests.Session()
        session.headers["Cookie"] = cookie
        processes, truth = family(), Truth(change(), time.monotonic())
        until = time.monotonic() + SECONDS
        before = int(session.get(url + "/statements", timeout=10).text), cpu_of(iter(processes)), time.monotonic()

        def dashboard(place: int) -> None:
            last = -1
            time.sleep(LOOK_S * place / DASHBOARDS)

            def saw(count: int) -> None:
                nonlocal last
                if count == truth.count != last:
                    if last >= 0:
                        with run.lock:
                            run.delays.append(time.monotonic() - truth.at)
                    last = count

            with requests.Session() as mine:
                mine.headers["Cookie"] = cookie
                try:
                    follow(mine, url, run, saw, until)
                except requests.RequestException:
                    run.failed += 1

        def other() -> None:
            while time.monotonic() < until:
                started = time.perf_counter()
                session.get(url + "/orders", timeout=60)
                run.other.append(time.perf_counter() - started)
                time.sleep(1)

        workers = [threading.Thread(target=dashboard, args=(n,), daemon=True) for n in range(DASHBOARDS)]
        workers.append(threading.Thread(target=other, daemon=True))
        for worker in workers:
            worker.start()
        while time.monotonic() + CHANGE_S < until:
            time.sleep(CHANGE_S)
            truth.count, truth.at = change(), time.monotonic()
        time.sleep(max(until - time.monotonic(), 0))
        run.elapsed = time.monotonic() - before[2]
        run.cpu = cpu_of(iter(processes)) - before[1]
        run.statements = int(session.get(url + "/statements", timeout=60).text) - before[0]
        for worker in workers:
            worker.join(timeout=8)
    return run


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else float("nan")


def main() -> None:
    with place() as (_, account, environ), tempfile.TemporaryDirectory() as folder:
        Path(folder, "served.py").write_text(SERVED)
        user = User.add("dana@bench.example", "Dana", Role.manager, "correct horse", [account.shop])
        db.session.commit()
        numbers = iter(range(10_000))

        def fail_one() -> int:
            """One more that waits since hours ago: no order of that number, and no further try."""
            Pulse.beat("callbacks")
            request = replace(paid(account, f"26-{next(numbers)}"), arrived_at=utcnow() - timedelta(hours=3))
            id_ = door().keeper.keep(request, account.id, account.shop_id, False)
            db.session.commit()
            drain(False)
            db.session.rollback()
            callback = db.session.get_one(Callback, id_)
            callback.due_at = callback.due_kind = None
            db.session.commit()
            return db.session.query(Callback).filter_by(state="unprocessed").count()

        def beat(stop: threading.Event) -> None:
            """There is no worker here; the pulse is kept for it."""
            with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
                while not stop.wait(3):
                    connection.execute("UPDATE pulses SET seen_at = now()")

        for _ in range(WAITING):
            fail_one()
        stop = threading.Event()
        threading.Thread(target=beat, args=(stop,), daemon=True).start()
        cookie = log_in(environ, folder, user.email)
        ways: dict[str, tuple[Follow, int]] = {
            "drawn anew every 5 s": (looks(conditional=False), 8),
            "asked what is new": (looks(conditional=True), 8),
            "streams, 8 threads": (stream, 8),
            "streams, 40 threads": (stream, 40),
        }
        found = {}
        for name, (follow, threads) in ways.items():
            found[name] = run = measure(follow, threads, environ, folder, cookie, fail_one)
            print(told(name, run), flush=True)
        stop.set()
        base = found["drawn anew every 5 s"]
        for name, run in found.items():
            print(f"{name:22} CPU x {run.cpu / base.cpu:.2f}  statements x {run.statements / base.statements:.2f}")


def told(name: str, run: Run) -> str:
    seen = f"{statistics.median(run.delays):.1f} s (p95 {p95(run.delays):.1f})" if run.delays else "never"
    return (
        f"{name:22} {run.requests / run.elapsed:5.1f} requests/s {run.octets / run.elapsed / 1024:6.1f} KiB/s"
        f"  CPU {run.cpu:5.2f} s of {run.elapsed:.0f}  {run.statements / run.elapsed:5.1f} statements/s"
        f"  another page p95 {1000 * p95(run.other):.0f} ms  seen after {seen}"
        f"  {run.failed} dashboards without an answer"
    )


def log_in(environ: dict[str, str], folder: str, email: str) -> str:
    with serving(["gunicorn", "-c", "gunicorn.conf.py", "app:app"], environ, folder) as url, requests.Session() as new:
        page = new.get(url + "/login", timeout=10).text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        data = {"email": email, "password": "correct horse", "csrf_token": token[1] if token else ""}
        assert new.post(url + "/login", data=data, timeout=10).url.endswith("/"), "no log-in"
        return "; ".join(f"{c.name}={c.value}" for c in new.cookies)


if __name__ == "__main__":
    sys.exit(main())
