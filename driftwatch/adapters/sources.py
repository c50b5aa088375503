"""Reads Terraform files, and who owns them, out of a checkout."""

import os
from collections.abc import Mapping
from pathlib import Path

from driftwatch.adapters.links import followed
from driftwatch.domain.codeowners import LARGEST, PLACES
from driftwatch.ports import Checkout, Sources

_LARGEST = 4 << 20  # bytes; the largest of 8,268 public files that we looked at has 0.6 MB
_ENDINGS = (".tf", ".tf.json", ".tofu", ".tofu.json")


class SourceDirectory:
    """Read the files that Terraform itself would read, and nothing outside the checkout."""

    def read(self, checkout: Checkout, directory: str) -> Sources:
        """Return the Terraform files of a directory by name."""
        root = checkout.path.resolve()
        folder = followed(root / directory, root)
        if folder is None or not folder.is_dir():
            return {}
        return {
            path.name: path.read_bytes() for path in sorted(folder.iterdir()) if _wanted(path, root)
        }

    def owners(self, checkout: Checkout) -> tuple[str, bytes] | None:
        """Return the place and content of the CODEOWNERS file that counts, if there is one.

        Of one that is too large to count, a byte too many comes back and no more.
        """
        root = checkout.path.resolve()
        for place in PLACES:
            target = followed(root / place, root)
            if target is not None and target.is_file():
                with target.open("rb") as file:
                    return place, file.read(LARGEST + 1)
        return None

    def survey(self, checkout: Checkout) -> Mapping[str, Sources]:
        """Return every directory's files by name; those that are not Terraform's come empty."""
        root = checkout.path.resolve()
        found: dict[str, Sources] = {}
        for folder, directories, names in os.walk(root):
            directories[:] = sorted(name for name in directories if name != ".git")
            directory = Path(folder).relative_to(root).as_posix()
            others = dict.fromkeys((*names, *directories), b"")
            found[directory] = {**others, **self.read(checkout, directory)}
        return found


def _wanted(path: Path, root: Path) -> bool:
    """Follow links within the checkout, as Terraform does; skip what editors leave behind."""
    if path.name.startswith(".") or not path.name.endswith(_ENDINGS):
        return False
    target = followed(path, root)
    return target is not None and target.is_file() and target.stat().st_size <= _LARGEST
