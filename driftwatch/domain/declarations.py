"""What code declares, and how a plan document answers where there is no source to read."""

from typing import Any, Protocol

from driftwatch.domain.address import parse_address
from driftwatch.domain.document import RawConfigResource
from driftwatch.domain.model import Location, Path
from driftwatch.domain.plan import Plan

_EXPRESSION = ("constant_value", "references")


class Declarations(Protocol):
    """What the code says of a resource; the `hcl` room and the plan itself can answer."""

    def declared(self, address: str, path: Path) -> bool | None:
        """Tell whether the code sets an attribute; None where that cannot be told."""
        ...

    def ignored(self, address: str, path: Path) -> bool:
        """Tell whether `ignore_changes` covers an attribute."""
        ...

    def locate(self, address: str, path: Path = ()) -> Location | None:
        """Find the place of a resource, or of one of its attributes."""
        ...


class PlanDeclarations:
    """Answer from the plan's own `configuration`, for where there is no source to read.

    It leaves `dynamic` blocks out, so that what those set counts as undeclared.
    """

    def __init__(self, plan: Plan) -> None:
        self._root = plan.configuration

    def declared(self, address: str, path: Path) -> bool | None:
        """Tell whether the configuration has an expression for an attribute, or for all of it."""
        resource = self._resource(address)
        return None if resource is None else _declares(resource.expressions, path)

    def ignored(self, address: str, path: Path) -> bool:  # noqa: ARG002 - the plan does not say
        """Answer no: a plan document does not hold `ignore_changes`."""
        return False

    def locate(self, address: str, path: Path = ()) -> Location | None:  # noqa: ARG002
        """Answer nothing: a plan document does not hold places."""
        return None

    def _resource(self, address: str) -> RawConfigResource | None:
        try:
            parsed = parse_address(address)
        except ValueError:
            return None
        module = self._root
        for step in parsed.modules:
            if step.name not in module.module_calls:
                return None
            module = module.module_calls[step.name].module
        name = f"{parsed.resource_type}.{parsed.name}"
        return next((r for r in module.resources if r.address == name), None)


def _declares(body: Any, path: Path) -> bool:
    """Follow a path through blocks to an expression; of several blocks all must have it.

    Blocks are asked together, because a state may number them differently than the code.
    """
    if isinstance(body, list):
        rest = path[1:] if path and isinstance(path[0], int) else path
        return bool(body) and all(_declares(block, rest) for block in body)
    if not path or not isinstance(body, dict) or not body.keys().isdisjoint(_EXPRESSION):
        return True
    if isinstance(path[0], int):
        return _declares(body, path[1:])
    return path[0] in body and _declares(body[path[0]], path[1:])
