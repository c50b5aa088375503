"""What driftwatch.yaml says of notifications: channels, routes, and how patient people are."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from driftwatch.config.service_model import (
    ChatSettings,
    Notifications,
    SesSettings,
    SmtpSettings,
    WebhookSettings,
)
from driftwatch.domain.globs import Globs
from driftwatch.domain.model import Severity
from driftwatch.domain.news import Patience
from driftwatch.domain.notice import EventKind
from driftwatch.domain.routing import Digest, Route
from tests.config.loading import CHAT, CRON, KEY, MAIL, ROLE, load, refusals


def channel(directory: Path, text: str, **environ: str) -> Any:
    config = load(directory, f"notifications: {{channels: {{c: {text}}}}}", **environ)
    return config.notifications.channels["c"]


def route(directory: Path, text: str, channels: str = f"{{c: {CHAT}}}") -> Route:
    config = load(directory, f"notifications: {{channels: {channels}, routes: {{r: {text}}}}}")
    (only,) = config.notifications.routes
    return only


# --- Channels.


def test_a_mail_server_is_read_with_what_is_usual(tmp_path: Path) -> None:
    assert channel(tmp_path, MAIL) == SmtpSettings("mail.example.org", 587, "drift@example.org")


@pytest.mark.parametrize(
    ("more", "port"),
    [("security: tls", 465), ("security: starttls", 587), ("security: tls, port: 2465", 2465)],
)
def test_the_port_of_a_mail_server_follows_its_security(
    tmp_path: Path, more: str, port: int
) -> None:
    assert channel(tmp_path, f"{{smtp: {{host: h, sender: a@b.c, {more}}}}}").port == port


def test_every_key_of_a_mail_server_is_read(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    text = (
        "{smtp: {host: h, sender: a@b.c, security: tls, username: u,"
        ' password: "${env:MAIL}", ca_file: ca.pem, timeout: 5s}, attach_report: true}'
    )
    settings = channel(tmp_path, text, MAIL="hush-hush")
    assert settings == SmtpSettings(
        host="h",
        port=465,
        sender="a@b.c",
        security="tls",
        username="u",
        password="hush-hush",
        ca_file=tmp_path / "ca.pem",
        timeout=timedelta(seconds=5),
        attach_report=True,
    )
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "'::1'"])
def test_mail_without_protection_stays_on_this_machine(tmp_path: Path, host: str) -> None:
    text = f"{{smtp: {{host: {host}, sender: a@b.c, security: none}}}}"
    assert channel(tmp_path, text).port == 25


def test_amazon_ses_is_read(tmp_path: Path) -> None:
    assert channel(tmp_path, "{ses: {region: eu-west-1, sender: a@b.c}}") == SesSettings(
        "eu-west-1", "a@b.c"
    )
    every = (
        f"{{ses: {{region: eu-west-1, sender: a@b.c, role_arn: {ROLE}, configuration_set: drift,"
        " endpoint: http://127.0.0.1:5000}, attach_report: true}"
    )
    assert channel(tmp_path, every) == SesSettings(
        "eu-west-1", "a@b.c", ROLE, "drift", "http://127.0.0.1:5000", attach_report=True
    )


def test_a_webhook_and_chat_rooms_are_read(tmp_path: Path) -> None:
    hook = channel(tmp_path, f"{{webhook: {{url: https://example.org/x, secret: {KEY}}}}}")
    assert hook == WebhookSettings("https://example.org/x", KEY, timedelta(seconds=10))
    slow = f"{{webhook: {{url: https://example.org/x, secret: {KEY}, timeout: 1m}}}}"
    assert channel(tmp_path, slow).timeout == timedelta(minutes=1)
    chat = channel(tmp_path, CHAT)
    assert chat == ChatSettings(("slack://token-a/token-b",))
    assert KEY not in repr(hook)
    assert "token-a" not in repr(chat)


KINDS = "2:31: notifications.channels.c: needs one of smtp, ses, webhook, chat"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", KINDS),
        (f"{{chat: {{urls: slack://x}}, webhook: {{url: 'https://x', secret: {KEY}}}}}", KINDS),
        (
            "{smtp: {host: h, sender: nobody}}",
            (
                "2:56: notifications.channels.c.smtp.sender: 'nobody' is not a mail address: write"
                " name@example.org"
            ),
        ),
        (
            '{smtp: {host: h, sender: "a@b.c\\nBcc: x@y.z"}}',
            (
                r"2:56: notifications.channels.c.smtp.sender: 'a@b.c\nBcc: x@y.z' is not a mail"
                " address: write name@example.org"
            ),
        ),
        (
            "{smtp: {host: h, sender: a@b.c, security: ssl}}",
            "2:73: notifications.channels.c.smtp.security: must be 'starttls', 'tls' or 'none'",
        ),
        (
            "{smtp: {host: h, sender: a@b.c, security: none}}",
            (
                "2:73: notifications.channels.c.smtp.security: none is for loopback only: reports"
                " would travel in clear text"
            ),
        ),
        (
            "{smtp: {host: 127.0.0.1, sender: a@b.c, security: none, username: u, password: p}}",
            (
                "2:110: notifications.channels.c.smtp.password: would travel in clear text: use"
                " starttls or tls"
            ),
        ),
        (
            "{smtp: {host: h, sender: a@b.c, username: u}}",
            "2:38: notifications.channels.c.smtp: username and password go together",
        ),
        (
            "{smtp: {host: h, sender: a@b.c, port: 70000}}",
            "2:69: notifications.channels.c.smtp.port: must be less than or equal to 65535",
        ),
        (
            "{smtp: {host: h, sender: a@b.c, ca_file: nowhere.pem}}",
            "2:72: notifications.channels.c.smtp.ca_file: there is no nowhere.pem",
        ),
        ("{smtp: {sender: a@b.c}}", "2:32: notifications.channels.c.smtp.host: is required"),
        (
            "{ses: {region: nowhere, sender: a@b.c}}",
            "2:46: notifications.channels.c.ses.region: 'nowhere' is not an AWS region",
        ),
        (
            f"{{webhook: {{url: 'ftp://x', secret: {KEY}}}}}",
            "2:47: notifications.channels.c.webhook.url: 'ftp://x' is not a URL: write https://…",
        ),
        (
            "{webhook: {url: 'https://x', secret: hunter2}}",
            (
                "2:68: notifications.channels.c.webhook.secret: must be one line of 16 characters"
                " or more"
            ),
        ),
        (
            f"{{webhook: {{url: 'https://x', secret: {KEY}}}, attach_report: true}}",
            "2:102: notifications.channels.c.attach_report: is only of use with mail",
        ),
        ("{chat: {urls: []}}", "2:45: notifications.channels.c.chat.urls: must not be empty"),
        (
            "{chat: {urls: hunter2}}",
            "2:39: notifications.channels.c.chat.urls[0]: must be an Apprise URL, such as slack://…",
        ),
    ],
)
def test_a_channel_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, f"notifications: {{channels: {{c: {text}}}}}") == [expected]


# --- Routes.


def test_a_route_that_narrows_nothing_gets_everything(tmp_path: Path) -> None:
    assert route(tmp_path, "{channel: c}") == Route("r", "c")


def test_every_key_of_a_route_is_read(tmp_path: Path) -> None:
    text = (
        "{channel: c, to: [a@b.c, d@e.f, a@b.c], environments: prod-*, owners: ['@org/*'],"
        " labels: [critical], severity: high, events: [opened, closed], digest: weekly}"
    )
    assert route(tmp_path, text, f"{{c: {MAIL}}}") == Route(
        name="r",
        channel="c",
        recipients=("a@b.c", "d@e.f"),
        environments=Globs(("prod-*",)),
        owners=Globs(("@org/*",)),
        labels=Globs(("critical",)),
        severity=Severity.HIGH,
        kinds=frozenset({EventKind.OPENED, EventKind.CLOSED}),
        digest=Digest("weekly", "0 7 * * 1"),
    )


def test_one_word_stands_for_a_list_of_one(tmp_path: Path) -> None:
    found = route(tmp_path, "{channel: c, to: a@b.c, events: opened}", f"{{c: {MAIL}}}")
    assert (found.recipients, found.kinds) == (("a@b.c",), frozenset({EventKind.OPENED}))


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        ("daily", Digest("daily", "0 7 * * *")),
        ("{}", Digest("daily", "0 7 * * *")),
        ("weekly", Digest("weekly", "0 7 * * 1")),
        (
            "{schedule: 0 6 * * 1-5, timezone: Asia/Tokyo}",
            Digest("collected", "0 6 * * 1-5", "Asia/Tokyo"),
        ),
        ("{schedule: '@weekly'}", Digest("collected", "0 0 * * 0")),
        ("null", None),
    ],
)
def test_a_digest_is_daily_weekly_or_when_it_says(
    tmp_path: Path, text: str, digest: Digest | None
) -> None:
    assert route(tmp_path, f"{{channel: c, digest: {text}}}").digest == digest


@pytest.mark.parametrize(
    ("channels", "text", "expected"),
    [
        ("{}", "{channel: x}", "channel: there is no channel 'x'; known: none"),
        (f"{{c: {CHAT}}}", "{channel: x}", "channel: there is no channel 'x'; known: c"),
        (f"{{c: {MAIL}}}", "{channel: c}", "to: is required: a mail needs somebody to go to"),
        (
            f"{{c: {MAIL}}}",
            "{channel: c, to: []}",
            "to: is required: a mail needs somebody to go to",
        ),
        (
            f"{{c: {MAIL}}}",
            "{channel: c, to: [x@y.z, nobody]}",
            "to[1]: 'nobody' is not a mail address: write name@example.org",
        ),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, to: x@y.z}",
            "to: is only of use with mail, and c is none",
        ),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, severity: bad}",
            "severity: must be 'critical', 'high', 'medium', 'low' or 'info'",
        ),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, events: [open]}",
            (
                "events[0]: must be 'opened', 'changed', 'closed', 'reminded', 'overdue', 'failed',"
                " 'recovered', 'stale' or 'fresh'"
            ),
        ),
        (f"{{c: {CHAT}}}", "{channel: c, events: []}", "events: must not be empty"),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, digest: hourly}",
            (
                "digest: 'hourly' is no digest: write daily or weekly, or a map with schedule and"
                " timezone"
            ),
        ),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, digest: {schedule: never}}",
            f"digest.schedule: 'never' is no time of day: {CRON}",
        ),
        (
            f"{{c: {CHAT}}}",
            "{channel: c, digest: {when: 7}}",
            "digest.when: unknown key; known here: schedule, timezone",
        ),
    ],
)
def test_a_route_is_refused(tmp_path: Path, channels: str, text: str, expected: str) -> None:
    text = f"notifications: {{channels: {channels}, routes: {{r: {text}}}}}"
    (line,) = refusals(tmp_path, text)
    assert line.startswith("2:")
    assert line.partition("notifications.routes.r.")[2] == expected


def test_what_is_broken_elsewhere_is_not_called_missing(tmp_path: Path) -> None:
    lines = refusals(
        tmp_path,
        "notifications: {channels: {c: {smtp: {host: h, sender: nobody}}, d: 3},"
        " routes: {r: {channel: c, to: a@b.c}, s: {channel: d}, t: {channel: c, to: nobody}}}",
    )
    assert [line.split(": ")[1] for line in lines] == [
        "notifications.channels.c.smtp.sender",
        "notifications.channels.d",
        "notifications.routes.t.to[0]",
    ]


def test_how_patient_people_are_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "notifications: {first_pass: tell, pending_after: 5d, failed_after: 4, give_up_after: 6h}",
    )
    assert config.notifications == Notifications(
        patience=Patience(timedelta(days=5), 4),
        quiet_first_pass=False,
        give_up_after=timedelta(hours=6),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{first_pass: loud}", "2:29: notifications.first_pass: must be 'quiet' or 'tell'"),
        (
            "{failed_after: 0}",
            "2:31: notifications.failed_after: must be greater than or equal to 1",
        ),
        (
            "{pending_after: 3}",
            (
                "2:32: notifications.pending_after: 3 is not a duration above zero: write 30s, 15m,"
                " 24h, 7d or 1h30m"
            ),
        ),
        ("{chanels: {}}", "2:17: notifications.chanels: unknown key; did you mean 'channels'?"),
    ],
)
def test_impatience_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, f"notifications: {text}") == [expected]
