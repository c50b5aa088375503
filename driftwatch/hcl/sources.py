"""The blocks behind an address: reads a repository's directories when a question needs them."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from driftwatch.domain.address import Address, parse_address
from driftwatch.hcl.module import ModuleCall, is_override, parse_file, terraform_files
from driftwatch.hcl.syntax import Block, Document

Read = Callable[[str], Mapping[str, bytes]]
"""Give the files of a directory by name, {} if there is none; "." is the repository's root."""

_CREDENTIALS = re.compile(r"(?<=//)[^/@]*@|\?.*")
_BLOCK_TYPES = {"output": "output", "check": "check", "var": "variable"}
_Key = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """A block and the file that holds it, relative to the repository."""

    file: str
    document: Document
    block: Block
    is_override: bool


@dataclass(frozen=True, slots=True)
class Unread:
    """A module whose code is not at hand, and the block that calls it."""

    call: Source


class Sources:
    """The files of one root module and of the local modules that it calls.

    Each directory is read once, each file parsed once, and neither before it is needed. `notes`
    says in sentences what could not be read.
    """

    def __init__(self, directory: str, read: Read) -> None:
        self._directory = posixpath.normpath(directory)
        self._read = read
        self._files: dict[str, dict[str, bytes]] = {}
        self._blocks: dict[_Key, tuple[Source, ...]] = {}
        self.notes: dict[str, None] = {}

    def find(self, address: str) -> tuple[Source, ...] | Unread:
        """Find the block of an address, then its overrides; () if there is none."""
        try:
            parsed = parse_address(address)
        except ValueError:
            return ()
        directory = self._directory
        for step in parsed.modules:
            calls = self._find(directory, "module", (step.name,))
            if not calls:
                return ()
            directory = self._target(directory, calls)
            if not self._load(directory):
                return Unread(calls[0])
        return self._find(directory, *_declaration(parsed))

    def directories(self) -> tuple[str, ...]:
        """List the directories that the code comes from, those of local modules included."""
        found: set[str] = set()
        waiting = [self._directory]
        while waiting:
            directory = waiting.pop()
            if directory not in found and (files := self._load(directory)):
                found.add(directory)
                waiting += _local_modules(directory, files)
        return tuple(sorted(found))

    def _find(self, directory: str, block_type: str, labels: tuple[str, ...]) -> tuple[Source, ...]:
        key = (directory, block_type, labels)
        if key not in self._blocks:
            self._blocks[key] = self._unique(list(self._search(*key)))
        return self._blocks[key]

    def _search(self, directory: str, block_type: str, labels: tuple[str, ...]) -> Iterator[Source]:
        for name, content in self._load(directory).items():
            if not all(label.encode() in content for label in labels):
                continue
            document = parse_file(name, content)
            file = posixpath.normpath(posixpath.join(directory, name))
            if document.problem:
                self._note(f"{file} {document.problem}: what it declares may be missing here.")
            for block in document.find(block_type, *labels):
                yield Source(file, document, block, is_override(name))

    def _unique(self, found: list[Source]) -> tuple[Source, ...]:
        """Keep the first declaration and all overrides."""
        bases = [source for source in found if not source.is_override]
        for again in bases[1:]:
            name = ".".join(again.block.labels)
            self._note(f"{name} is declared in {bases[0].file} and again in {again.file}.")
        return (*bases[:1], *(source for source in found if source.is_override))

    def _target(self, directory: str, calls: tuple[Source, ...]) -> str:
        """Return the directory that a call names, "" if it is not one of this repository."""
        written = [call.document.string(call.block, "source") for call in calls]
        (name,) = calls[0].block.labels
        call = ModuleCall(name, next((source for source in reversed(written) if source), None))
        if not call.is_local:
            origin = _CREDENTIALS.sub("", call.source) if call.source else "a computed source"
            self._note(f"module.{name} comes from {origin}: its code was not read.")
            return ""
        return posixpath.normpath(posixpath.join(directory, str(call.source)))

    def _load(self, directory: str) -> dict[str, bytes]:
        if directory not in self._files:
            outside = directory == ".." or directory.startswith(("../", "/"))
            files = {} if outside or not directory else terraform_files(self._read(directory))
            self._files[directory] = files
            if outside:
                self._note(f"{directory} lies outside the repository: it was not read.")
            elif directory and not files:
                self._note(f"{directory} holds no Terraform files.")
        return self._files[directory]

    def _note(self, sentence: str) -> None:
        self.notes[sentence] = None


def _local_modules(directory: str, files: Mapping[str, bytes]) -> Iterator[str]:
    """Give the directories of the repository that a module's own blocks call."""
    for name, content in files.items():
        if b"module" not in content:
            continue
        document = parse_file(name, content)
        for block in document.blocks:
            call = ModuleCall("", document.string(block, "source"))
            if block.block_type == "module" and call.is_local:
                yield posixpath.normpath(posixpath.join(directory, str(call.source)))


def _declaration(address: Address) -> tuple[str, tuple[str, ...]]:
    block_type = _BLOCK_TYPES.get(address.resource_type)
    if block_type:
        return block_type, (address.name,)
    return address.mode.value, (address.resource_type, address.name)
