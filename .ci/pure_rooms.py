"""Fails unless every line and branch of the pure rooms was run by the tests."""

import json
import sys
from pathlib import Path

ROOMS = ("domain/", "hcl/", "render/", "config/", "pipeline.py")

files = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["files"]
pure = {
    name: report["summary"]
    for name, report in files.items()
    if name.removeprefix("driftwatch/").startswith(ROOMS)
}
gaps = {
    name: summary["missing_lines"] + summary["missing_branches"]
    for name, summary in pure.items()
    if summary["missing_lines"] or summary["missing_branches"]
}
for name, missing in sorted(gaps.items()):
    print(f"{name}: {missing} lines or branches that no test runs")
print(f"{len(pure)} pure files, {len(gaps)} with gaps")
sys.exit(1 if gaps or not pure else 0)
