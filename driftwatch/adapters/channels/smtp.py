"""Mail through a server, over SMTP: encrypted as configured or not at all, and never for ever."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from driftwatch.adapters.channels.deadline import Deadline
from driftwatch.adapters.channels.mail import compose
from driftwatch.config.service_model import SmtpSettings
from driftwatch.domain.notice import Delivery, Notice, Refusal
from driftwatch.errors import CouldNotSend
from driftwatch.render.text import visible

_ANSWER = 300  # characters of a server's answer that are told
_FINAL = 500  # from here on a server means it: RFC 5321, 4.2.1
_WANTS_LOGIN = (530, 534, 535, 538)  # what a new password mends, however final it sounds
_LEAVE = 5.0  # seconds for an answer to QUIT
_PATIENCE = 2  # times the timeout: for a server that is never silent for long, and never done


@dataclass(frozen=True, slots=True)
class SmtpChannel:
    """Sends mail through one server; a conversation lasts for at most twice the timeout."""

    settings: SmtpSettings

    @property
    def targets(self) -> tuple[str, ...]:
        """Name nobody: a mail goes where its route says."""
        return ()

    def send(self, notice: Notice, recipients: Sequence[str]) -> Delivery:
        """Send one mail to all recipients, and say whom the server refused."""
        settings = self.settings
        seconds = settings.timeout.total_seconds() * _PATIENCE
        with Deadline(seconds) as deadline, _told(settings, deadline):
            client = _Client(settings, deadline)
            try:
                client.begin()
                mail = self._compose(notice, recipients, client.largest)
                refused = _transact(client, settings.sender, mail, recipients)
            finally:
                client.end()
        return Delivery(tuple(r for r in recipients if r not in refused), refused)

    def _compose(self, notice: Notice, recipients: Sequence[str], largest: int) -> bytes:
        """Write the mail, without the attached report where the server would not take it."""
        sender, attach = self.settings.sender, self.settings.attach_report
        mail = compose(notice, sender, recipients, attach_report=attach)
        if attach and 0 < largest < len(mail):
            return compose(notice, sender, recipients, attach_report=False)
        return mail


class _Client(smtplib.SMTP):
    """Speaks SMTP over a connection that a deadline can cut."""

    def __init__(self, settings: SmtpSettings, deadline: Deadline) -> None:
        self._settings = settings
        self._deadline = deadline
        self._tls = None if settings.security == "none" else _context(settings)
        self._wrapped = settings.security == "tls"
        # A local name is given so that nobody asks DNS for one, which may take its time.
        super().__init__(
            settings.host,
            settings.port,
            local_hostname=_own_name(),
            timeout=settings.timeout.total_seconds(),
        )

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = self._deadline.connect(host, port, timeout)
        if self._wrapped and self._tls is not None:
            return _wrap(self._tls, connection, host)
        return connection

    def begin(self) -> None:
        """Go over to TLS and log in, as configured; never in clear text where it should not be."""
        self.ehlo_or_helo_if_needed()
        if self._tls is not None and not self._wrapped:
            if not self.has_extn("starttls"):
                raise CouldNotSend("it does not offer STARTTLS, and nothing is sent in clear text")
            self.starttls(context=self._tls)
            self.ehlo_or_helo_if_needed()
        if self._settings.username and self._settings.password:
            _login(self, self._settings.username, self._settings.password)

    @property
    def largest(self) -> int:
        """Say how many bytes a mail may have; 0 where the server does not say."""
        stated = self.esmtp_features.get("size", "")
        return int(stated) if re.fullmatch(r"[0-9]{1,15}", stated) else 0

    def end(self) -> None:
        """Take leave, whatever the server makes of it: what is sent is sent."""
        with suppress(OSError, smtplib.SMTPException):
            if self.sock is not None:
                self.sock.settimeout(min(_LEAVE, self._settings.timeout.total_seconds()))
            self.quit()
        self.close()


def _transact(
    client: _Client, sender: str, mail: bytes, recipients: Sequence[str]
) -> Mapping[str, Refusal]:
    try:
        refused = client.sendmail(sender, list(recipients), mail)
    except smtplib.SMTPRecipientsRefused as error:
        lost = Refusal("The server ended the conversation before it took the mail.")
        told = {address: _refusal(*answer) for address, answer in error.recipients.items()}
        return {address: told.get(address, lost) for address in recipients}
    return {address: _refusal(*answer) for address, answer in refused.items()}


def _login(client: _Client, username: str, password: str) -> None:
    """Log in; what the server says of it is not told on, as it may repeat what it was given."""
    try:
        client.login(username, password)
    except smtplib.SMTPAuthenticationError as error:
        code = error.smtp_code
        raise CouldNotSend(f"it does not accept the user name and password ({code})") from None
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException:
        raise CouldNotSend("it offers no login that driftwatch knows") from None
    except UnicodeError:
        raise CouldNotSend("the password has characters that SMTP cannot carry") from None


@contextmanager
def _told(settings: SmtpSettings, deadline: Deadline) -> Iterator[None]:
    """Say of every failure which server it was, and whether trying again is of use."""
    server = f"The mail server {settings.host}:{settings.port}"
    try:
        yield
    except CouldNotSend as error:
        raise CouldNotSend(f"{server}: {error.message}.") from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        answer = _answer(error.smtp_code, error.smtp_error)
        final = error.smtp_code >= _FINAL and error.smtp_code not in _WANTS_LOGIN
        raise CouldNotSend(f"{server} refused the mail: {answer}.", permanent=final) from error
    except smtplib.SMTPResponseException as error:
        answer = _answer(error.smtp_code, error.smtp_error)
        raise CouldNotSend(f"{server} will not talk: {answer}.") from error
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "no agreement"
        raise CouldNotSend(f"{server} cannot be trusted: {visible(str(reason))}.") from error
    except (OSError, smtplib.SMTPException) as error:
        late = "it took too long" if deadline.passed else _words(error)
        raise CouldNotSend(f"{server} cannot be reached: {late}.") from error


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "no answer in time"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "the connection was lost"
    return visible(getattr(error, "strerror", None) or str(error))[:_ANSWER]


def _refusal(code: int, answer: bytes) -> Refusal:
    return Refusal(_answer(code, answer), permanent=code >= _FINAL)


def _answer(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {visible(' '.join(text.split()))[:_ANSWER]}".strip().rstrip(".")


def _context(settings: SmtpSettings) -> ssl.SSLContext:
    cafile = str(settings.ca_file) if settings.ca_file else None
    try:
        return ssl.create_default_context(cafile=cafile)
    except OSError as error:
        raise CouldNotSend(f"the certificates in {cafile} cannot be read") from error


def _wrap(context: ssl.SSLContext, connection: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except OSError:
        connection.close()
        raise


def _own_name() -> str:
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
