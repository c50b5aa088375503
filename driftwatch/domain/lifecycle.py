"""Finding x history → Decision: what is new, what moved, what stays, what rests, what is gone."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from driftwatch.domain.model import (
    Decision,
    Finding,
    Report,
    Resolved,
    Subject,
    Transition,
    Verdict,
)
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import find_snooze


def decide(
    findings: Sequence[Finding],
    previous: Report | None,
    now: datetime,
    snoozes: Sequence[Snooze] = (),
) -> tuple[tuple[Decision, ...], tuple[Resolved, ...]]:
    """Compare findings with those of the last check that could look, and with what is snoozed.

    `first_seen` survives a value that moves: the thing has been out of step since then. Where the
    plan has gaps, what it does not show is not resolved: it stays as it was known.
    """
    known = {d.finding.drift.key: d for d in previous.decisions} if previous else {}
    judged = (_decide(finding, known.get(finding.drift.key), now) for finding in findings)
    decisions = tuple(_snoozed(decision, snoozes, now) for decision in judged)
    present = {finding.drift.key for finding in findings}
    gone = {key: old for key, old in known.items() if key not in present}
    if any(finding.drift.subject is Subject.PLAN for finding in findings):
        return (*decisions, *carried(gone.values(), snoozes, now)), ()
    heard = (old for old in gone.values() if old.finding.verdict is not Verdict.IGNORE)
    return decisions, tuple(map(_resolve, heard))


def carried(
    decisions: Iterable[Decision], snoozes: Sequence[Snooze], now: datetime
) -> tuple[Decision, ...]:
    """Keep decisions over a check that could not see the things: they are no news.

    A snooze goes on only as long as it would, had the thing been seen unmoved.
    """
    kept = (replace(decision, transition=Transition.ONGOING) for decision in decisions)
    return tuple(_snoozed(decision, snoozes, now) for decision in kept)


def _snoozed(decision: Decision, snoozes: Sequence[Snooze], now: datetime) -> Decision:
    return replace(decision, snooze=find_snooze(decision.finding.drift, snoozes, now))


def _decide(finding: Finding, old: Decision | None, now: datetime) -> Decision:
    if old is None:
        return Decision(finding, Transition.NEW, now)
    return Decision(finding, _transition(finding, old.finding), old.first_seen)


def _transition(finding: Finding, old: Finding) -> Transition:
    """Call news what moved, and what a rule no longer ignores."""
    if old.verdict is Verdict.IGNORE and finding.verdict is not Verdict.IGNORE:
        return Transition.NEW
    same = old.drift.fingerprint == finding.drift.fingerprint
    return Transition.ONGOING if same else Transition.CHANGED


def _resolve(old: Decision) -> Resolved:
    drift = old.finding.drift
    return Resolved(
        drift.key, drift.address, drift.fingerprint, old.first_seen, old.finding.severity
    )
