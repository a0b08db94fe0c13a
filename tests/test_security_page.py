"""docs/security.md names a test for each promise: they are there. And what bandit finds is answered."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev import audit

ROOT = Path(__file__).parent.parent


def test_each_promise_names_tests_that_there_are() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_bandit_finds_nothing_that_has_no_answer() -> None:
    command = (
        "-m bandit --quiet --configfile pyproject.toml --severity-level medium --recursive shopcallbacks migrations"
    )
    done = subprocess.run([sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_library_that_is_known_to_be_vulnerable_fails_the_audit(capsys: pytest.CaptureFixture[str]) -> None:
    fault = {"id": "PYSEC-1", "fix_versions": ["2"]}
    assert audit.told([{"name": "a", "version": "1", "vulns": []}]) == 0
    assert audit.told([{"name": "a", "version": "1", "vulns": [fault]}]) == 1
    assert "a 1: PYSEC-1, mended in 2" in capsys.readouterr().out


def test_advisories_that_can_not_be_reached_are_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for said in ("", '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}'):
        monkeypatch.setattr(audit, "COMMAND", ("-c", f"print('''{said}''')"))
        assert audit.main() == 0
    assert capsys.readouterr().out.count("Skipped: ") == 2
