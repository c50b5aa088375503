"""Finds the secrets that a plan document names, by Terraform's own flags."""

from collections.abc import Iterator
from typing import Any

import msgspec

from driftwatch.domain.document import (
    RawChange,
    RawDocument,
    RawStateModule,
    RawStateResource,
    RawStateValues,
)
from driftwatch.domain.masking import Masker

_FLAG = b"true"  # a structure of flags without it marks nothing, and need not be decoded


def learn_secrets(document: RawDocument, masker: Masker) -> None:
    """Teach a masker every secret that a plan document names, wherever it stands."""
    declared = document.configuration.root_module.variables
    for name, variable in document.variables.items():
        if name in declared and declared[name].sensitive:
            masker.learn(msgspec.json.decode(variable.value))
    for entry in (*document.resource_drift, *(document.resource_changes or [])):
        _learn_change(entry.change, masker)
    for change in document.output_changes.values():
        _learn_change(change, masker)
    if document.prior_state and document.prior_state.values:
        _learn_state(document.prior_state.values, masker)


def _learn_state(values: RawStateValues, masker: Masker) -> None:
    for output in values.outputs.values():
        if output.sensitive:
            masker.learn(msgspec.json.decode(output.value))
    for resource in _walk(values.root_module):
        # Managed resources stand in resource_changes too; data sources stand only here.
        if resource.mode == "data" and _FLAG in bytes(resource.sensitive_values):
            masker.learn_flagged(
                msgspec.json.decode(resource.values),
                msgspec.json.decode(resource.sensitive_values),
            )


def _learn_change(change: RawChange, masker: Masker) -> None:
    flags = flags_of(change)
    if flags is not False:
        masker.learn_flagged(msgspec.json.decode(change.before), flags)
        masker.learn_flagged(msgspec.json.decode(change.after), flags)


def _walk(module: RawStateModule | None) -> Iterator[RawStateResource]:
    if module is not None:
        yield from module.resources
        for child in module.child_modules:
            yield from _walk(child)


def flags_of(*changes: RawChange) -> Any:
    """Unite the sensitivity of all values: an old state may mark only one side."""
    united: Any = False
    for change in changes:
        for raw in (change.before_sensitive, change.after_sensitive):
            if _FLAG in bytes(raw):
                united = _unite(united, msgspec.json.decode(raw))
    return united


def _unite(left: Any, right: Any) -> Any:
    if left is True or right is True:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        names = {**left, **right}
        return {name: _unite(left.get(name, False), right.get(name, False)) for name in names}
    if isinstance(left, list) and isinstance(right, list):
        longest = max(len(left), len(right))
        pad = [False] * longest
        pairs = zip((left + pad)[:longest], (right + pad)[:longest], strict=True)
        return [_unite(a, b) for a, b in pairs]
    return left or right
