"""`python -m dev.chaos`: the run, its figures, and whether it holds. Exit code 1 where it does not."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from random import Random

import psycopg

from ..processes import interrupt_when_told
from .clients import Clients, Follower
from .faults import Faults
from .gateways import Endpoint, PayPal
from .judge import Judge
from .record import Record
from .stage import Stage
from .stories import stories

TIDYING = 3  # times as long


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.chaos", description=__doc__)
    parser.add_argument("--callbacks", type=int, default=20_000, help="how many are told at most (%(default)s)")
    parser.add_argument("--clients", type=int, default=96, help="who tell at the same time (%(default)s)")
    parser.add_argument("--seconds", type=float, default=470.0, help="for how long things die (%(default)s)")
    parser.add_argument("--faults", type=int, default=1_000, help="how many faults at most (%(default)s)")
    parser.add_argument("--often", type=int, nargs="+", default=[1, 2, 3, 4], help="how often each is told")
    parser.add_argument("--pause", type=float, default=10.0, help="seconds from one healed to the next, in the mean")
    parser.add_argument("--seed", type=int, default=26)
    parser.add_argument("--patience", type=float, default=30.0, help="seconds for what must be soon (%(default)s)")
    parser.add_argument("--kind", action="append", default=[], help="only faults of this kind (repeatable)")
    parser.add_argument("--plant", default="", help="faults in the product itself, see planted.py: one,another")
    parser.add_argument(
        "--keep",
        type=Path,
        help="an empty folder for the logs (one that is thrown away); the database stays there only where no disk "
        "can be mounted for it",
    )
    options = parser.parse_args()
    if options.keep and options.keep.exists() and any(options.keep.iterdir()):
        parser.error(f"{options.keep} is not empty")
    interrupt_when_told()
    try:
        with tempfile.TemporaryDirectory() as thrown_away:
            Path(thrown_away).chmod(0o755)
            return run(options, options.keep or Path(thrown_away))
    except KeyboardInterrupt:
        print("Stopped before its end: nothing is judged.")
        return 1


def run(options: argparse.Namespace, folder: Path) -> int:
    rng, record, tidy_s = Random(options.seed), Record(), TIDYING * options.patience
    with (
        PayPal(25, Random(1)) as paypal,
        Endpoint(10, Random(2)) as endpoint,
        Stage(folder, paypal.url, endpoint.url, options.plant).running() as stage,
    ):
        clients = Clients(
            stage, record, stories(stage.accounts, rng, options.often), options.callbacks, options.clients
        )
        follower = Follower(stage)
        begun = time.monotonic()
        follower.start()
        clients.start()
        if not stage.disk.can_be_full:
            print("no disk was full: a file system can't be mounted by this user, root could", flush=True)
        faults = Faults(stage, record, Random(options.seed), options.kind)
        _until(lambda: record.acked, options.patience)  # before anything was answered there is nothing to lose
        while clients.at_work and time.monotonic() - begun < options.seconds:
            if sum(record.kills.values()) < options.faults:
                faults.strike()
            time.sleep(options.pause * rng.uniform(0.5, 1.5))
        clients.begin_no_more()
        paypal.trouble = endpoint.trouble = 0
        clients.finish(tidy_s)
        took = time.monotonic() - begun
        judge = Judge(stage, record)
        _until(lambda: _quiet(stage), options.patience)
        judge.stuck()
        if not judge.faults["stuck"]:
            _until(lambda: _tidied(stage), tidy_s)
        _until(lambda: _all_told(stage), tidy_s)
        time.sleep(1.0)  # the follower looks twice a second
        follower.stop()
        judge.look(follower, endpoint)
    _print(record, judge, took, endpoint)
    return 0 if judge.holds else 1


def _until(done: object, seconds: float) -> bool:
    assert callable(done)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if done():
                return True
        except psycopg.Error:
            pass
        time.sleep(0.3)
    return False


_DUE = "SELECT count(*) FROM callbacks WHERE state = 'received' OR due_at <= now()"
_UNHEARD = "SELECT id FROM callbacks WHERE reason = 'gateway_unreachable' AND state = 'unprocessed' AND {} LIMIT 500"


def _quiet(stage: Stage) -> bool:
    return stage.ask(_DUE) == [(0,)]


def _tidied(stage: Stage) -> bool:
    """What a manager does after the outage of a gateway: retry what it did not answer."""
    waiting = stage.ask(_UNHEARD.format("(due_kind IS NULL OR due_kind = 'automatic')"))
    if waiting:
        stage.command("callbacks", "retry", *(str(id_) for (id_,) in waiting))
    return not stage.ask(_UNHEARD.format("true")) and _quiet(stage)


def _all_told(stage: Stage) -> bool:
    """Retries of deliveries come at once: what waits for its next try has waited long enough."""
    stage.ask("UPDATE endpoints SET failures = 0, rests_until = NULL WHERE failures > 0 RETURNING id")
    later = "next_try_at > now() AND leased_until IS NULL"
    stage.ask(f"UPDATE deliveries SET next_try_at = now() WHERE {later} RETURNING id")
    behind = "SELECT count(*) FROM endpoints e JOIN order_events o USING (shop_id) WHERE e.position < o.position"
    waiting = "SELECT count(*) FROM deliveries WHERE next_try_at IS NOT NULL"
    return stage.ask(behind) == stage.ask(waiting) == [(0,)]


def _print(record: Record, judge: Judge, took: float, endpoint: Endpoint) -> None:
    recoveries = sorted(record.recoveries) or [0.0]
    refused = sum(record.codes.values()) - sum(n for code, n in record.codes.items() if code.startswith("2"))
    faults = judge.faults
    print(f"told for {took:.0f} s: {sum(record.acked.values())} acknowledged, {refused} refused or not answered")
    print("answers: " + ", ".join(f"{code}: {n}" for code, n in sorted(record.codes.items())))
    print(
        f"{sum(record.kills.values())} faults: " + ", ".join(f"{n} {kind}" for kind, n in sorted(record.kills.items()))
    )
    print(f"healed after: longest {recoveries[-1]:.1f} s, median {recoveries[len(recoveries) // 2]:.1f} s")
    print(f"{len(record.finished)} stories judged; {endpoint.heard} deliveries at the shop's endpoint")
    print(f"lost {len(faults['lost'])}, stored twice {len(faults['stored twice'])}, doubled {len(faults['doubled'])}")
    for line in judge.lines():
        print(line)
    print("HOLDS" if judge.holds else "DOES NOT HOLD", flush=True)


if __name__ == "__main__":
    sys.exit(main())
