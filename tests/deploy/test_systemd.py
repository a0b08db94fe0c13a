"""The units of deploy/systemd: systemd takes them, they run what the Procfile runs, and they are shut in."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
HOME = "/opt/shopcallbacks"
# Of 100: systemd's own word for less than 20 is "OK". A service that is not shut in at all has 96.
EXPOSED_AT_MOST = 20

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine: install systemd"
)


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """All of them, as if the product were installed where this repository is."""
    return [str(_here(unit, tmp_path)) for unit in UNITS]


def _here(unit: Path, folder: Path) -> Path:
    copy = folder / unit.name
    copy.write_text(unit.read_text().replace(HOME, str(ROOT)))
    return copy


def analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60)


@with_systemd
def test_systemd_takes_each_unit_without_a_word(units: list[str]) -> None:
    done = analyse("verify", "--man=no", "--recursive-errors=no", *units)
    assert (done.returncode, done.stderr) == (0, "")


@with_systemd
def test_systemd_would_say_what_is_wrong(tmp_path: Path) -> None:
    unit = _here(SERVICES[0], tmp_path)
    unit.write_text(unit.read_text().replace("[Service]", "[Service]\nProtectEverything=yes"))
    assert "ProtectEverything" in analyse("verify", "--man=no", "--recursive-errors=no", str(unit)).stderr


@with_systemd
@pytest.mark.parametrize("service", [unit.name for unit in SERVICES])
def test_a_service_is_shut_in(service: str, units: list[str]) -> None:
    path = next(unit for unit in units if unit.endswith(f"/{service}"))
    done = analyse("security", "--offline=yes", f"--threshold={EXPOSED_AT_MOST}", "--no-pager", path)
    assert done.returncode == 0, done.stdout


def settings(unit: Path, section: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(unit.read_text())
    return parser


def command_of(unit: Path) -> str:
    return settings(unit, "Service")["Service"]["ExecStart"]


def test_they_run_what_the_procfile_runs() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    for name, line in lines.items():
        unit = ROOT / "deploy" / "systemd" / f"shopcallbacks-{name}.service"
        service = settings(unit, "Service")["Service"]
        steps = service.get("Nice", "0")
        command = command_of(unit).removeprefix(f"{HOME}/.venv/bin/")
        assert line == (f"nice -n {steps} {command}" if steps != "0" else command)


def test_the_page_for_debian_names_each_unit() -> None:
    page = (ROOT / "docs" / "debian.md").read_text()
    named = set(re.findall(r"shopcallbacks[\w-]*\.(?:service|socket|target|timer)", page))
    assert {unit.name for unit in UNITS} <= named
