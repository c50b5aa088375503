"""Mail goes out over real SMTP; whatever a server does, it is known who got it, and soon."""

import socket
import time
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from driftwatch.adapters.channels.smtp import SmtpChannel
from driftwatch.config.service_model import SmtpSettings
from driftwatch.domain.notice import Delivery
from driftwatch.errors import CouldNotSend
from tests.adapters import smtp_world as world
from tests.adapters.smtp_world import PASSWORD, USER, Mailbox, broken_server, mail_server
from tests.render.notices import make_notice

ANNA, BERT, CARL = "anna@example.org", "bert@example.org", "carl@example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.make_certificate(tmp_path_factory.mktemp("tls"))


def send(settings: SmtpSettings, *recipients: str) -> Delivery:
    return SmtpChannel(settings).send(make_notice(), recipients or (ANNA,))


def refusal_of(settings: SmtpSettings, *recipients: str) -> CouldNotSend:
    with pytest.raises(CouldNotSend) as caught:
        send(settings, *recipients)
    return caught.value


def test_one_mail_reaches_all_recipients() -> None:
    with mail_server() as server:
        delivery = send(server.settings(), ANNA, BERT)
    assert delivery == Delivery((ANNA, BERT), {})
    (mail,) = server.box.mails
    assert mail["To"] == f"{ANNA}, {BERT}"
    assert mail["Message-ID"] == "<3f1c.1@driftwatch.example.org>"
    assert server.box.recipients == [(ANNA, BERT)]


def test_a_channel_of_mail_reaches_nobody_by_itself() -> None:
    with mail_server() as server:
        assert SmtpChannel(server.settings()).targets == ()


def test_who_is_refused_is_told_apart_from_who_got_it() -> None:
    answers = {BERT: "550 5.1.1 no such user", CARL: "451 4.7.1 greylisted, come back"}
    with mail_server(Mailbox(refusals=answers)) as server:
        delivery = send(server.settings(), ANNA, BERT, CARL)
    assert delivery.accepted == (ANNA,)
    assert server.box.recipients == [(ANNA,)]
    assert delivery.refused[BERT].permanent
    assert "550 5.1.1 no such user" in delivery.refused[BERT].reason
    assert not delivery.refused[CARL].permanent


def test_all_refused_is_told_for_each() -> None:
    answers = {ANNA: "550 gone", BERT: "450 busy"}
    with mail_server(Mailbox(refusals=answers)) as server:
        delivery = send(server.settings(), ANNA, BERT)
    assert delivery.accepted == ()
    assert delivery.refused[ANNA].permanent
    assert not delivery.refused[BERT].permanent
    assert server.box.taken == []


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("451 4.3.0 try again later", False),
        ("452 disk full", False),
        ("550 5.7.1 this is spam", True),
        ("554 5.6.0 no", True),
    ],
)
def test_a_refused_mail_is_tried_again_where_that_can_help(answer: str, permanent: bool) -> None:
    with mail_server(Mailbox(data=answer)) as server:
        error = refusal_of(server.settings())
    assert error.permanent is permanent
    assert answer in error.message
    assert f"127.0.0.1:{server.port}" in error.message


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [("550 not from you", True), ("451 later", False), ("530 5.7.0 log in first", False)],
)
def test_a_refused_sender_is_told(answer: str, permanent: bool) -> None:
    with mail_server(Mailbox(sender=answer)) as server:
        error = refusal_of(server.settings())
    assert error.permanent is permanent
    assert answer in error.message


def test_what_a_server_says_is_made_harmless_and_short() -> None:
    with mail_server(Mailbox(data="550 \x1b[31mred " + "x" * 450)) as server:
        error = refusal_of(server.settings())
    assert "\x1b" not in error.message
    assert len(error.message) < 400


def test_starttls_encrypts_and_checks_the_certificate(certificate: Path) -> None:
    with mail_server(tls=certificate) as server:
        settings = server.settings(security="starttls", ca_file=certificate)
        assert send(settings).accepted == (ANNA,)
    assert server.box.secure == [True]


def test_tls_from_the_first_byte(certificate: Path) -> None:
    with mail_server(tls=certificate, implicit=True) as server:
        settings = server.settings(security="tls", ca_file=certificate)
        assert send(settings).accepted == (ANNA,)
    assert server.box.secure == [True]


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_an_unknown_certificate_gets_no_mail(
    certificate: Path, security: str, implicit: bool
) -> None:
    with mail_server(tls=certificate, implicit=implicit) as server:
        error = refusal_of(server.settings(security=security))
        assert "cannot be trusted" in error.message
        assert not error.permanent
    assert server.box.taken == []


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_a_certificate_for_another_name_gets_no_mail(
    tmp_path: Path, security: str, implicit: bool
) -> None:
    other = world.make_certificate(tmp_path, "other.example.org")
    with mail_server(tls=other, implicit=implicit) as server:
        error = refusal_of(server.settings(security=security, ca_file=other))
        assert "cannot be trusted" in error.message
    assert server.box.taken == []


def test_a_server_without_starttls_gets_nothing_in_clear_text() -> None:
    with mail_server() as server:
        settings = server.settings(security="starttls", username=USER, password=PASSWORD)
        error = refusal_of(settings)
        assert "does not offer STARTTLS" in error.message
        assert not error.permanent
    assert server.box.taken == []
    assert server.box.logins == []


