"""The snippets that verify our signature, each run by its own language, against what we really sign."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest

from shopcallbacks.clock import utcnow
from shopcallbacks.outgoing.signing import signed

from ..processes import ROOT

VERIFY = ROOT / "examples" / "verify"
OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiB0aGUgc2hvcA==", "whsec_bmV3IHNlY3JldCBvZiB0aGUgc2hvcA=="
OTHER = "whsec_b3RoZXIgc2VjcmV0"
BODY = '{"order": "26-1", "customer": "Zoë"}'.encode()

# Each reads [secrets, headers, body] pairs as JSON, and prints what `verify` says of each.
RUN = {
    "python": [
        sys.executable,
        "-c",
        "import json, sys; sys.path.insert(0, sys.argv[1]); from verify import verify\n"
        "print(json.dumps([verify(s, h, b.encode()) for s, h, b in json.load(sys.stdin)]))",
        str(VERIFY),
    ],
    "node": [
        "node",
        "--input-type=module",
        "-e",
        f'import {{ verify }} from "{VERIFY}/verify.mjs"; import {{ readFileSync }} from "node:fs";\n'
        "const cases = JSON.parse(readFileSync(0, 'utf8'));\n"
        "console.log(JSON.stringify(cases.map(([s, h, b]) => verify(s, h, Buffer.from(b)))));",
    ],
    "php": [
        "php",
        "-r",
        f'require "{VERIFY}/verify.php"; $cases = json_decode(stream_get_contents(STDIN), true);\n'
        "echo json_encode(array_map(fn($case) => verify(...$case), $cases));",
    ],
}


@pytest.mark.parametrize("language", RUN)
def test_what_we_sign_is_verified_and_nothing_else(language: str) -> None:
    command = RUN[language]
    if not shutil.which(command[0]):
        pytest.skip(f"there is no {command[0]} on this machine")
    now = utcnow()
    cases = {
        "ours": (_signed(NEW), BODY, True),
        "while one secret takes over from another": (_signed(OTHER, OLD), BODY, True),
        "another secret": (_signed(OTHER), BODY, False),
        "an empty secret": (_signed("whsec_"), BODY, False),
        "another body": (_signed(NEW), BODY + b" ", False),
        "old": (_signed(NEW, ago=timedelta(hours=1)), BODY, False),
        "of another time": (_signed(NEW) | {"webhook-timestamp": str(int(now.timestamp()) - 9)}, BODY, False),
        "another id": (_signed(NEW) | {"webhook-id": "evt_2"}, BODY, False),
        "no signature": (_signed(NEW) | {"webhook-signature": ""}, BODY, False),
        "no time": (_signed(NEW) | {"webhook-timestamp": "now"}, BODY, False),
        "no headers": ({}, BODY, False),
    }
    asked = json.dumps([[[OLD, "", NEW], headers, body.decode()] for headers, body, _ in cases.values()])
    ran = subprocess.run(command, input=asked.encode(), capture_output=True, timeout=60, check=True)
    said = dict(zip(cases, json.loads(ran.stdout), strict=True))
    assert said == {name: expected for name, (_, _, expected) in cases.items()}, ran.stderr


def _signed(*secrets: str, ago: timedelta = timedelta()) -> dict[str, str]:
    return signed("evt_1", utcnow() - ago, BODY, list(secrets))
