"""A webhook gets signed JSON once, and is neither followed elsewhere nor waited for."""

import hmac
import json
import re
import socket
import time
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import jsonschema
import pytest

from driftwatch.adapters.channels.webhook import WebhookChannel, sign
from driftwatch.config.service_model import WebhookSettings
from driftwatch.domain.notice import EventKind
from driftwatch.errors import CouldNotSend
from driftwatch.render.notice_payload import payload_schema
from tests.adapters.channels.http_world import Target, http_server
from tests.adapters.smtp_world import broken_server, say_nothing
from tests.render.hostile import HOSTILE
from tests.render.notices import make_digest, make_hostile_notice, make_notice, make_rich_notice

ROOT = Path(__file__).parents[3]
SECRET = "a secret of sixteen or more"


def channel(url: str, seconds: float = 5) -> WebhookChannel:
    return WebhookChannel(WebhookSettings(url, SECRET, timedelta(seconds=seconds)))


def post(found: WebhookChannel, **changes: Any) -> Any:
    return found.send(make_notice(**changes), found.targets)


def refusal_of(found: WebhookChannel) -> CouldNotSend:
    with pytest.raises(CouldNotSend) as caught:
        post(found)
    return caught.value


def test_a_notice_is_posted_and_its_signature_fits_its_bytes_and_its_time() -> None:
    with http_server() as target:
        found = channel(f"{target.url}/hooks/T0K3N?key=abc")
        delivery = post(found, attempt=2)
    assert delivery.accepted == found.targets
    (asked,) = target.asked
    assert asked.path == "/hooks/T0K3N?key=abc"
    headers = asked.headers
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Driftwatch-Event"] == "opened"
    assert headers["X-Driftwatch-Delivery"] == "3f1c.1@driftwatch.example.org"
    assert headers["X-Driftwatch-Attempt"] == "2"
    timestamp = headers["X-Driftwatch-Timestamp"]
    assert abs(int(timestamp) - time.time()) < 60
    assert headers["X-Driftwatch-Signature"] == sign(SECRET, timestamp, asked.body)
    assert json.loads(asked.body)["events"][0]["kind"] == "opened"


def test_a_signature_is_for_one_secret_one_time_and_one_body() -> None:
    known = sign("key", "1", b"body")
    expected = hmac.new(b"key", b"1.body", "sha256").hexdigest()
    assert known == f"sha256={expected}"
    assert len({known, sign("kez", "1", b"body"), sign("key", "2", b"body")}) == 3
    assert sign("key", "1", b"bodz") != known


@pytest.mark.parametrize("notice", [make_rich_notice(), make_digest()], ids=["rich", "digest"])
def test_what_is_posted_is_what_the_schema_says(notice: Any) -> None:
    with http_server() as target:
        found = channel(target.url)
        found.send(notice, found.targets)
    jsonschema.validate(json.loads(target.asked[0].body), payload_schema())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_arrive_as_values(text: str) -> None:
    with http_server() as target:
        found = channel(target.url)
        found.send(make_hostile_notice(text, message_id=text or "empty"), found.targets)
    (asked,) = target.asked
    assert json.loads(asked.body)["events"][0]["address"] == text
    assert "evil" not in asked.headers["X-Driftwatch-Event"]


def test_a_target_is_named_by_its_host_alone() -> None:
    assert channel("https://user@hooks.example.org:8443/T0K3N?key=abc").targets == (
        "https://hooks.example.org:8443",
    )
    assert channel("https://hooks.example.org/T0K3N").targets == ("https://hooks.example.org",)
    assert SECRET not in repr(channel("https://hooks.example.org/"))


