"""Webhooks over real HTTP: what is genuine queues checks, everything else does nothing."""

import base64
import hmac
import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from driftwatch.config.service_model import Hook
from driftwatch.domain.job import Job
from driftwatch.web.limits import Limits
from driftwatch.web.signatures import is_genuine
from tests.builders import NOW, make_report
from tests.web.forges import SAMPLES, body, commit, github, gitlab, headers
from tests.web.world import (
    HOOK_SECRET,
    FakeOffice,
    browsing,
    empty_queue,
    make_office,
    served,
    watch,
)


@pytest.fixture
def office(tmp_path: Path) -> FakeOffice:
    found = make_office(tmp_path)
    watch(
        found,
        make_report(),
        make_report(environment="dev", directory="environments/dev"),
        make_report(environment="shop", directory="shop", repository="other"),
    )
    return found


@pytest.fixture
def client(office: FakeOffice) -> Iterator[httpx2.Client]:
    with served(office) as base, browsing(base) as found:
        yield found


def send(client: httpx2.Client, forge: str, content: bytes, **changes: str) -> httpx2.Response:
    return client.post(
        f"/hooks/{forge}", content=content, headers=headers(forge, content, **changes)
    )


def push_into(link: socket.socket, piece: bytes, times: int) -> int:
    """Send until the other side closes, and count what went out."""
    sent = 0
    with suppress(OSError):
        for _ in range(times):
            link.sendall(piece)
            sent += len(piece)
    return sent


def jobs(office: FakeOffice) -> list[Job]:
    return list(office.installation.store.queue.all())


@pytest.mark.parametrize("forge", ["github", "gitea"])
def test_a_push_queues_urgent_checks_of_just_what_it_touches(
    forge: str, client: httpx2.Client, office: FakeOffice
) -> None:
    answer = send(client, forge, body(SAMPLES[forge]("environments/dev/main.tf")))
    assert answer.status_code == 202
    assert answer.json() == {"status": "queued", "environments": ["dev"]}
    (job,) = jobs(office)
    assert (job.environment, job.reason, job.actor) == ("dev", "push", f"hook:{forge}")
    assert job.urgent
    assert office.woken == 1
    (entry,) = office.installation.store.audit.entries()
    assert (entry.actor, entry.action, entry.subject) == (f"hook:{forge}", "check.queue", "live")


def test_a_push_to_gitlab_finds_its_repository_whatever_its_case(
    client: httpx2.Client, office: FakeOffice
) -> None:
    answer = send(client, "gitlab", body(gitlab("shop/main.tf")))
    assert answer.json() == {"status": "queued", "environments": ["shop"]}


def test_a_push_that_touches_nothing_of_ours_wakes_nobody(
    client: httpx2.Client, office: FakeOffice
) -> None:
    answer = send(client, "github", body(github("README.md")))
    assert (answer.status_code, answer.json()["environments"]) == (202, [])
    assert not jobs(office)
    assert office.woken == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/heads/feature"},
        {"repository": {"clone_url": "https://github.com/example/other"}},
        {"repository": None},
    ],
)
def test_other_branches_and_other_repositories_are_none_of_our_business(
    changes: dict[str, object], client: httpx2.Client, office: FakeOffice
) -> None:
    answer = send(client, "github", body(github("environments/dev/main.tf", **changes)))
    assert (answer.status_code, answer.json()["environments"]) == (202, [])
    assert not jobs(office)


def test_a_hook_for_some_repositories_queues_nothing_of_the_others(
    client: httpx2.Client, office: FakeOffice
) -> None:
    office.set_web(hooks=(Hook("github", "github", HOOK_SECRET, ("other",)),))
    answer = send(client, "github", body(github("environments/dev/main.tf")))
    assert answer.json()["environments"] == []


@pytest.mark.parametrize("forge", SAMPLES)
def test_a_replay_is_seen_and_does_nothing(
    forge: str, client: httpx2.Client, office: FakeOffice
) -> None:
    content = body(SAMPLES[forge]())
    assert send(client, forge, content).status_code == 202
    empty_queue(office)
    again = send(client, forge, content)
    assert (again.status_code, again.json()) == (200, {"status": "seen"})
    # The name of a delivery is not signed: whoever replays may change it.
    assert send(client, forge, content, delivery="another").json() == {"status": "seen"}
    other = body(SAMPLES[forge]("x.tf"))
    assert send(client, forge, other).json() == {"status": "seen"}
    assert not jobs(office)


def test_a_delivery_that_could_not_be_queued_is_new_when_it_comes_again(
    client: httpx2.Client, office: FakeOffice
) -> None:
    database, content = office.installation.store.database, body(github("environments/dev/main.tf"))
    with database.writing() as tables:
        tables.conn.execute(
            "CREATE TRIGGER full BEFORE INSERT ON job BEGIN SELECT raise(ABORT, 'full'); END"
        )
    assert send(client, "github", content).status_code == 503
    with database.writing() as tables:
        tables.conn.execute("DROP TRIGGER full")
    assert send(client, "github", content).json()["status"] == "queued"
    assert [job.environment for job in jobs(office)] == ["dev"]
    assert send(client, "github", content).json() == {"status": "seen"}


