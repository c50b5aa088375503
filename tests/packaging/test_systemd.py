"""The units, judged by systemd's own tools; no systemd needs to run."""

import configparser
import re
from pathlib import Path

import click
import pytest

from driftwatch.cli.exits import DRIFT, USAGE
from driftwatch.cli.main import command
from driftwatch.config.service_model import DaemonSettings
from tests.packaging.tools import PACKAGING, call, said, tool

UNITS = PACKAGING / "systemd"
SERVICES = ("driftwatch.service", "driftwatch-check.service")
PROGRAM = "/opt/driftwatch/bin/driftwatch"
MOST_EXPOSED = 25  # tenths; how much of the machine a service may reach, by systemd's own count


def settings(unit: str) -> dict[str, list[str]]:
    """Read a unit; a name may come more than once."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / unit).read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def seconds(span: str) -> float:
    units = {"s": 1, "min": 60, "h": 3600, "": 1}
    match = re.fullmatch(r"(\d+)(s|min|h|)", span)
    assert match, span
    return int(match[1]) * units[match[2]]


def test_systemd_finds_no_fault_with_any_unit(tmp_path: Path) -> None:
    units = sorted(p for p in UNITS.iterdir() if p.suffix in {".service", ".timer"})
    assert len(units) == 3
    for unit in units:
        text = unit.read_text("utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    analyze = tool("systemd-analyze", "systemd")
    copies = [str(tmp_path / unit.name) for unit in units]
    outcome = call(analyze, "verify", "--man=no", "--recursive-errors=yes", *copies)
    assert (outcome.exit_code, said(outcome)) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_reaches_little_of_the_machine(unit: str) -> None:
    analyze = tool("systemd-analyze", "systemd")
    threshold = f"--threshold={MOST_EXPOSED}"
    outcome = call(
        analyze, "security", "--offline=true", "--no-pager", threshold, str(UNITS / unit)
    )
    assert outcome.exit_code == 0, said(outcome)


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_starts_a_command_that_exists(unit: str) -> None:
    (line,) = settings(unit)["ExecStart"]
    program, option, config, name, *options = line.split()
    assert (program, option) == (PROGRAM, "-c")
    assert config == "/etc/driftwatch/driftwatch.yaml"
    found = command.get_command(click.Context(command), name)
    assert found is not None
    known = {known for parameter in found.params for known in parameter.opts}
    assert set(options) <= known


@pytest.mark.parametrize("unit", SERVICES)
def test_both_services_are_walled_in_alike(unit: str) -> None:
    """What a daemon may not do, a single pass may not do either."""
    daemon, single = settings(SERVICES[0]), settings(SERVICES[1])
    walls = set(daemon) - {
        *("Description", "Type", "NotifyAccess", "ExecStart", "ExecReload", "WantedBy"),
        *("TimeoutStartSec", "WatchdogSec", "Restart", "RestartSec", "RestartPreventExitStatus"),
        "StartLimitIntervalSec",
    }
    assert {name: single.get(name) for name in walls} == {name: daemon[name] for name in walls}


def test_the_service_is_given_longer_to_stop_than_checks_are() -> None:
    for unit in SERVICES:
        (span,) = settings(unit)["TimeoutStopSec"]
        assert seconds(span) >= 1.5 * DaemonSettings().shutdown.total_seconds()


def test_exit_codes_mean_to_systemd_what_they_mean_to_people() -> None:
    assert str(USAGE) in settings("driftwatch.service")["RestartPreventExitStatus"][0].split()
    assert "75" not in settings("driftwatch.service")["RestartPreventExitStatus"][0].split()
    assert settings("driftwatch-check.service")["SuccessExitStatus"] == [str(DRIFT)]


def test_the_daemon_is_watched_reloaded_and_never_given_up() -> None:
    given = settings("driftwatch.service")
    assert given["Type"] == ["notify"]
    assert seconds(given["WatchdogSec"][0]) >= 30
    assert given["ExecReload"] == ["/bin/kill -HUP $MAINPID"]
    assert given["Restart"] == ["on-failure"]
    assert given["StartLimitIntervalSec"] == ["0"]


def test_the_timer_fires_every_half_hour_and_makes_up_for_a_missed_pass() -> None:
    given = settings("driftwatch-check.timer")
    analyze = tool("systemd-analyze", "systemd")
    outcome = call(analyze, "calendar", "--iterations=3", *given["OnCalendar"])
    assert outcome.exit_code == 0, said(outcome)
    assert given["Persistent"] == ["yes"]


def test_the_user_is_made_by_systemds_own_tool(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    sysusers = tool("systemd-sysusers", "systemd")
    outcome = call(sysusers, f"--root={tmp_path}", str(UNITS / "driftwatch.sysusers"))
    assert outcome.exit_code == 0, said(outcome)
    name, _, number, _, _, home, shell = (tmp_path / "etc/passwd").read_text().strip().split(":")
    assert (name, home) == ("driftwatch", "/var/lib/driftwatch")
    assert number != "0"
    assert shell.endswith("nologin")
    for unit in SERVICES:
        assert settings(unit)["User"] == [name]


def test_units_have_no_section_or_line_that_systemd_would_ignore() -> None:
    for unit in UNITS.iterdir():
        if unit.suffix in {".service", ".timer"}:
            parser = configparser.RawConfigParser(strict=False, delimiters="=")
            parser.read(unit, encoding="utf-8")
            allowed = {"Unit", "Service", "Timer", "Install"}
            assert set(parser.sections()) <= allowed