def test_an_address_that_is_no_longer_configured_is_refused_for_good() -> None:
    with http_server() as target:
        delivery = channel(target.url).send(make_notice(), ("https://old.example.org",))
    assert delivery.accepted == ()
    assert delivery.refused["https://old.example.org"].permanent
    assert target.asked == []


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (302, True),
        (400, True),
        (401, True),
        (404, True),
        (408, False),
        (410, True),
        (422, True),
        (425, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_refusals_are_tried_again_where_that_can_help(status: int, permanent: bool) -> None:
    with http_server(Target(status, body=b"because")) as target:
        error = refusal_of(channel(target.url))
    assert error.permanent is permanent
    assert f"answered {status}" in error.message


def test_redirects_are_not_followed() -> None:
    with http_server() as elsewhere:
        answer = Target(307, {"Location": f"{elsewhere.url}/taken"})
        with http_server(answer) as target:
            error = refusal_of(channel(target.url))
    assert "redirects are not followed" in error.message
    assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": "9999999999999"}, 86400.0),
        ({"Retry-After": "Mon, 02 Mar 2026 09:30:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_the_server_may_say_when_to_come_back(headers: dict[str, str], wait: float | None) -> None:
    with http_server(Target(503, headers)) as target:
        found = refusal_of(channel(target.url)).retry_after
    # A date counts from the server's own clock, and this one is in its past.
    assert found == (0.0 if "GMT" in str(headers) else wait)


def answering(text: bytes) -> Any:
    def talk(caller: socket.socket, over: Event) -> None:
        caller.recv(65536)
        caller.sendall(text)
        over.wait(0.2)

    return talk


def test_a_date_counts_from_the_clock_of_the_server() -> None:
    head = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"
    dates = (
        b"Date: Mon, 02 Mar 2026 09:30:00 GMT\r\nRetry-After: Mon, 02 Mar 2026 09:30:30 -0000\r\n"
    )
    with broken_server(answering(head + dates + b"\r\n")) as server:
        assert refusal_of(channel(f"http://127.0.0.1:{server.port}")).retry_after == 30.0
    undated = b"Retry-After: Mon, 02 Mar 2026 09:30:30 GMT\r\n\r\n"
    with broken_server(answering(head + undated)) as server:
        assert refusal_of(channel(f"http://127.0.0.1:{server.port}")).retry_after is None


def test_what_a_server_says_is_told_without_secrets_and_short() -> None:
    body = b"no: /hooks/T0K3N key=abc \x1b[31m " + SECRET.encode() + b" " + b"x" * 9000
    with http_server(Target(400, body=body)) as target:
        error = refusal_of(channel(f"{target.url}/hooks/T0K3N?key=abc"))
    assert "T0K3N" not in error.message
    assert "key=abc" not in error.message
    assert SECRET not in error.message
    assert "\x1b" not in error.message
    assert len(error.message) < 300


def test_a_server_that_says_nothing_does_not_hold_us() -> None:
    with broken_server(say_nothing) as server:
        started = time.monotonic()
        error = refusal_of(channel(f"http://127.0.0.1:{server.port}/T0K3N", 0.4))
        assert time.monotonic() - started < 2
    assert not error.permanent
    assert "did not answer in 0.4 seconds" in error.message
    assert "T0K3N" not in error.message


def drip_headers(caller: socket.socket, over: Event) -> None:
    caller.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.05):
        caller.sendall(b"X-More: yes\r\n")


def drip_body(caller: socket.socket, over: Event) -> None:
    caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not over.wait(0.05):
        caller.sendall(b"x")


@pytest.mark.parametrize("talk", [drip_headers, drip_body], ids=lambda t: t.__name__)
def test_a_server_that_drips_does_not_hold_us(talk: Any) -> None:
    with broken_server(talk) as server:
        started = time.monotonic()
        refusal_of(channel(f"http://127.0.0.1:{server.port}", 0.4))
        assert time.monotonic() - started < 2


def test_an_endless_answer_is_read_no_further_than_its_beginning() -> None:
    def pour(caller: socket.socket, over: Event) -> None:
        caller.recv(65536)
        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while not over.is_set():
            caller.sendall(b"x" * 65536)

    with broken_server(pour) as server:
        found = channel(f"http://127.0.0.1:{server.port}")
        assert post(found).accepted == found.targets


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
def test_an_answer_that_breaks_off_is_tried_again(answer: bytes) -> None:
    with broken_server(answering(answer)) as server:
        error = refusal_of(channel(f"http://127.0.0.1:{server.port}/T0K3N"))
    assert not error.permanent
    assert "T0K3N" not in f"{error!r} {error.__cause__!r}"


def test_nobody_at_home_is_told_without_the_whole_address() -> None:
    error = refusal_of(channel("http://127.0.0.1:9/T0K3N"))
    assert not error.permanent
    assert error.message == "http://127.0.0.1:9 cannot be reached (ConnectError)."


def test_the_event_is_named_for_receivers_that_sort() -> None:
    with http_server() as target:
        found = channel(target.url)
        for notice in (make_notice(), make_rich_notice(), make_digest()):
            found.send(notice, found.targets)
    told = [asked.headers["X-Driftwatch-Event"] for asked in target.asked]
    assert told == [EventKind.OPENED, "several", "digest"]


def test_the_snippet_of_the_documentation_tells_genuine_from_forged_and_replayed() -> None:
    text = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    scope: dict[str, Any] = {}
    exec(snippet, scope)
    is_genuine = scope["is_genuine"]
    with http_server() as target:
        post(channel(target.url))
    (asked,) = target.asked
    headers = dict(asked.headers)
    assert is_genuine(SECRET, headers, asked.body)
    assert not is_genuine("another secret", headers, asked.body)
    assert not is_genuine(SECRET, headers, asked.body + b" ")
    before = str(int(headers["X-Driftwatch-Timestamp"]) - 1000)
    moved = headers | {"X-Driftwatch-Timestamp": before}
    assert not is_genuine(SECRET, moved, asked.body)
    replayed = moved | {"X-Driftwatch-Signature": sign(SECRET, before, asked.body)}
    assert not is_genuine(SECRET, replayed, asked.body)
    assert is_genuine(SECRET, replayed, asked.body, patience=2000)
