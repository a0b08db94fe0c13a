"""All that is measured side by side, as one table: `make bench`, or `python -m bench ingest export` for parts of it."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import time

from .table import HEAD, as_row

# In the order of the table; each has `measure()`, which yields rows.
PARTS = ("ingest", "processing", "arrival", "asking", "export", "screens", "bulk", "dashboards", "memory", "start")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=", ".join(PARTS))
    parts = parser.parse_args().parts or PARTS
    print(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(as_row(HEAD))
    print(as_row(["---"] * len(HEAD)), flush=True)
    for part in parts:
        began = time.monotonic()
        for row in importlib.import_module(f".{part}", __package__).measure():
            print(as_row(row.cells()), flush=True)
        print(f"{part}: {time.monotonic() - began:,.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