def test_tls_is_refused_by_a_server_that_speaks_clear_text() -> None:
    with mail_server() as server:
        error = refusal_of(server.settings(security="tls", timeout=timedelta(seconds=2)))
    assert not error.permanent


def test_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    for path in (empty, tmp_path / "absent.pem"):
        with mail_server() as server:
            error = refusal_of(server.settings(security="tls", ca_file=path))
        assert f"the certificates in {path} cannot be read" in error.message


def login(server: world.MailServer, certificate: Path, password: str) -> SmtpSettings:
    return server.settings(
        security="starttls", ca_file=certificate, username=USER, password=password
    )


def test_login_happens_inside_tls(certificate: Path) -> None:
    box = Mailbox()
    with mail_server(box, tls=certificate, authenticator=box.check, auth_required=True) as server:
        assert send(login(server, certificate, PASSWORD)).accepted == (ANNA,)
    assert box.logins == [USER]


def test_a_wrong_password_is_told_without_the_password(certificate: Path) -> None:
    box = Mailbox()
    with mail_server(box, tls=certificate, authenticator=box.check, auth_required=True) as server:
        error = refusal_of(login(server, certificate, "hunter2-hunter2"))
    assert not error.permanent
    assert "does not accept the user name and password (535)" in error.message
    assert "hunter2" not in f"{error!r} {error.__cause__!r}"
    assert box.taken == []


def test_a_password_that_smtp_cannot_carry_is_told(certificate: Path) -> None:
    box = Mailbox()
    with mail_server(box, tls=certificate, authenticator=box.check, auth_required=True) as server:
        error = refusal_of(login(server, certificate, "pässword"))
    assert "characters that SMTP cannot carry" in error.message
    assert "ssword" not in error.message.replace("password", "")


def test_a_server_without_login_is_told(certificate: Path) -> None:
    none = {"LOGIN", "PLAIN"}
    with mail_server(tls=certificate, auth_exclude_mechanism=none) as server:
        error = refusal_of(login(server, certificate, PASSWORD))
    assert "offers no login" in error.message


def test_settings_show_no_password() -> None:
    with mail_server() as server:
        settings = server.settings(username=USER, password=PASSWORD)
    assert PASSWORD not in repr(SmtpChannel(settings))


@pytest.mark.parametrize(
    "talk", [world.say_nothing, world.greet_for_ever, world.take_no_end], ids=lambda t: t.__name__
)
def test_a_server_that_hangs_or_drips_does_not_hold_us(talk: world.Talk) -> None:
    with broken_server(talk) as server:
        started = time.monotonic()
        error = refusal_of(server.settings(timeout=timedelta(seconds=0.5)))
        assert time.monotonic() - started < 2
    assert not error.permanent
    assert "no answer in time" in error.message or "took too long" in error.message


def test_a_tls_handshake_that_drips_does_not_hold_us(certificate: Path) -> None:
    def drip(caller: socket.socket, over: Event) -> None:
        for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc":
            if over.wait(0.2):
                return
            caller.sendall(bytes([byte]))
        while not over.wait(0.2):
            caller.sendall(b"\0")

    with broken_server(drip) as server:
        started = time.monotonic()
        settings = server.settings(
            security="tls", ca_file=certificate, timeout=timedelta(seconds=0.5)
        )
        error = refusal_of(settings)
        assert time.monotonic() - started < 3
    assert not error.permanent


@pytest.mark.parametrize(
    "talk",
    [world.drop_in_data, world.refuse_in_greeting, world.speak_nonsense],
    ids=lambda t: t.__name__,
)
def test_a_conversation_that_breaks_off_is_tried_again(talk: world.Talk) -> None:
    with broken_server(talk) as server:
        error = refusal_of(server.settings())
    assert not error.permanent


def test_a_server_that_leaves_at_a_recipient_took_nobody() -> None:
    with broken_server(world.leave_at_recipient) as server:
        delivery = send(server.settings(), ANNA, BERT, CARL)
    assert delivery.accepted == ()
    assert set(delivery.refused) == {ANNA, BERT, CARL}
    assert not any(refusal.permanent for refusal in delivery.refused.values())


def test_a_mail_that_was_taken_is_sent_whatever_follows() -> None:
    with broken_server(world.hang_after_taking) as server:
        delivery = send(server.settings(timeout=timedelta(seconds=0.5)))
    assert delivery.accepted == (ANNA,)


def test_nobody_at_home_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    server = world.MailServer(Mailbox(), port)
    error = refusal_of(server.settings())
    assert not error.permanent
    assert "cannot be reached: Connection refused" in error.message
    nowhere = refusal_of(server.settings(host="nowhere.invalid"))
    assert not nowhere.permanent


def test_a_report_that_the_server_would_not_take_is_left_out() -> None:
    with mail_server() as server:
        send(server.settings(attach_report=True))
    with mail_server(data_size_limit=20_000) as small:
        send(small.settings(attach_report=True))
    (whole,), (without,) = server.box.mails, small.box.mails
    assert [part.get_filename() for part in whole.iter_attachments()] == [
        "driftwatch-prod-20260302-0930.html"
    ]
    assert list(without.iter_attachments()) == []
