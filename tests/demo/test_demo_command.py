"""`driftwatch demo` from end to end: what a newcomer pastes first."""

import sys
from pathlib import Path

from driftwatch.adapters.process import run
from driftwatch.config.load import process_environment


def test_the_demo_finds_and_rightly_names_everything_it_planted(tmp_path: Path) -> None:
    world = tmp_path / "world"
    theirs = {"AWS_PROFILE": "production", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    outcome = run(
        [sys.executable, "-m", "driftwatch", "demo", "--directory", str(world)],
        cwd=tmp_path,
        env={**process_environment(), **theirs},
        timeout=600,
    )
    said = outcome.stdout.decode()
    assert outcome.exit_code == 0, said + outcome.stderr.decode()
    assert "20 of 20 planted cases found and rightly named." in said
    assert "was not quiet" not in said
    page = (world / "reports" / "drift.html").read_text(encoding="utf-8")
    assert "just for a minute" in page
    assert "pk_live_" not in page + said + outcome.stderr.decode()
    assert (world / "reports" / "drift.md").stat().st_size > 0
