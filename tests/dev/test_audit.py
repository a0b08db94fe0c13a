"""The audit fails where something is known, and where it could not look for a reason of ours."""

from __future__ import annotations

import pytest

from dev import audit

FAULT = {"id": "PYSEC-1", "fix_versions": ["2"]}
FINE = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "1", "vulns": [FAULT]}
LEFT_OUT = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("libraries", "code", "counts"),
    [
        ([FINE], 0, "1 libraries looked at, 0 left out, 0 known faults."),
        ([FINE, BAD], 1, "2 libraries looked at, 0 left out, 1 known faults."),
        ([FINE, LEFT_OUT], 0, "1 libraries looked at, 1 left out, 0 known faults."),
        ([LEFT_OUT], 1, "0 libraries looked at, 1 left out, 0 known faults."),
    ],
)
def test_what_is_known_or_left_out_is_said(
    libraries: list[dict[str, object]], code: int, counts: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.told(libraries) == code
    said = capsys.readouterr().out
    assert said.endswith(f"{counts}\n")
    assert ("b 1: PYSEC-1, mended in 2" in said) == (BAD in libraries)
    assert ("c is left out: not found" in said) == (LEFT_OUT in libraries)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("requests.exceptions.ProxyError: no way out", 0),
        ("requests.exceptions.ConnectionError: refused", 0),
        ("ERROR:pip_audit._cli:Tip: your network may be blocking this service. Try another", 0),
        ("/usr/bin/python: No module named pip_audit", 1),
        ("ERROR:pip_audit._cli:invalid requirements input: requirements.txt", 1),
        ("packaging.version.InvalidVersion: Invalid version: '='", 1),
        ("", 1),
    ],
)
def test_only_advisories_that_can_not_be_reached_fail_nothing(
    error: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "COMMAND", ("-c", f"import sys; sys.exit({error!r})"))
    assert audit.main() == code
    said = capsys.readouterr().out
    assert said.startswith("Skipped: " if code == 0 else "No library was looked at: ")
    assert error in said
