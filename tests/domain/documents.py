"""Plan documents for tests: the shape of `terraform show -json`, written by hand."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from driftwatch.domain.comparison import compare
from driftwatch.domain.declarations import PlanDeclarations
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import AttributeDrift, Drift, Location, Path
from driftwatch.domain.plan import parse_plan

PLANS = FilePath(__file__).parents[1] / "data" / "plans"
KEY = b"key of a test"


@dataclass(frozen=True, slots=True)
class FakeCode:
    """Code that declares and ignores what it is told; None is "cannot be told"."""

    declares: Callable[[str, Path], bool | None] = lambda _address, _path: False
    ignores: frozenset[Path] = frozenset()
    places: Mapping[Path, Location] = field(default_factory=dict)

    def declared(self, address: str, path: Path) -> bool | None:
        return self.declares(address, path)

    def ignored(self, address: str, path: Path) -> bool:
        return path in self.ignores

    def locate(self, address: str, path: Path = ()) -> Location | None:
        return self.places.get(path)


def make_change(before: Any, after: Any, actions: Iterable[str] | None = None, **more: Any) -> Any:
    """Make the `change` of an entry; actions follow from the values where none are given."""
    if actions is None:
        if before == after:
            actions = ("no-op",)
        else:
            actions = (
                ("create",) if before is None else ("delete",) if after is None else ("update",)
            )
    return {"actions": list(actions), "before": before, "after": after, **more}


def make_entry(
    address: str,
    before: Any,
    after: Any,
    actions: Iterable[str] | None = None,
    entry: Mapping[str, Any] | None = None,
    **more: Any,
) -> Any:
    """Make an entry of `resource_drift` or `resource_changes`."""
    *_, resource_type, name = address.partition("[")[0].split(".")
    return {
        "address": address,
        "mode": "data" if ".data." in f".{address}" else "managed",
        "type": resource_type,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "change": make_change(before, after, actions, **more),
        **(entry or {}),
    }


def make_document(
    drift: Iterable[Any] = (), changes: Iterable[Any] = (), **more: Any
) -> dict[str, Any]:
    """Make a plan document; as in Terraform, what is empty is left out."""
    document: dict[str, Any] = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        **more,
    }
    document |= {"resource_drift": list(drift)} if drift else {}
    document |= {"resource_changes": list(changes)} if changes else {}
    return document


def compared(document: Mapping[str, Any] | bytes, code: Any = None) -> tuple[Drift, ...]:
    """Parse and compare a document; without code, the plan's own configuration answers."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    plan = parse_plan(content, Masker(KEY))
    return compare(plan, code or PlanDeclarations(plan))


def compared_one(
    recorded: Any,
    actual: Any,
    desired: Any,
    code: Any = None,
    address: str = "aws_x.y",
    **more: Any,
) -> Drift | None:
    """Compare a single resource by its three values, as one refreshed plan would hold them."""
    drift = [] if recorded == actual else [make_entry(address, recorded, actual)]
    changes = [make_entry(address, actual, desired, **more)]
    found = compared(make_document(drift, changes), code or FakeCode())
    return found[0] if found else None


def only(drift: Drift | None) -> AttributeDrift:
    """Take the one attribute of a drift."""
    assert drift is not None
    (attribute,) = drift.attributes
    return attribute
