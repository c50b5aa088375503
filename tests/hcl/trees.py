"""A repository of Terraform files in memory."""

from collections.abc import Mapping
from pathlib import Path

from driftwatch.hcl.configuration import Configuration, read_configuration

Tree = Mapping[str, Mapping[str, bytes]]

DATA = Path(__file__).parent.parent / "data" / "hcl"


def load_tree() -> Tree:
    tree: dict[str, dict[str, bytes]] = {}
    for path in sorted(DATA.rglob("*.*")):
        directory = path.parent.relative_to(DATA).as_posix()
        tree.setdefault(directory, {})[path.name] = path.read_bytes()
    return tree


class FakeRepository:
    """Gives directories and remembers which were asked for."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.asked: list[str] = []

    def read(self, directory: str) -> Mapping[str, bytes]:
        self.asked.append(directory)
        return self.tree.get(directory, {})


def make_repository(**files: str | bytes) -> FakeRepository:
    """Put files into the root directory; `main_tf` names main.tf."""
    named = {
        name.replace("_tf", ".tf").replace("_json", ".json"): (
            text if isinstance(text, bytes) else text.encode()
        )
        for name, text in files.items()
    }
    return FakeRepository({".": named})


def make_configuration(code: str | bytes) -> Configuration:
    return read_configuration(".", make_repository(main_tf=code).read)
