"""An environment's code, read on demand: what it declares, what it ignores, and where."""

import re
from collections.abc import Callable
from functools import reduce

from driftwatch.domain.model import Location, Path
from driftwatch.hcl.facts import BlockFacts, override, read_block
from driftwatch.hcl.sources import Read, Source, Sources, Unread
from driftwatch.hcl.trace import find_span

Link = Callable[[str, int], str]
"""Give the URL of a line of a file, which is relative to the repository."""

_OUTPUT = re.compile(r"(?:^|\.)output\.[\w-]+$")


class Configuration:
    """The code of one root module and of the local modules that it calls.

    Nothing is read or parsed before a question needs it, and then once: `notes` grows with what
    the questions meet.
    """

    def __init__(self, sources: Sources, link: Link | None) -> None:
        self._sources = sources
        self._link = link
        self._known: dict[str, BlockFacts | None] = {}
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """Say in sentences what could not be read so far."""
        return (*self._sources.notes, *self._notes)

    @property
    def directories(self) -> tuple[str, ...]:
        """List the directories that the code comes from, local modules included."""
        return self._sources.directories()

    def declared(self, address: str, path: Path) -> bool | None:
        """Say whether code sets a value, None if that cannot be told.

        An expression counts as setting all that is below it. Provider `default_tags` are not seen.
        """
        facts = self._facts(address)
        return None if facts is None else facts.declares(_written(address, path))

    def ignored(self, address: str, path: Path) -> bool:
        """Say whether `lifecycle.ignore_changes` covers a value."""
        facts = self._facts(address)
        return facts is not None and facts.ignores(path)

    def locate(self, address: str, path: Path = ()) -> Location | None:
        """Find where a value is written, else the nearest block around it; None if there is none.

        For a module whose code is not at hand, that is the block that calls it.
        """
        found = self._sources.find(address)
        if isinstance(found, Unread):
            return self._location(found.call, found.call.block.span.line)
        places = [(source, *find_span(source.block, _written(address, path))) for source in found]
        if not places:
            return None
        # Of equally good places the last override wins, but a block stands where it is declared.
        deepest = max(depth for _, depth, _ in places)
        equal = [(source, span) for source, depth, span in places if depth == deepest]
        source, span = equal[-1 if deepest else 0]
        return self._location(source, span.line)

    def _location(self, source: Source, line: int) -> Location:
        return Location(source.file, line, self._link(source.file, line) if self._link else None)

    def _facts(self, address: str) -> BlockFacts | None:
        if address not in self._known:
            self._known[address] = self._read_facts(address)
        return self._known[address]

    def _read_facts(self, address: str) -> BlockFacts | None:
        found = self._sources.find(address)
        if isinstance(found, Unread) or not found:
            return None
        parts: list[BlockFacts] = []
        for source in found:
            facts = read_block(source.document, source.block)
            note = facts.note if facts else "does not parse"
            if note:
                self._notes[f"{address} in {source.file} {note}."] = None
            if facts is None:
                return None
            parts.append(facts)
        return reduce(override, parts)


def read_configuration(directory: str, read: Read, link: Link | None = None) -> Configuration:
    """Prepare to answer questions about the root module in a directory of a repository."""
    return Configuration(Sources(directory, read), link)


def _written(address: str, path: Path) -> Path:
    """Turn a path into an output's value into the path that code writes."""
    into_value = _OUTPUT.search(address) and path[:1] not in {(), ("value",)}
    return ("value", *path) if into_value else path
