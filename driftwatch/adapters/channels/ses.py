"""Mail through Amazon SES, which takes the same MIME message that a mail server would get."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from driftwatch.adapters.aws_session import assume
from driftwatch.adapters.channels.mail import compose
from driftwatch.config.service_model import SesSettings
from driftwatch.domain.environment import AwsRole
from driftwatch.domain.notice import Delivery, Notice, Refusal
from driftwatch.errors import CouldNotLook, CouldNotSend
from driftwatch.render.text import visible

_MOST = 50  # recipients of one call: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_ANSWER = 300  # characters
_WAIT = 60.0  # seconds, where Amazon asks for patience without saying how much
_RENEW = 2700.0  # seconds after which a session of an hour is renewed
_MAY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["ses:SendEmail", "ses:SendRawEmail"], "Resource": "*"}
    ],
}
_BUSY = frozenset(
    {
        "LimitExceededException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# What Amazon says of this very mail; all else can be mended without a new mail.
_FINAL = frozenset({"BadRequestException", "MessageRejected", "NotFoundException"})


class SesChannel:
    """Sends mail through one region; `environ` holds credentials that boto3 cannot find itself."""

    def __init__(self, settings: SesSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._lock = Lock()
        self._session: tuple[float, Any] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Name nobody: a mail goes where its route says."""
        return ()

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        """Send one mail, in as many calls as Amazon's limit on recipients makes necessary."""
        settings = self._settings
        mail = compose(notice, settings.sender, recipients, attach_report=settings.attach_report)
        accepted: list[str] = []
        refused: dict[str, Refusal] = {}
        for some in _by_limit(recipients):
            try:
                self._send(mail, some)
            except CouldNotSend as error:
                if not accepted:
                    raise
                why = Refusal(error.message, error.permanent, error.retry_after)
                refused |= dict.fromkeys(recipients[len(accepted) :], why)
                break
            accepted += some
        return Delivery(tuple(accepted), refused)

    def _send(self, mail: bytes, recipients: Sequence[str]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _client

        settings = self._settings
        extra = (
            {"ConfigurationSetName": settings.configuration_set}
            if settings.configuration_set
            else {}
        )
        try:
            self._connected().send_email(
                FromEmailAddress=settings.sender,
                Destination={"ToAddresses": list(recipients)},
                Content={"Raw": {"Data": mail}},
                **extra,
            )
        except ClientError as error:
            raise _refusal(error.response) from error
        except (BotoCoreError, ValueError) as error:
            raise CouldNotSend(f"Amazon SES cannot be reached: {_told(str(error))}.") from error

    def _connected(self) -> Any:
        """Give a client, made anew where its session would end soon."""
        with self._lock:
            now = time.monotonic()
            if self._session is None or now - self._session[0] > _RENEW:
                self._session = now, _client(self._settings, self._environ)
            return self._session[1]


def _client(settings: SesSettings, environ: Mapping[str, str]) -> Any:
    import boto3  # noqa: PLC0415 - half a second that only sending need wait
    import botocore.config  # noqa: PLC0415

    credentials = _role(settings, environ) if settings.role_arn else environ
    return boto3.Session(
        aws_access_key_id=credentials.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
        region_name=settings.region,
    ).client(
        "sesv2",
        endpoint_url=settings.endpoint,
        config=botocore.config.Config(
            connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 2}
        ),
    )


def _role(settings: SesSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Assume the role that sends, narrowed to sending."""
    role = AwsRole(str(settings.role_arn), region=settings.region, session_policy=json.dumps(_MAY))
    try:
        return assume(role, environ)
    except CouldNotLook as error:
        raise CouldNotSend(f"{error.message} {_told(error.detail)}".strip()) from error


def _by_limit(recipients: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(recipients), _MOST):
        yield recipients[start : start + _MOST]


def _refusal(response: Mapping[str, Any]) -> CouldNotSend:
    told = response.get("Error", {})
    code = str(told.get("Code", ""))
    metadata = response.get("ResponseMetadata", {})
    wait = _WAIT if code in _BUSY or metadata.get("HTTPStatusCode") == 429 else None  # noqa: PLR2004
    stated = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
    if stated.isascii() and stated.isdigit():
        wait = float(stated[:6])
    return CouldNotSend(
        f"Amazon SES refused the mail ({code}): {_told(str(told.get('Message', '')))}.",
        permanent=code in _FINAL,
        retry_after=wait,
    )


def _told(text: str) -> str:
    return visible(" ".join(text.split()))[:_ANSWER].rstrip(".")
