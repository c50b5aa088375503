"""Chat rooms are told one by one, through Apprise, and nothing secret of their URLs is shown."""

import json
import logging
import time
from typing import Any

import pytest

from driftwatch.adapters.channels import chat as chat_module
from driftwatch.adapters.channels.chat import ChatChannel
from driftwatch.config.service_model import ChatSettings
from driftwatch.domain.model import Severity
from driftwatch.domain.notice import EventKind, Notice
from tests.adapters.channels.http_world import Target, http_server
from tests.adapters.smtp_world import broken_server, say_nothing
from tests.render.hostile import HOSTILE
from tests.render.notices import (
    make_crowded_notice,
    make_event,
    make_hostile_notice,
    make_notice,
)

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#alerts"


def channel(*urls: str) -> ChatChannel:
    return ChatChannel(ChatSettings(urls))


def room(target: Target, path: str = "T0K3N", query: str = "") -> str:
    return target.url.replace("http://", "json://") + f"/{path}{query}"


def tell(found: ChatChannel, notice: Notice | None = None) -> Any:
    return found.send(notice or make_notice(), found.targets)


def said(target: Target) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(target.asked[-1].body)
    return message


def test_a_room_is_told_in_plain_text() -> None:
    with http_server() as target:
        found = channel(room(target))
        delivery = tell(found)
    assert delivery.accepted == found.targets
    assert target.asked[0].path.rstrip("/") == "/T0K3N"
    message = said(target)
    assert message["title"] == "Medium drift in prod: aws_cloudwatch_log_group.app"
    assert "aws_cloudwatch_log_group.app drifted (retention_in_days)" in message["message"]
    assert "https://driftwatch.example.org/reports/12" in message["message"]
    assert target.asked[0].headers["User-Agent"] == "driftwatch"


@pytest.mark.parametrize(
    ("kind", "severity", "told"),
    [
        (EventKind.OPENED, Severity.CRITICAL, "failure"),
        (EventKind.OPENED, Severity.HIGH, "failure"),
        (EventKind.CHANGED, Severity.MEDIUM, "warning"),
        (EventKind.OPENED, Severity.LOW, "warning"),
        (EventKind.OPENED, Severity.INFO, "info"),
        (EventKind.CLOSED, Severity.CRITICAL, "success"),
    ],
)
def test_how_bad_it_is_reaches_the_service(kind: EventKind, severity: Severity, told: str) -> None:
    with http_server() as target:
        tell(channel(room(target)), make_notice(make_event(kind, severity=severity)))
    assert said(target)["type"] == told


def test_each_room_has_its_own_fate() -> None:
    with http_server() as well, http_server(Target(500)) as ill, http_server(Target(404)) as gone:
        found = channel(room(well), room(ill), room(gone), "nonsense://", room(well, "second"))
        delivery = tell(found)
    first, second, third, fourth, fifth = found.targets
    assert delivery.accepted == (first, fifth)
    assert len(well.asked) == 2
    assert not delivery.refused[second].permanent
    assert "error=500" in delivery.refused[second].reason
    assert delivery.refused[third].permanent
    assert fourth == "4 (not understood)"
    assert delivery.refused[fourth].permanent


def test_only_the_rooms_asked_for_are_told() -> None:
    with http_server() as one, http_server() as two:
        found = channel(room(one), room(two))
        assert found.send(make_notice(), found.targets[1:]).accepted == found.targets[1:]
    assert len(one.asked) == 0
    assert len(two.asked) == 1


def test_names_hold_no_secret_of_their_urls() -> None:
    with http_server() as target:
        found = channel(
            SLACK,
            room(target, query="?+Authorization=T0K3N").replace("json://", "json://anna:pa55@"),
            "ntfy://secret-topic",
            "pagerduty://integrationkey@apikey",
        )
    slack, custom, topic, pager = found.targets
    assert slack == "1 slack://T...2"
    assert custom == f"2 json://{target.url.removeprefix('http://')}"
    assert topic == "3 ntfys://"
    assert pager.startswith("4 pagerduty://")
    for secret in ("TIiajkdnlazkcOXrIdevi7FQ", "T0K3N", "pa55", "secret-topic", "integrationkey"):
        assert secret not in " ".join(found.targets)
    assert "T0K3N" not in repr(found)


def test_a_room_whose_token_was_renewed_is_still_found() -> None:
    old = channel(SLACK).targets[0]
    with http_server() as target:
        found = channel(room(target))
        name = found.targets[0].replace(":", ":0", 1)
        assert found.send(make_notice(), (name,)).accepted == ()
        assert found.send(make_notice(), ("1 json://elsewhere",)).accepted == (
            "1 json://elsewhere",
        )
        delivery = found.send(make_notice(), (old,))
    assert delivery.refused[old].permanent
    assert "no longer configured" in delivery.refused[old].reason


def test_secrets_are_in_no_reason_and_no_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with http_server(Target(403)) as target:
        found = channel(room(target, query="?+X-Key=S3CRET"))
        delivery = tell(found)
    nobody = tell(channel("json://127.0.0.1:9/T0K3N"))
    reasons = " ".join(
        refusal.reason for one in (delivery, nobody) for refusal in one.refused.values()
    )
    output = "".join(capfd.readouterr())
    for text in (reasons, caplog.text, output):
        assert "T0K3N" not in text
        assert "S3CRET" not in text
    assert not any(r.permanent for one in (delivery, nobody) for r in one.refused.values())
    assert logging.getLogger("apprise").propagate is False


def test_redirects_are_not_followed() -> None:
    with http_server() as elsewhere:
        answer = Target(302, {"Location": f"{elsewhere.url}/taken"})
        with http_server(answer) as target:
            delivery = tell(channel(room(target)))
    assert delivery.accepted == ()
    assert elsewhere.asked == []


def test_a_service_that_says_nothing_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_module, "_SECONDS", 0.3)
    with broken_server(say_nothing) as server:
        found = channel(f"json://127.0.0.1:{server.port}/T0K3N?rto=1&cto=1")
        started = time.monotonic()
        delivery = tell(found)
        assert time.monotonic() - started < 4
    (refusal,) = delivery.refused.values()
    assert not refusal.permanent


def test_a_long_notice_is_cut_to_what_the_service_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_server() as target:
        found = channel(room(target))
        monkeypatch.setattr(found._rooms[0].plugin.__class__, "body_maxlen", 400)
        tell(found, make_crowded_notice(500, "x" * 60))
        monkeypatch.setattr(found._rooms[0].plugin.__class__, "title_maxlen", 0)
        tell(found, make_crowded_notice(500, "x" * 60))
    with_title, without = (json.loads(asked.body) for asked in target.asked)
    assert len(with_title["message"]) <= 400
    assert "more lines" in with_title["message"]
    assert len(without["message"]) <= 400
    assert without["title"] == ""


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_calls_anybody_or_is_lost(text: str) -> None:
    with http_server() as target:
        found = channel(room(target))
        assert tell(found, make_hostile_notice(text)).accepted == found.targets
    message = said(target)
    for sign in ("@octocat", "@org", "#123", "<!--", "://evil", "://EVIL", "www.evil", "](http"):
        assert sign not in message["message"]
        assert sign not in message["title"]
