"""Reads a plan document: Terraform's JSON in, a typed and masked `Plan` out.

Only what moved, drifted or explains a drift is decoded (see `document.py` for why).
"""

from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from driftwatch.domain.address import Address, Mode
from driftwatch.domain.document import (
    RawChange,
    RawCheck,
    RawConfigModule,
    RawDocument,
    RawResourceChange,
)
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import Action
from driftwatch.domain.sensitivity import flags_of, learn_secrets
from driftwatch.domain.siblings import related_types
from driftwatch.errors import Cause, CouldNotLook

_KNOWN_MAJORS = ("0", "1")
_HOW_TO_MAKE = "Make one with `terraform plan -out=plan.bin && terraform show -json plan.bin`."
_ACTIONS = frozenset(Action)
_FIRST_WITH_DRIFT = (0, 15, 4)


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One entry of `resource_drift` (recorded → actual) or `resource_changes` (actual → desired).

    `unknown` mirrors `after`: true where only an apply can know the value.
    """

    address: str
    resource_type: str
    mode: str
    provider: str
    action: Action
    before: Any
    after: Any
    unknown: Any = None
    action_reason: str | None = None
    previous_address: str | None = None
    importing: bool = False


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A `check` block, or a condition of a resource or output, that did not pass."""

    address: str
    status: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan document says: drift and changes, kept apart, secrets masked.

    `changes` holds only what moves, what drifted, and what stands beside a drifted resource (see
    `siblings`); `resources` counts all that is recorded.
    """

    terraform_version: str
    drift: Mapping[str, ResourceChange]
    changes: Mapping[str, ResourceChange]
    outputs: Mapping[str, ResourceChange]
    checks: tuple[CheckResult, ...]
    configuration: RawConfigModule
    resources: int
    complete: bool
    deferred: int
    reports_drift: bool


def parse_plan(content: bytes, masker: Masker) -> Plan:
    """Parse a plan document, masking every secret it names.

    Raises `CouldNotLook` for what is no plan, a truncated or future one, or one that errored.
    """
    try:
        document = msgspec.json.decode(content.removeprefix(BOM_UTF8), type=RawDocument)
        _refuse_other_documents(document)
        learn_secrets(document, masker)
        return _read(document, masker)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        message = f"The plan document is not one that driftwatch can read: {error}. {_HOW_TO_MAKE}"
        raise CouldNotLook(message, cause=Cause.PLAN) from error


def _read(document: RawDocument, masker: Masker) -> Plan:
    drift = _by_key(document.resource_drift)
    changes = _by_key(document.resource_changes or [])
    kept = related_types(entry.resource_type for entry in drift.values())
    wanted = {
        key: entry
        for key, entry in changes.items()
        if key in drift or entry.resource_type in kept or _says_something(entry)
    }
    reader = _Reader(masker, drift, wanted)
    return Plan(
        terraform_version=document.terraform_version,
        drift={key: reader.read(entry) for key, entry in drift.items()},
        changes={key: reader.read(entry) for key, entry in wanted.items()},
        outputs={name: reader.output(name, c) for name, c in document.output_changes.items()},
        checks=tuple(_failed_checks(document.checks, masker)),
        configuration=document.configuration.root_module,
        resources=sum(map(_is_recorded, {**changes, **drift}.values())),
        complete=document.complete,
        deferred=len(document.deferred_changes),
        reports_drift=_reports_drift(document),
    )


def _refuse_other_documents(document: RawDocument) -> None:
    if document.format_version.partition(".")[0] not in _KNOWN_MAJORS:
        raise CouldNotLook(
            f"The plan document has format version {document.format_version!r}; "
            "this driftwatch knows major versions 0 and 1. Upgrade driftwatch.",
            cause=Cause.PLAN,
        )
    if document.errored:
        raise CouldNotLook(
            "The plan ended with errors, so what it says is only a part.", cause=Cause.PLAN
        )
    if document.resource_changes is None and bytes(document.planned_values) == b"null":
        kind = "a state" if bytes(document.values) != b"null" else "no plan"
        raise CouldNotLook(
            f"The document is {kind}: it has neither planned values nor resource changes. "
            f"{_HOW_TO_MAKE}",
            cause=Cause.PLAN,
        )


class _Reader:
    """Decodes entries, masked by everything that is known of the same resource."""

    def __init__(
        self,
        masker: Masker,
        drift: Mapping[str, RawResourceChange],
        changes: Mapping[str, RawResourceChange],
    ) -> None:
        self._masker = masker
        self._drift = drift
        self._changes = changes

    def read(self, entry: RawResourceChange) -> ResourceChange:
        key = _key(entry)
        flags = flags_of(*(t[key].change for t in (self._drift, self._changes) if key in t))
        change = entry.change
        before, after, unknown = (
            self._masker.mask_attributes(msgspec.json.decode(raw), marks)
            for raw, marks in (
                (change.before, flags),
                (change.after, flags),
                (change.after_unknown, False),
            )
        )
        return ResourceChange(
            address=key,
            resource_type=entry.resource_type,
            mode=entry.mode,
            provider=entry.provider_name,
            action=parse_action(change.actions, key),
            before=before,
            after=after,
            unknown=unknown,
            action_reason=entry.action_reason,
            previous_address=entry.previous_address,
            importing=_is_import(change),
        )

    def output(self, name: str, change: RawChange) -> ResourceChange:
        flags = flags_of(change)
        return ResourceChange(
            address=f"output.{name}",
            resource_type="",
            mode="output",
            provider="",
            action=parse_action(change.actions, f"output.{name}"),
            before=self._masker.mask(msgspec.json.decode(change.before), flags),
            after=self._masker.mask(msgspec.json.decode(change.after), flags),
            unknown=msgspec.json.decode(change.after_unknown),
        )


def parse_action(actions: Iterable[str], address: str) -> Action:
    """Read Terraform's list of actions; a pair that holds a create is a replacement."""
    names = tuple(actions)
    single = [Action(name) for name in names if name in _ACTIONS]
    if len(single) != len(names) or not (len(single) == 1 or Action.CREATE in single):
        raise CouldNotLook(
            f"The plan wants {list(names)} for {address}, which this driftwatch does not know.",
            cause=Cause.PLAN,
        )
    return single[0] if len(single) == 1 else Action.REPLACE


