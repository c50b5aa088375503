"""What a plan says beyond its resources: outputs, check blocks, and what it could not see."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from driftwatch.domain.model import (
    Action,
    Drift,
    Kind,
    Location,
    Path,
    Subject,
)
from driftwatch.domain.plan import CheckResult, Plan, ResourceChange
from driftwatch.domain.threeway import Triple, leaf


class Places(Protocol):
    """Where things stand in the source."""

    def locate(self, address: str, path: Path = ()) -> Location | None:
        """Find the place of an output or a check block."""
        ...


def observe(plan: Plan, drifts: Mapping[str, Drift], code: Places) -> Iterator[Drift]:
    """List the outputs that move, the checks that fail, and the gaps of the plan itself."""
    for name, change in plan.outputs.items():
        if change.action is not Action.NO_OP:
            yield _output(name, change, plan, drifts, code)
    for check in plan.checks:
        if check.status != "unknown" or check.problems:
            yield _check(check, code)
    yield from _gaps(plan)


def _output(
    name: str, change: ResourceChange, plan: Plan, drifts: Mapping[str, Drift], code: Places
) -> Drift:
    """Ascribe a moving output to reality where what it refers to moved, else to code."""
    moved = change.before is not None and _refers_to_moved(name, plan, drifts)
    actual = change.after if moved else change.before
    triple = Triple(change.before, actual, change.after, bool(change.unknown))
    location = code.locate(change.address)
    value = replace(leaf(triple, ("value",)), location=location)
    kind = value.kind
    if kind is not Kind.UNKNOWN:
        kind = Kind.DRIFT if moved else Kind.PENDING
    return Drift(
        subject=Subject.OUTPUT,
        address=change.address,
        kind=kind,
        fingerprint="",
        action=change.action,
        attributes=(replace(value, kind=kind),),
        location=location,
    )


def _refers_to_moved(name: str, plan: Plan, drifts: Mapping[str, Drift]) -> bool:
    """Tell whether an output reads what no apply will bring back, or a data source.

    What an apply restores moves no output: the plan computes outputs from what will be.
    """
    outputs = plan.configuration.outputs
    references = outputs[name].expression.references if name in outputs else []
    moved = [address for address, drift in drifts.items() if _stays_moved(drift)]
    waiting = any(drift.waiting for drift in drifts.values())
    if any(reference.startswith("data.") for reference in references) and not waiting:
        return True
    return any(_covers(reference, address) for reference in references for address in moved)


def _stays_moved(drift: Drift) -> bool:
    return Kind.UNOPPOSED in (drift.kind, *(attribute.kind for attribute in drift.attributes))


def _covers(reference: str, address: str) -> bool:
    """Tell whether `aws_vpc.main` or `module.net` names `address` or something in it."""
    if not reference.startswith("module."):
        return address == reference or address.startswith((reference + "[", reference + "."))
    module = ".".join(reference.split(".")[:2]).partition("[")[0]
    return address.startswith((module + ".", module + "["))


def _check(check: CheckResult, code: Places) -> Drift:
    return Drift(
        subject=Subject.CHECK,
        address=check.address,
        kind=Kind.DRIFT if check.status == "fail" else Kind.UNKNOWN,
        fingerprint="",
        message=" ".join(check.problems) or f"The check ended with status {check.status}.",
        location=code.locate(check.address),
    )


def _gaps(plan: Plan) -> Iterator[Drift]:
    reasons = []
    if not plan.complete:
        reasons.append("The plan is incomplete: -target, -exclude or deferrals hide a part of it.")
    if plan.deferred:
        reasons.append(f"The plan defers {plan.deferred} changes to a later one.")
    if not plan.reports_drift:
        version = plan.terraform_version or "its Terraform"
        reasons.append(f"The document does not say what drifted: {version} is older than 0.15.4.")
    if reasons:
        yield Drift(
            subject=Subject.PLAN,
            address="plan",
            kind=Kind.UNKNOWN,
            fingerprint="",
            message=" ".join(reasons),
        )
