"""A mail server of the world's own, on loopback, which keeps what it gets as files."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(slots=True)
class MailServer:
    """Writes each mail to `folder` as a file that any mail program opens."""

    folder: Path
    port: int

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 - likewise
        session: Session,  # noqa: ARG002 - likewise
        envelope: Envelope,
    ) -> str:
        """Keep a mail."""
        number = len(list(self.folder.glob("*.eml"))) + 1
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / f"{number:04}.eml").write_bytes(data)
        return "250 OK"


@contextmanager
def mail_server(root: Path) -> Iterator[MailServer]:
    """Serve SMTP on loopback for as long as the context."""
    folder = root / "mail"
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = MailServer(folder, port)
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
