"""A role is assumed for a check, against moto's STS, and what it may do is narrowed."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any, Self

import pytest
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from driftwatch.adapters.aws_session import READ_ONLY, assume
from driftwatch.domain.environment import AwsRole
from driftwatch.errors import Cause, CouldNotLook

ROLE = AwsRole("arn:aws:iam::123456789012:role/looker")


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(scope="module")
def sts() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Sts:
    """A server that answers every request alike and remembers what it was asked."""

    def __init__(self, status: int, code: str) -> None:
        self.asked: list[dict[str, str]] = []
        body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>"

        @Request.application
        def refuse(request: Request) -> Response:
            self.asked.append(dict(request.form))
            return Response(body, status=status, mimetype="text/xml")

        self._server = make_server("127.0.0.1", 0, refuse, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def credentials(url: str, **more: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": url,
        **more,
    }


def asked(role: AwsRole, **more: str) -> dict[str, str]:
    with Sts(403, "AccessDenied") as server:
        with pytest.raises(CouldNotLook):
            assume(role, credentials(server.url, **more))
        return server.asked[0]


def test_a_session_comes_back_as_environment_variables(sts: str) -> None:
    session = assume(ROLE, credentials(sts))
    assert set(session) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    assert session["AWS_ACCESS_KEY_ID"] != "AKIAEXAMPLE"
    assert all(session.values())


def test_the_region_of_the_role_is_the_sessions(sts: str) -> None:
    session = assume(AwsRole(ROLE.role_arn, region="eu-central-1"), credentials(sts))
    assert session["AWS_REGION"] == session["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_a_session_is_narrowed_to_reading_unless_the_role_says_otherwise() -> None:
    request = asked(ROLE)
    assert request["PolicyArns.member.1.arn"] == "arn:aws:iam::aws:policy/ReadOnlyAccess"
    assert request["Policy"] == READ_ONLY
    own = asked(AwsRole(ROLE.role_arn, session_policy='{"Version":"2012-10-17"}'))
    assert own["Policy"] == '{"Version":"2012-10-17"}'
    assert not any(name.startswith("PolicyArns") for name in own)


def test_the_inline_policy_allows_nothing_that_writes_and_fits_the_limit() -> None:
    statements: list[dict[str, Any]] = json.loads(READ_ONLY)["Statement"]
    allowed = {a for s in statements if s["Effect"] == "Allow" for a in s["Action"]}
    assert allowed == {"kms:Decrypt", "secretsmanager:GetSecretValue", "sts:AssumeRole"}
    denied = {a for s in statements if s["Effect"] == "Deny" for a in s["Action"]}
    assert {"sqs:ReceiveMessage", "lambda:Invoke*", "ec2:GetPasswordData"} <= denied
    assert len(READ_ONLY) <= 2048


def test_policies_of_other_partitions_are_named_as_there() -> None:
    request = asked(AwsRole("arn:aws-us-gov:iam::123456789012:role/looker"))
    assert request["PolicyArns.member.1.arn"] == "arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"


def test_external_id_and_duration_are_passed_on() -> None:
    role = AwsRole(ROLE.role_arn, external_id="abc", duration=timedelta(minutes=15))
    request = asked(role)
    assert (request["ExternalId"], request["DurationSeconds"]) == ("abc", "900")
    assert "ExternalId" not in asked(ROLE)


def test_credentials_may_come_from_a_profile(tmp_path: Path, sts: str) -> None:
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
    (tmp_path / "config").write_text("[profile fleet]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text(
        "[fleet]\naws_access_key_id = AKIAFLEET\naws_secret_access_key = x\n"
    )
    base = {name: str(tmp_path / file) for name, file in files.items()}
    session = assume(ROLE, {**base, "AWS_PROFILE": "fleet", "AWS_ENDPOINT_URL": sts})
    assert session["AWS_SESSION_TOKEN"]
    with pytest.raises(CouldNotLook, match="could not be assumed") as caught:
        assume(ROLE, {**base, "AWS_PROFILE": "unknown", "AWS_ENDPOINT_URL": sts})
    assert "unknown" in caught.value.detail
    assert caught.value.cause is Cause.CREDENTIALS


@pytest.mark.parametrize(
    ("status", "code", "says", "retryable"),
    [
        (403, "AccessDenied", "may not be assumed", False),
        (403, "ExpiredToken", "expired", False),
        (403, "InvalidClientTokenId", "not accepted", False),
        (400, "ValidationError", "could not be assumed", False),
        (400, "Throttling", "could not be assumed", True),
    ],
)
def test_a_refusal_names_the_role_and_the_reason(
    status: int, code: str, says: str, retryable: bool
) -> None:
    with Sts(status, code) as server, pytest.raises(CouldNotLook, match=says) as caught:
        assume(ROLE, credentials(server.url))
    assert ROLE.role_arn in caught.value.message
    assert caught.value.cause is Cause.CREDENTIALS
    assert caught.value.retryable is retryable
    assert code in caught.value.detail


def test_an_sts_that_cannot_be_reached_may_be_tried_again() -> None:
    with pytest.raises(CouldNotLook) as caught:
        assume(ROLE, credentials("http://127.0.0.1:9"))
    assert (caught.value.cause, caught.value.retryable) == (Cause.CREDENTIALS, True)


def test_a_role_that_is_no_arn_is_refused_without_asking() -> None:
    with pytest.raises(CouldNotLook, match="looker could not be assumed"):
        assume(AwsRole("looker"), credentials("http://127.0.0.1:9"))
