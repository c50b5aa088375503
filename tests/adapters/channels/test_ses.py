"""Mail goes out through Amazon SES, against moto's, and Amazon's refusals are understood."""

import json
import logging
from base64 import b64decode
from collections.abc import Iterator
from email import message_from_bytes, policy
from threading import Thread
from typing import Any, Self

import boto3
import pytest
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from driftwatch.adapters.channels.ses import SesChannel
from driftwatch.config.service_model import SesSettings
from driftwatch.domain.notice import Delivery
from driftwatch.errors import CouldNotSend
from tests.render.notices import make_notice

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
SENDER = "driftwatch@example.org"
ANNA, BERT = "anna@example.org", "bert@example.org"
ROLE = "arn:aws:iam::123456789012:role/sender"


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    ses = boto3.client(
        "ses",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    ses.verify_email_identity(EmailAddress=SENDER)
    ses.close()
    yield url
    server.stop()


class Amazon:
    """An endpoint that answers every request alike and remembers what it was asked."""

    def __init__(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.statuses = [status]
        given = {"x-amzn-errortype": code} | (headers or {})

        @Request.application
        def answer(request: Request) -> Response:
            self.asked.append(json.loads(request.get_data()))
            first = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
            body = {"MessageId": "1"} if first < 300 else {"message": "because of that."}
            return Response(json.dumps(body), first, given, mimetype="application/json")

        self._server = make_server("127.0.0.1", 0, answer, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def channel(url: str, environ: dict[str, str] | None = None, **changes: Any) -> SesChannel:
    given = {"region": "eu-west-1", "sender": SENDER, "endpoint": url} | changes
    return SesChannel(SesSettings(**given), KEYS | (environ or {}))


def refusal_of(found: SesChannel) -> CouldNotSend:
    with pytest.raises(CouldNotSend) as caught:
        found.send(make_notice(), (ANNA,))
    return caught.value


def test_a_mail_is_taken(amazon: str) -> None:
    found = channel(amazon)
    assert found.send(make_notice(), (ANNA, BERT)) == Delivery((ANNA, BERT), {})
    assert found.targets == ()


def test_an_unverified_sender_is_refused_for_good(amazon: str) -> None:
    error = refusal_of(channel(amazon, sender="stranger@elsewhere.example"))
    assert error.permanent
    assert "MessageRejected" in error.message


def test_a_role_is_assumed_for_sending_alone(amazon: str) -> None:
    found = channel(amazon, {"AWS_ENDPOINT_URL_STS": amazon}, role_arn=ROLE)
    assert found.send(make_notice(), (ANNA,)).accepted == (ANNA,)


def test_a_role_that_cannot_be_assumed_is_told() -> None:
    with Amazon(403, "AccessDenied") as endpoint:
        found = channel(endpoint.url, {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}, role_arn=ROLE)
        error = refusal_of(found)
    assert f"The role {ROLE} could not be assumed" in error.message
    assert not error.permanent


def test_the_message_is_the_one_that_smtp_would_carry() -> None:
    with Amazon(200, "") as endpoint:
        found = channel(endpoint.url, configuration_set="alerts")
        found.send(make_notice(), (ANNA,))
    (asked,) = endpoint.asked
    assert asked["Destination"] == {"ToAddresses": [ANNA]}
    assert asked["FromEmailAddress"] == SENDER
    assert asked["ConfigurationSetName"] == "alerts"
    mail = message_from_bytes(b64decode(asked["Content"]["Raw"]["Data"]), policy=policy.default)
    assert mail["Subject"] == "Medium drift in prod: aws_cloudwatch_log_group.app"
    assert mail["X-Driftwatch-Delivery"] == "3f1c.1@driftwatch.example.org"


@pytest.mark.parametrize(
    ("status", "code", "permanent", "wait"),
    [
        (429, "TooManyRequestsException", False, 60.0),
        (400, "ThrottlingException", False, 60.0),
        (400, "LimitExceededException", False, 60.0),
        (400, "SendingPausedException", False, None),
        (400, "MessageRejected", True, None),
        (400, "BadRequestException", True, None),
        (403, "ExpiredTokenException", False, None),
        (403, "AccessDeniedException", False, None),
        (500, "InternalFailure", False, None),
    ],
)
def test_refusals_are_tried_again_where_that_can_help(
    status: int, code: str, permanent: bool, wait: float | None
) -> None:
    with Amazon(status, code) as endpoint:
        error = refusal_of(channel(endpoint.url))
    assert (error.permanent, error.retry_after) == (permanent, wait)
    assert f"({code}): because of that" in error.message


def test_amazon_may_say_when_to_come_back() -> None:
    with Amazon(429, "TooManyRequestsException", {"Retry-After": "7"}) as endpoint:
        assert refusal_of(channel(endpoint.url)).retry_after == 7.0


def test_nobody_there_is_tried_again() -> None:
    error = refusal_of(channel("http://127.0.0.1:9"))
    assert not error.permanent
    assert "cannot be reached" in error.message


def test_many_recipients_are_told_in_several_calls() -> None:
    people = tuple(f"p{number}@example.org" for number in range(120))
    with Amazon(200, "") as endpoint:
        delivery = channel(endpoint.url).send(make_notice(), people)
    assert delivery.accepted == people
    assert [len(asked["Destination"]["ToAddresses"]) for asked in endpoint.asked] == [50, 50, 20]


def test_whoever_was_not_reached_when_amazon_stopped_is_told_apart() -> None:
    people = tuple(f"p{number}@example.org" for number in range(120))
    with Amazon(200, "MessageRejected") as endpoint:
        endpoint.statuses = [200, 400, 400]
        delivery = channel(endpoint.url).send(make_notice(), people)
    assert delivery.accepted == people[:50]
    assert set(delivery.refused) == set(people[50:])
    assert delivery.refused[people[-1]].permanent
