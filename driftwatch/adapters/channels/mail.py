"""A notice as a MIME message, the same for every way that mail goes."""

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from hashlib import sha256

from driftwatch.domain.notice import Notice
from driftwatch.render.email import TREND_ID, Email, bare_email, render_email
from driftwatch.render.notice_subject import safe_name

# RFC 5322 would have lines of 78, but the standard library folds long identifiers into encoded
# words, which no reader takes for identifiers; 998 is what SMTP carries.
_ON_THE_WIRE = SMTP.clone(max_line_length=990)
_IDENTIFIER = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", re.ASCII)
_LONGEST_IDENTIFIER = 250
_LABEL = re.compile(r"[^a-z0-9-]+")


def compose(
    notice: Notice, sender: str, recipients: Sequence[str], *, attach_report: bool
) -> bytes:
    """Write a notice as the bytes of a mail; a notice that resists gets a bare one."""
    email = render_email(notice, attach_report=attach_report)
    try:
        return _serialise(notice, email, sender, recipients)
    except Exception as error:  # noqa: BLE001 - no value that nobody thought of may lose the alert
        return _serialise(notice, bare_email(notice, type(error).__name__), sender, recipients)


def thread_root(subject: str, domain: str) -> str:
    """Name the message that a thread hangs on, though it was never sent: one for each subject.

    The subject is an environment's name or a route of digests.
    """
    return f"<{sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.thread@{domain}>"


def _serialise(notice: Notice, email: Email, sender: str, recipients: Sequence[str]) -> bytes:
    message = EmailMessage(policy=SMTP)
    _address(message, notice, email, sender, recipients)
    _mark(message, notice, sender.rpartition("@")[2])
    message.set_content(email.text, cte="quoted-printable")
    if email.html is not None:
        message.add_alternative(email.html, subtype="html", cte="quoted-printable")
    if email.png is not None:
        part = message.get_payload()[-1]  # type: ignore[index]  # the HTML, as just added
        part.add_related(  # type: ignore[union-attr]
            email.png,
            "image",
            "png",
            cid=f"<{TREND_ID}>",
            filename="trend.png",
            disposition="inline",
        )
    if email.attachment is not None:
        message.add_attachment(
            email.attachment, subtype="html", filename=_file_name(notice), cte="base64"
        )
    return message.as_bytes(policy=_ON_THE_WIRE)


def _address(
    message: EmailMessage, notice: Notice, email: Email, sender: str, recipients: Sequence[str]
) -> None:
    message["Subject"] = email.subject
    message["From"] = Address("driftwatch", *_parts(sender))
    message["To"] = [Address("", *_parts(recipient)) for recipient in recipients]
    message["Date"] = notice.at
    message["Message-ID"] = _identifier(notice.message_id, sender.rpartition("@")[2])


def _mark(message: EmailMessage, notice: Notice, domain: str) -> None:
    """Say which thread and list it belongs to, and that no machine should answer it.

    There is no `Precedence: bulk`: it holds alerts back, and the two headers that keep automatic
    answers away are newer and enough.
    """
    name = notice.environment if not notice.digest else ""
    root = thread_root(name or f"digest {notice.route}", domain)
    message["In-Reply-To"] = root
    message["References"] = root
    message["List-Id"] = f"<{_list_label(name)}.driftwatch.{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["X-Driftwatch-Delivery"] = message["Message-ID"].strip("<>")
    message["X-Driftwatch-Attempt"] = str(notice.attempt)
    if safe_name(name):
        message["X-Driftwatch-Environment"] = name


def _list_label(name: str) -> str:
    return _LABEL.sub("-", name.lower()).strip("-")[:63] or "digest"


def _parts(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


def _identifier(text: str, domain: str) -> str:
    """Write a Message-ID; one that no header can hold becomes a digest, the same each time."""
    text = text if "@" in text else f"{text}@{domain}"
    if len(text) <= _LONGEST_IDENTIFIER and _IDENTIFIER.fullmatch(text):
        return f"<{text}>"
    return f"<{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}@{domain}>"


def _file_name(notice: Notice) -> str:
    name = safe_name(notice.environment) or "fleet"
    return f"driftwatch-{name}-{notice.at:%Y%m%d-%H%M}.html"