@pytest.mark.parametrize("forge", SAMPLES)
def test_what_is_not_signed_with_our_secret_is_refused(
    forge: str, client: httpx2.Client, office: FakeOffice
) -> None:
    content = body(SAMPLES[forge]("environments/dev/main.tf"))
    assert send(client, forge, content, secret="somebody else's").status_code == 401
    assert send(client, forge, content, secret="").status_code == 401
    assert client.post(f"/hooks/{forge}", content=content).status_code == 401
    twice = [(k.lower(), v) for k, v in headers(forge, content).items()]
    signature = [(k, v) for k, v in twice if "signature" in k or "token" in k]
    assert (
        client.post(f"/hooks/{forge}", content=content, headers=twice + signature).status_code
        == 401
    )
    if forge != "gitlab":  # whose token says nothing of the body
        changed = content.replace(b"dev", b"ved")
        answer = client.post(f"/hooks/{forge}", content=changed, headers=headers(forge, content))
        assert answer.status_code == 401
    for other in set(SAMPLES) - {forge}:
        answer = client.post(f"/hooks/{forge}", content=content, headers=headers(other, content))
        assert (answer.status_code == 401) or (forge, other) == ("github", "gitea")
    assert not jobs(office)


def test_an_old_sha1_signature_is_none(client: httpx2.Client) -> None:
    content = body(github("a.tf"))
    digest = hmac.digest(HOOK_SECRET.encode(), content, "sha1").hex()
    given = {"X-GitHub-Event": "push", "X-Hub-Signature": f"sha1={digest}"}
    assert client.post("/hooks/github", content=content, headers=given).status_code == 401


def test_a_signature_of_standard_webhooks_is_good_for_five_minutes() -> None:
    key = b"0123456789abcdef0123456789abcdef"
    hook = Hook("gitlab", "gitlab", f"whsec_{base64.b64encode(key).decode()}")
    content, at = body(gitlab("a.tf")), str(int(NOW.timestamp()))
    signed = hmac.digest(key, f"msg_1.{at}.".encode() + content, "sha256")
    good = f"v1,{base64.b64encode(signed).decode()}"

    def genuine(signature: str, at: str = at, secret: Hook = hook) -> bool:
        given = {
            "webhook-id": ["msg_1"],
            "webhook-timestamp": [at],
            "webhook-signature": [signature],
            "X-Gitlab-Token": [secret.secret],
        }
        return is_genuine(secret, lambda name: given.get(name, []), content, NOW)

    assert genuine(good)
    assert genuine(f"v1,bm9uc2Vuc2U= {good}")
    assert not genuine("v1,bm9uc2Vuc2U=")
    assert not genuine(good, at=str(int(NOW.timestamp()) - 301))
    assert not genuine(good, at="soon")
    assert not genuine(good, secret=Hook("gitlab", "gitlab", "whsec_!!!"))


def test_a_ping_is_answered_and_other_events_are_let_go(
    client: httpx2.Client, office: FakeOffice
) -> None:
    content = body({"zen": "Keep it logically awesome.", "hook_id": 1})
    assert send(client, "github", content, event="ping").json() == {"status": "pong"}
    assert send(client, "github", content, event="issues").status_code == 204
    assert send(client, "gitlab", content, event="Tag Push Hook").status_code == 204
    assert send(client, "github", body(github("a", ref="refs/tags/v1"))).status_code == 204
    assert send(client, "github", b"{}").status_code == 400
    assert not jobs(office)


def test_a_hook_that_does_not_exist_is_not_found(client: httpx2.Client) -> None:
    assert send(client, "github", b"{}").status_code == 400
    assert client.post("/hooks/nobody", content=b"{}").status_code == 404
    assert client.get("/hooks/github").status_code == 405


def test_a_body_of_fifty_megabytes_is_refused_without_being_read(
    client: httpx2.Client, office: FakeOffice
) -> None:
    port = client.base_url.port
    assert port
    head = f"POST /hooks/github HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(f"{head}Content-Length: {50 << 20}\r\n\r\n".encode())
        assert b" 413 " in link.recv(4096)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        assert push_into(link, piece, 800) < 40 * Limits().body
    assert client.get("/healthz").status_code == 200


def test_ten_thousand_pushes_a_minute_queue_each_environment_once(
    client: httpx2.Client, office: FakeOffice
) -> None:
    for at in range(100):
        content = body(github("environments/dev/main.tf", at=at))
        assert send(client, "github", content, delivery=f"d-{at}").status_code == 202
    assert [job.environment for job in jobs(office)] == ["dev"]


def test_a_signed_body_full_of_nonsense_is_never_our_fault(
    client: httpx2.Client, office: FakeOffice
) -> None:
    chance = random.Random(20261124)
    payload = github("environments/dev/main.tf", commits=[commit("a", added=["b"])] * 3)
    for at in range(150):
        content = bytearray(json.dumps(payload).encode())
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        answer = send(client, "github", bytes(content), delivery=f"n-{at}")
        if answer.status_code == 429:
            continue
        assert answer.status_code in (200, 202, 204, 400), content
