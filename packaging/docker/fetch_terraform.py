# ruff: noqa: INP001 - a script that the image runs once
"""Puts a verified release of terraform into a folder of the image: FOLDER [VERSION [MIRROR]].

Does nothing without a version; then driftwatch fetches what environments ask for at run time.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from driftwatch.adapters.releases import Releases
from driftwatch.config.load import process_environment
from driftwatch.errors import CouldNotLook


def main(folder: str, version: str = "", mirror: str = "") -> int:
    """Fetch, verify and install; return the exit code."""
    if not version:
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        releases = Releases(Path(scratch), process_environment(), mirror or None)
        try:
            program = releases.kept("terraform", version)
        except CouldNotLook as error:
            sys.stderr.write(f"{error.message}\n{error.detail}\n")
            return 1
        target = Path(folder) / "terraform"
        shutil.copyfile(program.path, target)
        target.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
