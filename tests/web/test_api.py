"""The JSON API: what it gives is what the store holds."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from driftwatch.config.service_model import Role
from driftwatch.web.app import build_app
from tests.builders import NOW, make_decision, make_report
from tests.conftest import Golden
from tests.web.world import FakeOffice, browsing, fill, make_office, record, served, watch

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeOffice, str]]:
    office = make_office(tmp_path_factory.mktemp("api"))
    fill(office)
    with served(office) as base:
        yield office, base


@pytest.fixture
def api(looked: tuple[FakeOffice, str]) -> Iterator[httpx2.Client]:
    with browsing(f"{looked[1]}/api/v1") as client:
        yield client


def get(api: httpx2.Client, path: str, **query: object) -> Any:
    answer = api.get(path, params={k: str(v) for k, v in query.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_description_of_the_api_is_up_to_date(office: FakeOffice, golden: Golden) -> None:
    text = json.dumps(build_app(office).openapi(), indent=2, ensure_ascii=False) + "\n"
    golden(DOCS / "openapi.json", text)


def test_the_manual_names_every_operation(office: FakeOffice) -> None:
    manual = (DOCS / "api.md").read_text(encoding="utf-8")
    manual = manual.replace("`…/drop`", "`POST /messages/NUMBER/drop`").replace("NAME", "{name}")
    for path, operations in build_app(office).openapi()["paths"].items():
        for method in operations:
            told = f"`{method.upper()} {path.removeprefix('/api/v1')}`"
            assert told in manual.replace("NUMBER", "{number}"), told


def test_every_operation_is_described_and_every_answer_fits(
    api: httpx2.Client, looked: tuple[FakeOffice, str]
) -> None:
    schema = build_app(looked[0]).openapi()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], path
            assert "default" in operation["responses"]
            if method != "get" or "reports" in path:
                continue
            url = path.removeprefix("/api/v1").replace("{name}", "prod")
            found = operation["responses"]["200"]["content"]["application/json"]["schema"]
            whole = {**found, "components": schema["components"]}
            Draft202012Validator(whole).validate(get(api, url))


def test_an_environment_is_told_with_its_state_now(api: httpx2.Client) -> None:
    one = get(api, "/environments/base-security")
    assert (one["status"], one["status_when_checked"]) == ("stale", "in sync")
    prod = get(api, "/environments/prod")
    assert prod["drifts"] == 3
    assert prod["drifts_by_severity"] == {"critical": 1, "high": 1, "medium": 1}
    assert prod["worst_severity"] == "critical"
    assert prod["in_sync_at"] == "2026-02-28T09:30:00Z"


def test_environments_are_narrowed_and_paged_by_name(api: httpx2.Client) -> None:
    def names(**query: object) -> list[str]:
        return [one["environment"] for one in get(api, "/environments", **query)["items"]]

    assert names(status="stale") == ["base-security"]
    assert names(label="production") == ["prod", "storefront"]
    assert names(owner="shop") == ["storefront"]
    assert names(q="BASE net") == ["base-networking"]
    assert names(q="credentials expired") == ["storefront"]
    everything, after = [], ""
    while True:
        found = get(api, "/environments", limit=3, after=after)
        everything += [one["environment"] for one in found["items"]]
        after = found["after"] or ""
        if not after:
            break
    assert everything == names()
    assert len(everything) > 6


@pytest.mark.parametrize("path", ["/environments/prod/checks", "/events", "/messages"])
def test_lists_go_on_before_a_number_until_all_is_told(path: str, api: httpx2.Client) -> None:
    whole = get(api, path, limit=1000)["items"]
    pages, before = [], None
    while True:
        found = get(api, path, limit=4, **({"before": before} if before else {}))
        pages += found["items"]
        before = found["before"]
        if before is None:
            break
    assert pages == whole
    assert [item["number"] for item in whole] == sorted((i["number"] for i in whole), reverse=True)


def test_events_and_messages_are_narrowed(api: httpx2.Client) -> None:
    events = get(api, "/events", environment="prod")["items"]
    assert {event["environment"] for event in events} == {"prod"}
    parked = get(api, "/messages", state="parked")["items"]
    assert {message["state"] for message in parked} == {"parked"}
    assert parked[0]["error"] == "gone@example.org: 550 5.1.1 no such user"
    assert get(api, "/messages", environment="dev", state="parked")["items"] == []


def test_a_report_is_the_document_that_the_command_writes(api: httpx2.Client) -> None:
    schema = json.loads((DOCS / "report.schema.json").read_text(encoding="utf-8"))
    number = get(api, "/environments/prod")["report"]
    document = get(api, f"/reports/{number}")
    Draft202012Validator(schema).validate(document)
    assert document["environments"][0]["environment"] == "prod"


def test_the_queue_says_what_runs_what_waits_and_why(api: httpx2.Client) -> None:
    queue = get(api, "/queue")
    assert [job["environment"] for job in queue["running"]] == ["staging"]
    assert queue["running"][0]["doing"] == "refreshing aws_sns_topic.alerts"
    assert [job["environment"] for job in queue["waiting"]] == ["dev", "prod"]
    assert queue["waiting"][1]["waiting"].startswith("window freeze denies it")
    freeze, nights = queue["windows"]
    assert (freeze["open_until"], nights["open_until"]) == ("2026-03-02T11:00:00Z", None)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/environments?status=fine", "no such status"),
        ("/environments?limit=0", "limit"),
        ("/environments?limit=1001", "limit"),
        ("/environments?limit=x", "limit"),
        ("/events?before=0", "before"),
        ("/events?before=99999999999999999999", "before"),
        ("/messages?state=lost", "state"),
        ("/environments?q=" + "x" * 201, "q"),
        ("/reports/x", "number"),
    ],
)
def test_a_malformed_question_says_what_is_wrong(path: str, says: str, api: httpx2.Client) -> None:
    answer = api.get(path)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]
    assert answer.json()["title"] == "Bad Request"


@pytest.mark.parametrize("number", [0, -1, 1 << 63, 1 << 80])
def test_a_number_that_no_report_can_have_is_not_found(number: int, api: httpx2.Client) -> None:
    assert api.get(f"/reports/{number}").status_code == 404


@pytest.fixture
def robot(office: FakeOffice) -> Iterator[httpx2.Client]:
    watch(office, make_report())
    record(office, make_report(make_decision()))
    given = {"Authorization": f"Bearer {office.token(Role.OPERATOR, 'robot')}"}
    with served(office) as base, browsing(f"{base}/api/v1", headers=given) as client:
        yield client


def test_a_snooze_is_made_listed_and_ended(robot: httpx2.Client, office: FakeOffice) -> None:
    wish = {
        "environment": "prod",
        "address": "aws_cloudwatch_log_group.app",
        "until": "2w",
        "because": "ticket 4711",
    }
    made = robot.post("/snoozes", json=wish)
    assert made.status_code == 201
    assert made.json()["by"] == "token:robot"
    assert made.json()["until"] == (NOW + timedelta(weeks=2)).isoformat().replace("+00:00", "Z")
    number = made.json()["number"]
    assert [one["number"] for one in get(robot, "/snoozes")["items"]] == [number]
    assert robot.delete(f"/snoozes/{number}").status_code == 204
    assert robot.delete(f"/snoozes/{number}").status_code == 409
    assert get(robot, "/snoozes")["items"] == []
    assert len(get(robot, "/snoozes", ended="true", environment="prod")["items"]) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"environment": "nowhere"}, 404),
        ({"address": "nothing"}, 409),
        ({"until": "yesterday"}, 409),
        ({"because": " "}, 409),
        ({"because": "x" * 2001}, 400),
        ({"unknown": "field"}, 400),
        ({"until": 14}, 400),
    ],
)
def test_a_snooze_that_cannot_be_says_why(
    changes: dict[str, object], status: int, robot: httpx2.Client
) -> None:
    wish = {
        "environment": "prod",
        "address": "aws_cloudwatch_log_group.app",
        "until": "2w",
        "because": "ticket 4711",
    }
    answer = robot.post("/snoozes", json=wish | changes)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 50_000, b"\xff", b'{"override": 1}'])
def test_a_malformed_body_is_a_bad_request(content: bytes, robot: httpx2.Client) -> None:
    answer = robot.post(
        "/environments/prod/check", content=content, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == (202 if content == b"" else 400)


def test_a_check_is_queued_first_and_the_daemon_woken(
    robot: httpx2.Client, office: FakeOffice
) -> None:
    answer = robot.post("/environments/prod/check", json={"override": False})
    assert answer.json() == {"environment": "prod", "override": False}
    (job,) = office.installation.store.queue.all()
    assert (job.reason, job.actor, job.urgent, job.override) == (
        "asked",
        "token:robot",
        True,
        False,
    )
    assert office.woken == 1


def test_messages_are_sent_again_and_dropped_by_number(looked: tuple[FakeOffice, str]) -> None:
    office, base = looked
    given = {"Authorization": f"Bearer {office.token(Role.ADMIN, 'admin')}"}
    with browsing(f"{base}/api/v1", headers=given) as api:
        number = get(api, "/messages", state="parked")["items"][0]["number"]
        assert api.post(f"/messages/{number}/retry").status_code == 204
        assert api.post(f"/messages/{number}/drop").status_code == 204
        assert api.post(f"/messages/{number}/drop").status_code == 409
        assert api.post(f"/messages/{1 << 70}/drop").status_code == 404
        entries = get(api, "/audit", limit=2)["items"]
        assert [entry["action"] for entry in entries] == ["message.drop", "message.retry"]
        assert get(api, "/audit", limit=1, before=entries[0]["number"])["items"] == [entries[1]]
