"""The file for /etc/cron.d."""

import re
import shlex
from datetime import UTC, datetime, timedelta
from itertools import islice

import click
from cronsim import CronSim

from driftwatch.cli.main import command
from tests.packaging.tools import PACKAGING, call, said, tool

TEXT = (PACKAGING / "cron/driftwatch").read_text("utf-8")
LINES = [line for line in TEXT.splitlines() if line and not line.startswith("#")]
JOBS = [line for line in LINES if not re.match(r"[A-Z_]+=", line)]


def test_the_schedule_is_one_that_cron_reads_as_every_half_hour() -> None:
    (job,) = JOBS
    fields = " ".join(job.split()[:5])
    start = datetime(2026, 11, 24, tzinfo=UTC)
    first, second = islice(CronSim(fields, start), 2)
    assert second - first == timedelta(minutes=30)


def test_the_job_names_a_user_and_a_command_that_the_shell_can_read() -> None:
    (job,) = JOBS
    user, shell = job.split(maxsplit=6)[5:7]
    assert user == "driftwatch"
    assert "%" not in shell
    outcome = call(tool("sh", "dash"), "-n", "-c", shell)
    assert outcome.exit_code == 0, said(outcome)


def test_the_command_and_its_options_exist() -> None:
    (job,) = JOBS
    words = shlex.split(job.split("exec ")[1].removesuffix(">/dev/null"))
    assert words[0] == "/opt/driftwatch/bin/driftwatch"
    found = command.get_command(click.Context(command), words[1])
    assert found is not None
    assert set(words[2:]) <= {known for parameter in found.params for known in parameter.opts}


def test_variables_are_plain_and_the_file_ends_with_a_newline() -> None:
    variables = dict(line.split("=", 1) for line in LINES if line not in JOBS)
    assert {"SHELL", "PATH", "MAILTO", "DRIFTWATCH_CONFIG"} == set(variables)
    assert not any("$" in value for value in variables.values())  # cron expands nothing
    assert TEXT.endswith("\n")
