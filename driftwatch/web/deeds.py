"""What the dashboard and the API can do: queue a check, send or drop a message; all is audited."""

from driftwatch.config.service_model import Role
from driftwatch.web.environment_page import find_environment
from driftwatch.web.gate import Visitor
from driftwatch.web.office import Office
from driftwatch.web.problems import Problem

_MOST = 1 << 62


def queue_check(office: Office, visitor: Visitor, name: str, *, override: bool) -> None:
    """Queue a check that goes first. Raises `Problem` where it may not override a window."""
    installation = office.installation
    find_environment(installation, name)
    if override and not visitor.may(Role.ADMIN):
        raise Problem(403, "Only an admin may override a window.")
    store, now = installation.store, installation.now()
    store.queue.add(name, "asked", now, actor=visitor.actor, urgent=True, override=override)
    store.audit.append(visitor.actor, "check.queue", name, {"override": override}, now)
    office.wake()


def retry_message(office: Office, visitor: Visitor, number: int) -> None:
    """Send a message again, or at once. Raises `Problem` where it is out already."""
    store, now = office.installation.store, office.installation.now()
    _expect(office, number)
    if not store.outbox.try_again(number, now):
        raise Problem(409, "This message is sent, being sent, or dropped.")
    store.audit.append(visitor.actor, "message.retry", f"message {number}", {}, now)
    office.wake()


def drop_message(office: Office, visitor: Visitor, number: int) -> None:
    """Give a message up. Raises `Problem` where it is out already."""
    store, now = office.installation.store, office.installation.now()
    _expect(office, number)
    if not store.outbox.drop(number):
        raise Problem(409, "This message is sent, being sent, or dropped.")
    store.audit.append(visitor.actor, "message.drop", f"message {number}", {}, now)


def expect_snooze(office: Office, number: int) -> None:
    """Raise `Problem` where there never was such a snooze."""
    snoozes = office.installation.store.snoozes.all(include_ended=True)
    if all(snooze.number != number for snooze in snoozes):
        raise Problem(404, "There is no such snooze.")


def _expect(office: Office, number: int) -> None:
    if not 0 < number < _MOST or office.installation.store.outbox.find(number) is None:
        raise Problem(404, "There is no such message.")
