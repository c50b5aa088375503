"""`driftwatch config validate` says what is wrong, or when everything is due next."""

import re
from pathlib import Path

import pytest

from driftwatch.cli.main import run

CONFIG = """\
repositories: {live: {url: ./live}}
defaults: {schedule: "0 6 * * *", timezone: Europe/Berlin}
environments:
  prod: {path: a}
  dev: {path: b}
  lab: {path: c, schedule: never}
  often: {path: d, schedule: every 6h, timezone: UTC}
"""


def test_a_valid_configuration_tells_when_everything_is_due_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    assert run(["-c", str(path), "config", "validate"]) == 0
    first, daily, never, often = capsys.readouterr().out.splitlines()
    assert first == f"{path}: valid (1 repositories, 4 environments)"
    start, _, times = daily.partition(": 0 6 * * * (Europe/Berlin): ")
    assert start == "  prod and 1 more"
    assert len(times.split(", ")) == 3
    assert all(re.fullmatch(r"\w{3} \d{4}-\d\d-\d\d 06:00 CES?T", t) for t in times.split(", "))
    assert never == "  lab: never: only when asked for"
    moments = re.fullmatch(r"  often: every 6h: (.*)", often)
    assert moments is not None
    assert len(moments[1].split(" UTC")) == 4


def test_an_invalid_configuration_tells_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "driftwatch.yaml"
    path.write_text(CONFIG.replace("0 6 * * *", "0 6 * *"), encoding="utf-8")
    assert run(["-c", str(path), "config", "validate"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{path}:2:22: defaults.schedule: '0 6 * *' is no schedule" in said.err
