"""Answers to callbacks while 40 clients drip their requests byte by byte, beside none. Argument: rounds (3)."""

from __future__ import annotations

import sys

from dev.crowd import crowd

from .beside import compare, site, steady
from .place import place

CROWD, ROUNDS, SECONDS = 40, 3, 8


def main(rounds: int = ROUNDS) -> None:
    alone, beside = [], []
    with place() as (_, account, environ), site(environ) as web:
        begin = f"POST {account.callback_path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
        database = environ["DATABASE_URL"]
        steady(web, account, database, 2)  # all is there
        for _ in range(rounds):
            alone.append(steady(web, account, database, SECONDS).answered)
            with crowd(web.url, begin, CROWD):
                beside.append(steady(web, account, database, SECONDS).answered)
    compare("answered", alone, beside, ("no slow clients", f"beside {CROWD} slow clients"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
