"""Callbacks of one account while another is flooded with forged ones at full speed (wrk), beside no flood.

Arguments: seconds of each flood (15); rounds (2).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from shopcallbacks.extensions import db
from shopcallbacks.shops.accounts import GatewayAccount, Shop

from .beside import compare, site, steady
from .load import MOST_A_SECOND, SCRIPT, write_requests
from .place import place
from .web import Web

SECONDS, ROUNDS, CONNECTIONS = 15, 2, 16


def flooded(web: Web, requests: Path, seconds: int, found: list[float]) -> None:
    """How many a second goes into `found`."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT), web.url, "--", str(requests)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    of = json.loads(said.split("JSON ", 1)[1])
    found.append(of["requests"] / of["seconds"])


def main(seconds: int = SECONDS, rounds: int = ROUNDS) -> None:
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    rates: list[float] = []
    with place() as (_, account, environ):
        other = GatewayAccount.add(Shop.add("other", "Other"), "stripe", "stripe", {"signing_secrets": ["whsec_o"]})
        db.session.commit()
        path, database = account.callback_path, environ["DATABASE_URL"]
        with site(environ) as web, tempfile.TemporaryDirectory() as folder:
            steady(web, other, database, 2)  # the worker is there
            for number in range(rounds):
                forged = Path(folder, f"forged-{number}")  # signed before, for that takes a core
                write_requests(forged, seconds * MOST_A_SECOND // 4, path, secret="whsec_forged")
                alone.append(steady(web, other, database, seconds - 2).opened)
                flood = threading.Thread(target=flooded, args=(web, forged, seconds, rates))
                flood.start()
                beside.append(steady(web, other, database, seconds - 2).opened)
                flood.join()
    flood_of = f"beside {sum(rates) / len(rates):,.0f} forged a second"
    compare("arrival to open order", alone, beside, ("no flood", flood_of))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