def _by_key(entries: Iterable[RawResourceChange]) -> dict[str, RawResourceChange]:
    return {_key(entry): entry for entry in entries if entry.mode != Mode.EPHEMERAL}


def _key(entry: RawResourceChange) -> str:
    address = entry.address or _composed_address(entry)
    return f"{address} (deposed {entry.deposed})" if entry.deposed else address


def _composed_address(entry: RawResourceChange) -> str:
    """Put an address together: before 1.0.1, Terraform leaves it out of `resource_drift`."""
    mode = Mode.DATA if entry.mode == "data" else Mode.MANAGED
    own = Address((), mode, entry.resource_type, entry.name, entry.index)
    return f"{entry.module_address}.{own}".removeprefix(".")


def _says_something(entry: RawResourceChange) -> bool:
    moved = entry.previous_address is not None and entry.previous_address != entry.address
    return entry.change.actions != ["no-op"] or moved or _is_import(entry.change)


def _is_import(change: RawChange) -> bool:
    return bytes(change.importing) != b"null"


def _is_recorded(entry: RawResourceChange) -> bool:
    adds = entry.change.actions == ["create"] or _is_import(entry.change)
    return entry.mode == "managed" and not adds


def _failed_checks(checks: Iterable[RawCheck], masker: Masker) -> Iterator[CheckResult]:
    for check in checks:
        if check.status == "pass":
            continue
        problems = [p.message for i in check.instances or [] for p in i.problems]
        yield CheckResult(
            check.address.to_display, check.status, tuple(masker.scrub(p) for p in problems)
        )


def _reports_drift(document: RawDocument) -> bool:
    """Tell whether the tool is new enough to list drift: Terraform does since 0.15.4."""
    if document.resource_drift:
        return True
    parts = document.terraform_version.split("-")[0].split(".")
    if not all(part.isdecimal() for part in parts):
        return True
    return tuple(int(part) for part in parts) >= _FIRST_WITH_DRIFT
