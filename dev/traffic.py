"""The demo's traffic: customers order, simulated gateways call. `python -m dev.traffic --help`."""

from __future__ import annotations

import argparse
import contextlib
import heapq
import http.client
import json
import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from urllib.parse import quote, urlsplit

from .sending import send
from .simulator import SimulatedGateways
from .stories import (
    Account,
    Call,
    CancelOrder,
    CannotSay,
    Mix,
    PlaceOrder,
    Step,
    Story,
    read_accounts,
    read_mix,
    stories,
)

TIMEOUT_S = 20
AGAIN_AFTER_S = 5.0
TRIES = 5

log = logging.getLogger("traffic")


def play(url: str, gateways: SimulatedGateways, step: Step) -> int:
    """Carries out one step against the app at that address; the status it answers."""
    if isinstance(step, PlaceOrder):
        return _ask_shop_api(url, step.account, "/api/orders", json.dumps(step.order).encode())
    if isinstance(step, CancelOrder):
        return _ask_shop_api(url, step.account, f"/api/orders/{quote(step.number)}/cancel", b"")
    gateways.learn(step.questions)
    return call(url, step)


def _ask_shop_api(url: str, account: Account, path: str, body: bytes) -> int:
    headers = (("Authorization", f"Bearer {account.api_token}"), ("Content-Type", "application/json"))
    return send(url, "POST", path, headers, body, TIMEOUT_S)[0]


def call(url: str, step: Call) -> int:
    """The gateway's request."""
    query = f"?{step.query.decode('latin-1')}" if step.query else ""
    path = urlsplit(step.account.url).path
    return send(url, step.method, path + query, step.headers, step.body, TIMEOUT_S)[0]


def run(url: str, accounts: Sequence[Account], gateways: SimulatedGateways, rate: float, mix: Mix, rng: Random) -> None:
    """Begins `rate` stories a second, for ever, and plays their steps when they are due."""
    told = stories(accounts, mix, rng, lambda: datetime.now(UTC))
    due: list[tuple[float, int, int, str, Step]] = []  # when, which, tries, title, what
    which = count()
    begins = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= begins:
            begins = max(begins + 1 / rate, now - 1)
            for when, title, step in _schedule(next(told), now):
                heapq.heappush(due, (when, next(which), TRIES, title, step))
        while due and due[0][0] <= now:
            _, _, tries, title, step = heapq.heappop(due)
            if not _done(url, gateways, title, step) and tries > 1:
                heapq.heappush(due, (now + AGAIN_AFTER_S, next(which), tries - 1, title, step))
        next_due = min(begins, due[0][0]) if due else begins
        time.sleep(max(0.0, next_due - time.monotonic()))


def _schedule(story: Story, begins: float) -> Iterator[tuple[float, str, Step]]:
    when = begins
    for step in story.steps:
        when += step.wait
        yield when, f"{story.name} {story.number}", step


def _done(url: str, gateways: SimulatedGateways, title: str, step: Step) -> bool:
    """Plays the step. Like real gateways and shops they come again where they are not taken."""
    who = step.account.slug if isinstance(step, Call) else "order" if isinstance(step, PlaceOrder) else "cancel"
    try:
        status = play(url, gateways, step)
    except (OSError, http.client.HTTPException) as error:
        log.warning("%s: %s: %s; it comes again", title, who, error)
        return False
    taken = status < 500
    log.log(logging.INFO if status < 300 else logging.WARNING, "%s: %s: %s", title, who, status)
    return taken


def _mix(text: str) -> Mix:
    try:
        return read_mix(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.traffic", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:5000", help="where the app is (%(default)s)")
    parser.add_argument("--rate", type=float, default=1.0, help="stories a second (%(default)s)")
    parser.add_argument("--mix", type=_mix, default="default", help="default, calm, rough, or paid=5,forged=1")
    parser.add_argument("--demo", type=Path, default=Path("var/demo.json"), help="what the seed wrote (%(default)s)")
    parser.add_argument("--gateways-port", type=int, default=0, help="where the app asks the gateways (a free one)")
    parser.add_argument("--seed", type=int, help="of the random numbers")
    options = parser.parse_args()
    if options.rate <= 0:
        parser.error("--rate must be more than 0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), SimulatedGateways(options.gateways_port) as gateways:
        log.info("The gateways are asked at %s", gateways.url)
        try:
            run(options.url, read_accounts(options.demo), gateways, options.rate, options.mix, Random(options.seed))
        except (OSError, CannotSay) as error:
            sys.exit(f"No traffic: {error}")


if __name__ == "__main__":
    main()
