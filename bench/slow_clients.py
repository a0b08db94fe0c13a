"""Answers to callbacks while 40 slow clients of each kind are there, beside none. Argument: rounds of each kind (1)."""

from __future__ import annotations

import sys

from dev.crowd import KINDS, crowd_of

from .beside import compare, site, steady
from .place import place

CROWD, ROUNDS, SECONDS = 40, 1, 30  # so long that the 99th of 100 is not simply the slowest


def main(rounds: int = ROUNDS) -> None:
    with place() as (_, account, environ), site(environ) as web:
        path, database = account.callback_path, environ["DATABASE_URL"]
        steady(web, account, database, 2)  # all is there
        for kind in KINDS:
            alone, beside = [], []
            for _ in range(rounds):
                alone.append(steady(web, account, database, SECONDS).answered)
                with crowd_of(kind, web.url, path, CROWD):
                    beside.append(steady(web, account, database, SECONDS).answered)
            compare(kind, alone, beside, ("no slow clients", f"beside {CROWD} slow clients"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
