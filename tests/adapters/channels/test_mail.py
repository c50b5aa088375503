"""A mail is sound MIME, belongs to its thread, and is written whatever a notice holds."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from driftwatch.adapters.channels import mail as mail_module
from driftwatch.adapters.channels.mail import compose, thread_root
from driftwatch.domain.notice import EventKind, Notice
from driftwatch.render.email import Email
from tests.builders import NOW
from tests.render.hostile import HOSTILE
from tests.render.notices import (
    make_digest,
    make_event,
    make_hostile_notice,
    make_notice,
    make_rich_notice,
)

SENDER = "driftwatch@ops.example.org"
TO = ("anna@example.org", "bert@example.org")
SAFE_ENVIRONMENT = re.compile(r"[A-Za-z0-9._-]+")


def read(notice: Notice, *, attach_report: bool = False, sender: str = SENDER) -> EmailMessage:
    raw = compose(notice, sender, TO, attach_report=attach_report)
    return message_from_bytes(raw, policy=policy.default)


def parts(mail: EmailMessage) -> list[EmailMessage]:
    return list(mail.walk())


def defects(mail: EmailMessage) -> list[Any]:
    found: list[Any] = [defect for part in parts(mail) for defect in part.defects]
    for part in parts(mail):
        for value in part.values():
            found += getattr(value, "defects", ())
    return found


def shape(mail: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in parts(mail)]


def test_a_mail_is_text_and_html_with_its_picture() -> None:
    mail = read(make_rich_notice())
    assert shape(mail) == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    html, png = parts(mail)[3:]
    cid = png["Content-ID"].strip("<>")
    assert f'src="cid:{cid}"' in html.get_content()
    assert png.get_content().startswith(b"\x89PNG")
    assert png.get_content_disposition() == "inline"


def test_a_mail_without_a_trend_has_no_picture() -> None:
    assert shape(read(make_notice())) == ["multipart/alternative", "text/plain", "text/html"]


def test_the_full_report_is_attached_when_asked() -> None:
    mail = read(make_rich_notice(), attach_report=True)
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "driftwatch-prod-20260302-0930.html"
    assert "<!doctype html>" in attached.get_content()
    assert "attached" in parts(mail)[2].get_content()


def test_headers_say_whose_it_is_and_that_a_machine_wrote_it() -> None:
    mail = read(make_notice(attempt=3))
    assert mail["From"] == f"driftwatch <{SENDER}>"
    assert mail["To"] == "anna@example.org, bert@example.org"
    assert mail["Message-ID"] == "<3f1c.1@driftwatch.example.org>"
    assert parsedate_to_datetime(mail["Date"]) == NOW
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == "<prod.driftwatch.ops.example.org>"
    assert mail["X-Driftwatch-Attempt"] == "3"
    assert mail["X-Driftwatch-Environment"] == "prod"
    assert mail["X-Driftwatch-Delivery"] == "3f1c.1@driftwatch.example.org"
    assert mail["Precedence"] is None


def test_all_mails_of_an_environment_are_one_thread() -> None:
    opened = read(make_notice())
    closed = read(make_notice(make_event(EventKind.CLOSED), message_id="b@x.org"))
    other = read(make_notice(environment="dev"))
    root = thread_root("prod", "ops.example.org")
    assert opened["In-Reply-To"] == opened["References"] == closed["References"] == root
    assert other["References"] != root
    assert opened["Message-ID"] != closed["Message-ID"]


def test_digests_of_a_route_are_a_thread_of_their_own() -> None:
    mail = read(make_digest(route="weekly"))
    assert mail["References"] == thread_root("digest weekly", "ops.example.org")
    assert mail["List-Id"] == "<digest.driftwatch.ops.example.org>"
    assert mail["X-Driftwatch-Environment"] is None


def test_a_later_attempt_is_the_same_message() -> None:
    first, second = read(make_notice()), read(make_notice(attempt=2))
    assert first["Message-ID"] == second["Message-ID"]


def test_long_identifiers_stand_unbroken() -> None:
    domain = "a-very-long-name-of-an-organisation-that-likes-long-names." * 3 + "example.org"
    mail = read(make_notice(message_id=f"{'0' * 40}@{domain}"), sender=f"driftwatch@{domain}")
    assert mail["Message-ID"] == f"<{'0' * 40}@{domain}>"
    assert mail["In-Reply-To"] == thread_root("prod", domain)
    assert defects(mail) == []


@pytest.mark.parametrize(
    "text", ["", "no at", "a@b\r\nBcc: evil@example.org", "é@x.org", "x" * 300]
)
def test_an_identifier_that_no_header_can_hold_becomes_a_stable_one(text: str) -> None:
    first, again = read(make_notice(message_id=text)), read(make_notice(message_id=text))
    assert re.fullmatch(r"<[0-9a-f]{32}@ops\.example\.org>", first["Message-ID"])
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Bcc"] is None


def test_a_sender_that_strict_readers_dislike_is_no_reason_to_be_silent() -> None:
    mail = read(make_notice(), sender="drift..watch@example.org")
    assert mail["From"] == "driftwatch <drift..watch@example.org>"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_reaches_a_header_or_breaks_a_mail(text: str) -> None:
    mail = read(make_hostile_notice(text), attach_report=True)
    tame = read(make_hostile_notice("an ordinary value"), attach_report=True)
    assert defects(mail) == []
    assert mail.keys() == tame.keys() or SAFE_ENVIRONMENT.fullmatch(text)
    for name, value in mail.items():
        assert value.isascii()
        assert len(text) < 3 or text.strip() not in value, name
    assert shape(mail) == shape(tame)
    assert mail["To"] == tame["To"]


@pytest.mark.parametrize("kind", EventKind)
@pytest.mark.parametrize("text", ["=?utf-8?q?owned?=", "a\r\nBcc: evil@example.org", "\u202egnp"])
def test_a_hostile_address_alone_does_not_reach_the_subject(kind: EventKind, text: str) -> None:
    mail = read(make_notice(make_event(kind, address=text, note=text, because=text)))
    assert defects(mail) == []
    assert "owned" not in mail["Subject"]
    assert mail["Bcc"] is None
    assert mail["Subject"].isascii()


def test_lines_are_short_enough_for_every_server() -> None:
    raw = compose(make_hostile_notice("x" * 5000), SENDER, TO * 30, attach_report=True)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_mail_that_resists_becomes_a_bare_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def resist(notice: Notice, *, attach_report: bool) -> Email:
        return Email("a subject\nBcc: evil@example.org", "text", "<p>html</p>")

    monkeypatch.setattr(mail_module, "render_email", resist)
    mail = read(make_notice())
    assert mail["Subject"] == "prod has news: see the dashboard"
    assert mail["Bcc"] is None
    assert "could not be written (ValueError)" in mail.get_content()
    assert mail["Message-ID"] == "<3f1c.1@driftwatch.example.org>"


def test_times_are_those_of_the_notice() -> None:
    later = read(make_notice(at=NOW + timedelta(hours=1)))
    assert parsedate_to_datetime(later["Date"]) == NOW + timedelta(hours=1)
