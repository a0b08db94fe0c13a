"""Is any pinned library known to be vulnerable? `make audit`, or `python -m dev.audit`.

Asks the public advisories by pip-audit. Where those can't be reached it says so and fails nothing: no answer is no
fault of the code.
"""

from __future__ import annotations

import json
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


def main() -> int:
    done = subprocess.run([sys.executable, *COMMAND], capture_output=True, text=True)
    try:
        looked_at = [one for one in json.loads(done.stdout)["dependencies"] if "skip_reason" not in one]
    except ValueError:
        looked_at = []
    if not looked_at:
        print("Skipped: the advisories about libraries can't be reached from here.")
        return 0
    return told(looked_at)


def told(libraries: list[dict[str, Any]]) -> int:
    """Says what is known of them; 1 where something is."""
    bad = [(one, known) for one in libraries for known in one["vulns"]]
    for one, known in bad:
        print(
            f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'nothing'}"
        )
    print(f"{len(libraries)} libraries looked at, {len(bad)} known faults.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
