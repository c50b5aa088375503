"""Real mail servers on loopback: one that takes mail and can be told to refuse, and broken ones."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from driftwatch.config.service_model import SmtpSettings

SENDER = "driftwatch@example.org"
USER, PASSWORD = "driftwatch", "correct horse battery staple"


def make_certificate(folder: Path, *names: str) -> Path:
    """Make a certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)  # noqa: TID251 - TLS asks the real clock
    alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in names or ("localhost",)]
    if not names:
        alternatives.append(x509.IPAddress(ip_address("127.0.0.1")))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{'-'.join(names) or 'localhost'}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@dataclass(slots=True)
class Mailbox:
    """What a server took, and what it answers where it does not.

    `refusals` are answers to recipients, `data` is the answer to the mail itself, `sender` to whom
    it comes from; each is a line of SMTP.
    """

    refusals: Mapping[str, str] = field(default_factory=dict)
    data: str = "250 OK"
    sender: str = "250 OK"
    greeting: str = ""
    taken: list[bytes] = field(default_factory=list)
    recipients: list[tuple[str, ...]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """Parse what was taken as a reader would."""
        return [message_from_bytes(raw, policy=policy.default) for raw in self.taken]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.sender.startswith("250"):
            envelope.mail_from = address
        return self.sender

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        answer = self.refusals.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.taken.append(envelope.content)
            self.recipients.append(tuple(envelope.rcpt_tos))
            assert server.transport is not None
            self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        return self.data

    def check(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.logins.append(data.login.decode())
        well = data.login.decode() == USER and data.password.decode() == PASSWORD
        return AuthResult(success=well, handled=well)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a server listens, and its mailbox."""

    box: Mailbox
    port: int

    def settings(self, **changes: Any) -> SmtpSettings:
        """Describe how to reach it; without encryption, unless something else is asked for."""
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "sender": SENDER,
            "security": "none",
            "timeout": timedelta(seconds=5),
        }
        return SmtpSettings(**(given | changes))


@contextmanager
def mail_server(
    box: Mailbox | None = None, *, tls: Path | None = None, implicit: bool = False, **smtp: Any
) -> Iterator[MailServer]:
    """Run a server; `tls` is a certificate for STARTTLS, or with `implicit` from the first byte."""
    box = box or Mailbox()
    context = _server_context(tls) if tls else None
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        offered = None if implicit else context
        return SMTP(
            box, hostname="mail.example.org", loop=loop, tls_context=offered, timeout=20, **smtp
        )

    listening = loop.create_server(protocol, "127.0.0.1", 0, ssl=context if implicit else None)
    server = loop.run_until_complete(listening)
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield MailServer(box, server.sockets[0].getsockname()[1])
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)


def _server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


Talk = Callable[[socket.socket, Event], None]


@contextmanager
def broken_server(talk: Talk) -> Iterator[MailServer]:
    """Run a server that talks to each caller as it is told, until the context ends."""
    over = Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[Thread] = []

    def serve() -> None:
        with suppress(OSError):
            while not over.is_set():
                caller, _ = listener.accept()
                threads.append(Thread(target=answer, args=(caller,)))
                threads[-1].start()

    def answer(caller: socket.socket) -> None:
        with caller, suppress(OSError):
            caller.settimeout(20)
            talk(caller, over)

    accepting = Thread(target=serve)
    accepting.start()
    try:
        yield MailServer(Mailbox(), listener.getsockname()[1])
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [accepting, *threads]:
            thread.join(20)


def say_nothing(caller: socket.socket, over: Event) -> None:
    over.wait(20)


def greet_for_ever(caller: socket.socket, over: Event) -> None:
    """Keep the caller waiting: there is always one more line."""
    while not over.wait(0.05):
        caller.sendall(b"220-one moment please\r\n")


def take_no_end(caller: socket.socket, over: Event) -> None:
    """Take the mail up to its last line, and then say nothing."""
    _talk_up_to_data(caller)
    over.wait(20)


def drop_in_data(caller: socket.socket, over: Event) -> None:
    """Ask for the mail, and hang up while it comes."""
    _talk_up_to_data(caller)
    caller.recv(1)


def refuse_in_greeting(caller: socket.socket, over: Event) -> None:
    caller.sendall(b"554 no mail from you\r\n")


def speak_nonsense(caller: socket.socket, over: Event) -> None:
    caller.sendall(b"\xff\xfe what\r\n")


def leave_at_recipient(caller: socket.socket, over: Event) -> None:
    """Take one recipient, and end the conversation at the next."""
    _answer(caller, (b"220 hello", b"250 hello", b"250 OK", b"250 OK", b"421 closing"))


def hang_after_taking(caller: socket.socket, over: Event) -> None:
    """Take the mail, and never answer to QUIT."""
    _talk_up_to_data(caller)
    received = b""
    while not received.endswith(b"\r\n.\r\n"):
        received += caller.recv(65536)
    caller.sendall(b"250 taken\r\n")
    over.wait(20)


def _talk_up_to_data(caller: socket.socket) -> None:
    _answer(caller, (b"220 hello", b"250 hello", b"250 OK", b"250 OK", b"354 go on"))


def _answer(caller: socket.socket, lines: tuple[bytes, ...]) -> None:
    first, *rest = lines
    caller.sendall(first + b"\r\n")
    for line in rest:
        caller.recv(4096)
        caller.sendall(line + b"\r\n")
