"""What people decide, whoever asks them, command line or dashboard: checked, stored and audited."""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass

from driftwatch.bootstrap import Installation
from driftwatch.config.load import process_environment
from driftwatch.domain.model import Decision, Report, Verdict
from driftwatch.domain.snooze import Snooze
from driftwatch.domain.snoozing import bind, parse_until
from driftwatch.errors import UsageError

_LONGEST_REASON = 500  # characters
_LONGEST_NAME = 100
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody does not want to hear of: one drift, or one attribute of it, and why."""

    environment: str
    address: str
    until: str
    because: str
    attribute: str = ""


def snooze(installation: Installation, wish: Wish, by: str) -> Snooze:
    """Snooze what the newest report says, bound to the values that it has now.

    A live snooze of the same thing is replaced. Raises `UsageError` where there is nothing to
    snooze, or where it cannot be.
    """
    now, who = installation.now(), _name(by)
    because = _reason(wish.because)
    if not because:
        raise UsageError("A snooze needs a reason: --because.")
    drift = _find(_newest(installation, wish.environment), wish.address).finding.drift
    try:
        drift.key.encode()  # half of a surrogate pair cannot be kept, and so not be found again
        until = parse_until(wish.until, now)
        binding = bind(drift, wish.attribute)
    except ValueError as error:
        raise UsageError(f"{error}.") from error
    made = installation.store.snoozes.add(
        wish.environment,
        drift.key,
        drift.address,
        wish.attribute,
        binding,
        until=until,
        because=because,
        by=who,
        now=now,
    )
    detail = {
        "number": made.number,
        "attribute": made.attribute,
        "until": until.isoformat(),
        "because": because,
    }
    installation.store.audit.append(who, "snooze.add", _subject(made), detail, now)
    return made


def end_snooze(installation: Installation, number: int, because: str, by: str) -> Snooze:
    """End a snooze before its time. Raises `UsageError` where none with this number is live."""
    now, who = installation.now(), _name(by)
    reason = _reason(because)
    said = f"{who} ended it: {reason}" if reason else f"{who} ended it"
    ended = installation.store.snoozes.end(number, said, now)
    if ended is None:
        raise UsageError(f"No snooze {number} is live; `driftwatch snoozes --all` lists them all.")
    detail = {"number": number, "attribute": ended.attribute, "because": reason}
    installation.store.audit.append(who, "snooze.end", _subject(ended), detail, now)
    return ended


def list_snoozes(
    installation: Installation, environment: str | None = None, *, ended: bool = False
) -> Sequence[Snooze]:
    """List the live snoozes, or with `ended` all that ever were, the newest first."""
    return installation.store.snoozes.all(environment, include_ended=ended)


def login_name() -> str:
    """Name who is at the keyboard, as far as the system knows."""
    environ = process_environment()
    name = environ.get("LOGNAME") or environ.get("USER") or ""
    try:
        return name or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _newest(installation: Installation, environment: str) -> Report:
    reports = installation.store.reports.latest([_text(environment)])
    if reports:
        return reports[0]
    known = ", ".join(report.environment for report in installation.store.reports.latest())
    raise UsageError(f"No check of {environment!r} is on record. There are: {known or 'none'}.")


def _find(report: Report, address: str) -> Decision:
    """Find a drift by its address, or by its key should two things have one address."""
    for decision in report.decisions:
        drift = decision.finding.drift
        if address not in (drift.address, drift.key):
            continue
        if decision.finding.verdict is Verdict.IGNORE:
            raise UsageError(f"A rule ignores {address} already: {decision.finding.because}")
        return decision
    told = [d.finding.drift.address for d in (*report.visible, *report.snoozed)]
    more = f" and {len(told) - _LISTED} more" if len(told) > _LISTED else ""
    there = f"{', '.join(told[:_LISTED])}{more}" if told else "nothing"
    raise UsageError(f"{address} is not drifted in {report.environment}; what is: {there}.")


def _reason(text: str) -> str:
    reason = " ".join(_text(text).split())
    if len(reason) > _LONGEST_REASON:
        raise UsageError(f"A reason has up to {_LONGEST_REASON} characters.")
    return reason


def _name(text: str) -> str:
    name = " ".join(_text(text).split())
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(f"A name of 1 to {_LONGEST_NAME} characters must say who decides.")
    return name


def _text(text: str) -> str:
    """Replace what is no text, which a command line may hold."""
    return text.encode("utf-8", "replace").decode()


def _subject(made: Snooze) -> str:
    return f"{made.environment}: {made.address}"
