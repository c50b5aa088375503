"""Compares what was planted with what was reported; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from driftwatch.demo.cases import PlantedCase, describe
from driftwatch.domain.model import AttributeDrift, Drift, Report, Status

_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What was detected where a case was planted, in a few words, and whether that is right."""

    case: PlantedCase
    detected: str
    found: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """Every planted case beside what was detected, and what was reported without cause."""

    results: tuple[CaseResult, ...]
    unplanted: tuple[str, ...]

    @property
    def all_found(self) -> bool:
        """Say whether every case was found, rightly named, and nothing else was."""
        return not self.unplanted and all(result.found for result in self.results)


def verify(cases: Sequence[PlantedCase], reports: Sequence[Report]) -> Verification:
    """Look for every case in its environment's report, and for findings that nobody planted."""
    by_name = {report.environment: report for report in reports}
    results = tuple(_result(case, by_name.get(case.environment)) for case in cases)
    return Verification(results, tuple(_unplanted(cases, reports)))


def render_verification(verification: Verification) -> str:
    """Render a text table of every case, what it must lead to, and what was detected."""
    blocks = [_block(result) for result in verification.results]
    found = sum(result.found for result in verification.results)
    ending = [f"{found} of {len(verification.results)} planted cases found and rightly named."]
    if verification.unplanted:
        ending.append("Reported, though nobody planted it:")
        ending += [f"  ✗ {line}" for line in verification.unplanted]
    return "\n".join([*blocks, *ending]) + "\n"


def _block(result: CaseResult) -> str:
    case = result.case
    verdict = "as expected" if result.found else f"but expected {case.expectation}"
    return (
        f"{'✓' if result.found else '✗'} {case.environment}  {case.place}".rstrip() + "\n"
        f"    {case.story}.\n"
        f"    detected: {result.detected}, {verdict}\n"
    )


def _result(case: PlantedCase, report: Report | None) -> CaseResult:
    if report is None:
        return CaseResult(case, "no report", found=False)
    if report.failure is not None:
        return CaseResult(case, f"could not look: {report.failure.message}", found=False)
    if case.kind is None:
        return CaseResult(case, str(report.status), report.status is Status.IN_SYNC)
    if case.secret and case.secret in repr(report):
        return CaseResult(case, "the secret itself, in clear text", found=False)
    return _detection(case, report)


def _detection(case: PlantedCase, report: Report) -> CaseResult:
    seen = [
        text
        for decision in report.decisions
        if decision.finding.drift.address == case.address
        for text in _descriptions(decision.finding.drift, case)
    ]
    found = bool(seen) and all(text == case.expectation for text in seen)
    return CaseResult(case, "; ".join(dict.fromkeys(seen)) or _NOTHING, found)


def _descriptions(drift: Drift, case: PlantedCase) -> Iterable[str]:
    """Describe a drift as a whole, or those of its attributes that a case is about."""
    if not case.attribute:
        yield describe(drift.kind, drift.reason, deleted=drift.deleted)
        return
    for attribute in drift.attributes:
        if _is_about(attribute, case):
            yield describe(
                attribute.kind,
                attribute.reason,
                deleted=drift.deleted,
                masked=attribute.sensitive and bool(case.secret),
            )


def _is_about(attribute: AttributeDrift, case: PlantedCase) -> bool:
    return attribute.path[: len(case.attribute)] == case.attribute


def _unplanted(cases: Sequence[PlantedCase], reports: Sequence[Report]) -> Iterable[str]:
    planted: Mapping[Any, Any] = {(case.environment, case.address): case for case in cases}
    for report in reports:
        for decision in report.decisions if report.failure is None else ():
            drift = decision.finding.drift
            if (report.environment, drift.address) not in planted:
                what = describe(drift.kind, drift.reason, deleted=drift.deleted)
                yield f"{report.environment}  {drift.address}: {what}"
