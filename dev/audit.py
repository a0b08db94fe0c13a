"""Is any pinned library known to be vulnerable? `make audit`, or `python -m dev.audit`.

Asks the public advisories by pip-audit. Where those can't be reached it says so and fails nothing: no answer is no
fault of the code. Any other end without an answer fails.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

PINNED = "requirements.txt"
COMMAND = (
    "-m",
    "pip_audit",
    "--requirement",
    PINNED,
    "--no-deps",
    "--disable-pip",
    "--format",
    "json",
    "--timeout",
    "10",
)
UNREACHED = re.compile(
    r"^(requests\.exceptions\.(ConnectionError|ConnectTimeout|ProxyError|ReadTimeout)\b"
    r"|ERROR:.*your network may be blocking this service)",
    re.MULTILINE,
)


def main() -> int:
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True)
    try:
        return told(json.loads(done.stdout)["dependencies"])
    except ValueError:
        said = (done.stderr.splitlines() or ["it says nothing"])[-1]
    if UNREACHED.search(done.stderr):
        print(f"Skipped: the advisories about libraries can't be reached from here. {said}")
        return 0
    print(f"No library was looked at: pip-audit failed. {said}")
    return 1


def told(libraries: list[dict[str, Any]]) -> int:
    """Says what is known of them, and which were left out; 1 where something is known, or all were left out."""
    looked_at = [one for one in libraries if "skip_reason" not in one]
    bad = [(one, known) for one in looked_at for known in one["vulns"]]
    for one in libraries:
        if "skip_reason" in one:
            print(f"{one['name']} is left out: {one['skip_reason']}")
    for one, known in bad:
        print(
            f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'nothing'}"
        )
    left_out = len(libraries) - len(looked_at)
    print(f"{len(looked_at)} libraries looked at, {left_out} left out, {len(bad)} known faults.")
    return 1 if bad or not looked_at else 0


if __name__ == "__main__":
    sys.exit(main())
