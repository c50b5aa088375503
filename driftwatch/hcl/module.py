"""One directory of Terraform files: its blocks, and what it says of itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from driftwatch.hcl.document import parse_document
from driftwatch.hcl.facts import each, outline
from driftwatch.hcl.syntax import Block, Document

_SYNTAXES = (".tf", ".tf.json", ".tofu", ".tofu.json")


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A `module` block; `source` is None if it is absent or no plain string."""

    name: str
    source: str | None
    version: str | None = None

    @property
    def is_local(self) -> bool:
        """Say whether the source is a directory of the same repository."""
        return self.source is not None and self.source.startswith(("./", "../"))


@dataclass(frozen=True, slots=True)
class RequiredProvider:
    """An entry of `required_providers`; "" where code says nothing."""

    name: str
    source: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """What a directory declares, files in name order; `backend` is "" without one."""

    calls: tuple[ModuleCall, ...] = ()
    required_versions: tuple[str, ...] = ()
    required_providers: tuple[RequiredProvider, ...] = ()
    backend: str = ""
    providers: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def terraform_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Choose the files that Terraform or OpenTofu loads, override files last, else by name.

    OpenTofu prefers `x.tofu` to `x.tf`, Terraform knows only the latter: so do we where both exist.
    """
    loaded = {name: content for name, content in files.items() if _is_loaded(name, files)}
    return dict(sorted(loaded.items(), key=lambda named: (is_override(named[0]), named[0])))


def is_override(name: str) -> bool:
    """Say whether a file's blocks are merged into their namesakes of other files."""
    stem = name.removesuffix(".json").rpartition(".")[0]
    return stem == "override" or stem.endswith("_override")


def parse_file(name: str, content: bytes) -> Document:
    """Parse a Terraform file in the syntax that its name announces."""
    return parse_document(content, is_json=name.endswith(".json"))


def read_module(files: Mapping[str, bytes]) -> ModuleFacts:
    """Read what a directory's files say of the module as a whole."""
    documents = {name: parse_file(name, text) for name, text in terraform_files(files).items()}
    blocks = [(document, block) for document in documents.values() for block in document.blocks]
    settings = [outline(d, b) for d, b in blocks if b.block_type == "terraform"]
    versions = (body.get("required_version") for body in settings)
    return ModuleFacts(
        calls=tuple(_call(d, b) for d, b in blocks if b.block_type == "module"),
        required_versions=tuple(str(version) for version in versions if version),
        required_providers=tuple(p for body in settings for p in _required_providers(body)),
        backend=next((name for body in reversed(settings) for name in _backends(body)), ""),
        providers=_labels(blocks, "provider"),
        variables=_labels(blocks, "variable"),
        notes=tuple(f"{name} {d.problem}" for name, d in documents.items() if d.problem),
    )


def _is_loaded(name: str, files: Mapping[str, bytes]) -> bool:
    if not name.endswith(_SYNTAXES) or name.startswith((".", "#")):
        return False
    return ".tofu" not in name or name.replace(".tofu", ".tf") not in files


def _call(document: Document, block: Block) -> ModuleCall:
    source, version = document.string(block, "source"), document.string(block, "version")
    return ModuleCall("".join(block.labels), source, version)


def _labels(blocks: list[tuple[Document, Block]], block_type: str) -> tuple[str, ...]:
    found = (block.labels for _, block in blocks if block.block_type == block_type)
    return tuple(dict.fromkeys("".join(labels) for labels in found))


def _required_providers(body: Mapping[str, Any]) -> Iterator[RequiredProvider]:
    for listed in each(body.get("required_providers")):
        for name, wanted in listed.items():
            # Before Terraform 0.13 an entry was the bare version.
            entry = wanted if isinstance(wanted, dict) else {"version": wanted}
            source, version = entry.get("source"), entry.get("version")
            yield RequiredProvider(name, str(source or ""), str(version or ""))


def _backends(body: Mapping[str, Any]) -> Iterator[str]:
    for backend in each(body.get("backend")):
        yield from backend
    yield from ["cloud"] if "cloud" in body else []
