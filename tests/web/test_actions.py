"""What buttons do, and that no other site can press them."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from driftwatch.config.service_model import Proxy, Role
from tests.web.world import FakeOffice, browsing, fill, make_office, served


@pytest.fixture
def office(tmp_path: Path) -> FakeOffice:
    found = make_office(tmp_path)
    fill(found)
    return found


@pytest.fixture
def client(office: FakeOffice) -> Iterator[httpx2.Client]:
    with served(office) as base, browsing(base, headers={"Origin": base}) as found:
        yield found


def form_token(client: httpx2.Client, path: str = "/environments/prod") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get(path).text)
    assert found is not None
    return found[1]


def audited(office: FakeOffice) -> list[tuple[str, str, str]]:
    return [(e.actor, e.action, e.subject) for e in office.installation.store.audit.entries()]


def test_a_check_is_queued_by_a_button(client: httpx2.Client, office: FakeOffice) -> None:
    fields = {"form_token": form_token(client), "override": "yes"}
    answer = client.post("/environments/base-storage/check", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/environments/base-storage")
    job = next(j for j in office.installation.store.queue.all() if j.environment == "base-storage")
    assert (job.reason, job.actor, job.urgent, job.override) == ("asked", "local", True, True)
    assert audited(office)[0] == ("local", "check.queue", "base-storage")
    assert office.woken == 1


def test_a_drift_is_snoozed_and_heard_of_again(client: httpx2.Client, office: FakeOffice) -> None:
    fields = {
        "form_token": form_token(client),
        "address": "resource:aws_iam_role_policy.orders",
        "until": "2w",
        "because": "known, ticket 4711",
    }
    assert client.post("/environments/prod/snooze", data=fields).status_code == 303
    page = client.get("/snoozes").text
    assert "aws_iam_role_policy.orders" in page
    assert "known, ticket 4711" in page
    (made,) = (
        s for s in office.installation.store.snoozes.all() if s.because == "known, ticket 4711"
    )
    assert made.by == "local"
    assert client.post(f"/snoozes/{made.number}/end", data=fields).status_code == 303
    again = client.post(f"/snoozes/{made.number}/end", data=fields)
    assert (again.status_code, "No snooze" in again.text) == (409, True)
    assert [entry[1] for entry in audited(office)[:2]] == ["snooze.end", "snooze.add"]


def test_what_cannot_be_snoozed_says_why(client: httpx2.Client) -> None:
    fields = {"form_token": form_token(client), "until": "2w", "because": "x", "address": "nothing"}
    answer = client.post("/environments/prod/snooze", data=fields)
    assert answer.status_code == 409
    assert "is not drifted" in answer.text


def test_messages_are_sent_again_and_dropped(client: httpx2.Client, office: FakeOffice) -> None:
    outbox = office.installation.store.outbox
    parked, other = outbox.newest(2, "parked")
    fields = {"form_token": form_token(client)}
    assert client.post(f"/messages/{parked.number}/retry", data=fields).status_code == 303
    assert client.post(f"/messages/{other.number}/drop", data=fields).status_code == 303
    assert (outbox.find(parked.number) or parked).state == "pending"
    assert (outbox.find(other.number) or other).state == "dropped"
    assert client.post(f"/messages/{other.number}/retry", data=fields).status_code == 409
    sent = outbox.newest(1, "sent")[0]
    assert client.post(f"/messages/{sent.number}/drop", data=fields).status_code == 409
    assert [entry[1] for entry in audited(office)[:2]] == ["message.drop", "message.retry"]


@pytest.mark.parametrize(
    "given",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_another_site_cannot_press_a_button(
    given: dict[str, str], client: httpx2.Client, office: FakeOffice
) -> None:
    fields = {"form_token": form_token(client)}
    answer = client.post("/environments/dev/check", data=fields, headers=given)
    assert answer.status_code == 403
    api = client.post(
        "/api/v1/environments/dev/check", headers=given | {"X-Form-Token": fields["form_token"]}
    )
    assert api.status_code == 403
    assert not office.woken


def test_a_request_that_names_no_site_is_not_from_ours(office: FakeOffice) -> None:
    with served(office) as base, browsing(base) as client:
        fields = {"form_token": form_token(client)}
        assert client.post("/environments/dev/check", data=fields).status_code == 403
        given = {"Sec-Fetch-Site": "same-origin"}
        assert client.post("/environments/dev/check", data=fields, headers=given).status_code == 303


def test_a_form_is_good_for_one_browser_and_one_person(
    client: httpx2.Client, office: FakeOffice
) -> None:
    token = form_token(client)
    for wrong in ("", "0" * 64, token[:-1], "é" * 64):
        answer = client.post("/environments/dev/check", data={"form_token": wrong})
        assert answer.status_code == 403
    with browsing(
        str(client.base_url), headers={"Origin": str(client.base_url).rstrip("/")}
    ) as other:
        form_token(other)
        assert other.post("/environments/dev/check", data={"form_token": token}).status_code == 403
    office.set_web(anonymous=None)
    client.cookies.delete("driftwatch_session")
    assert client.post("/environments/dev/check", data={"form_token": token}).status_code == 401


def test_the_api_asks_people_on_this_machine_for_a_form_token_too(
    client: httpx2.Client, office: FakeOffice
) -> None:
    assert client.post("/api/v1/environments/dev/check").status_code == 403
    given = {"X-Form-Token": form_token(client)}
    assert client.post("/api/v1/environments/dev/check", headers=given).status_code == 202


def test_a_program_with_a_token_needs_no_form(office: FakeOffice) -> None:
    given = {"Authorization": f"Bearer {office.token(Role.OPERATOR, 'robot')}"}
    with served(office) as base, browsing(base, headers=given) as client:
        assert client.post("/api/v1/environments/dev/check").status_code == 202
        assert client.post("/environments/dev/check").status_code == 303
    assert audited(office)[0][0] == "token:robot"


def test_a_viewer_has_no_buttons(client: httpx2.Client, office: FakeOffice) -> None:
    assert "Check now" in client.get("/environments/prod").text
    office.set_web(anonymous=Role.VIEWER)
    page = client.get("/environments/prod").text
    assert "Check now" not in page
    assert "<form method" not in page
    assert "/audit" not in page


def test_only_an_admin_is_offered_to_override_a_window(
    client: httpx2.Client, office: FakeOffice
) -> None:
    assert "override" in client.get("/environments/prod").text
    office.set_web(anonymous=Role.OPERATOR)
    assert "override" not in client.get("/environments/prod").text


def test_behind_a_proxy_the_public_address_is_our_own(office: FakeOffice) -> None:
    office.set_web(
        public_url="https://drift.example.org",
        proxy=Proxy(("127.0.0.0/8",), default_role=Role.OPERATOR),
    )
    given = {"Host": "drift.example.org", "X-Forwarded-User": "ana"}
    with served(office) as base, browsing(base, headers=given) as client:
        page = client.get("/environments/dev")
        assert "Secure" in page.headers["set-cookie"]
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
        assert found
        cookie = {"Cookie": page.headers["set-cookie"].split(";")[0]}
        for origin, status in (
            ("https://drift.example.org", 303),
            ("https://evil.example", 403),
            ("http://127.0.0.1", 403),
        ):
            answer = client.post(
                "/environments/dev/check",
                data={"form_token": found[1]},
                headers=cookie | {"Origin": origin},
            )
            assert answer.status_code == status
    assert audited(office)[0] == ("proxy:ana", "check.queue", "dev")
