"""The benchmarks still run; what they measure is for people to read."""

import sys
from pathlib import Path

import pytest

from driftwatch.adapters.process import run
from driftwatch.config.load import process_environment

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["plan_document.py", "--resources", "200"], "2 drifted"),
        (["html_report.py", "--environments", "5"], "html"),
        (["check.py", "--rounds", "1", "--fleet", "0"], "driftwatch check"),
        (["kill.py", "--kills", "50"], "nothing was lost"),
        (["fleet.py", "overhead", "--environments", "50", "--checks", "100"], "overhead:"),
    ],
)
def test_a_benchmark_runs(arguments: list[str], said: str) -> None:
    outcome = run(
        [sys.executable, *arguments],
        cwd=ROOT / "benchmarks",
        env={**process_environment(), "PYTHONPATH": str(ROOT)},
        timeout=300,
    )
    assert outcome.exit_code == 0, outcome.stderr.decode()
    assert said in outcome.stdout.decode()
