"""The embedded cloud: moto's server on loopback, in a process that never outlives ours."""

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from driftwatch.demo.failure import WorldError

REGION = "eu-central-1"
_ACCESS_KEY = "demo"
_LOOPBACK = "127.0.0.1"
_SECONDS_TO_START = 120


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where the embedded cloud listens, and an empty file to stand for the user's AWS files."""

    endpoint: str
    nothing: Path

    def __post_init__(self) -> None:
        require_loopback(self.endpoint)

    @property
    def variables(self) -> Mapping[str, str]:
        """Give the environment that points an AWS client here and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": _ACCESS_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(self.nothing),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.nothing),
        }

    def client(self, service: str) -> Any:
        """Build a boto3 client that reads nothing of the user's AWS setup."""
        import boto3  # noqa: PLC0415 - half a second that only the demo pays
        from botocore.config import Config  # noqa: PLC0415
        from botocore.session import Session  # noqa: PLC0415

        unset = (None, None, None, None)
        nothing = (None, None, str(self.nothing), None)
        quiet = {"profile": unset, "config_file": nothing, "credentials_file": nothing}
        session = boto3.Session(
            aws_access_key_id=_ACCESS_KEY,
            aws_secret_access_key=_ACCESS_KEY,
            region_name=REGION,
            botocore_session=Session(session_vars=quiet),
        )
        config = Config(proxies={}, s3={"addressing_style": "path"}, retries={"max_attempts": 1})
        return session.client(service, endpoint_url=self.endpoint, config=config)


@contextmanager
def embedded_cloud(root: Path) -> Iterator[Cloud]:
    """Run moto's server on a free port of the loopback interface for as long as the context lasts.

    Raises `WorldError` where it does not come up; its log is `cloud.log` in `root`.
    """
    if find_spec("moto") is None:
        raise WorldError("The demo needs moto: pip install '.[demo]' in a checkout")
    nothing = root / "empty"
    nothing.touch()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    log = root / "cloud.log"
    server = context.Process(target=serve, args=(theirs, str(log), str(nothing)), daemon=True)
    server.start()
    theirs.close()
    try:
        with ours:
            port = _port(ours, log)
        yield Cloud(f"http://{_LOOPBACK}:{port}", nothing)
    finally:
        server.kill()
        server.join()
        server.close()


def require_loopback(endpoint: str) -> None:
    """Raise `WorldError` unless the endpoint is plain HTTP on a loopback address."""
    parts = urlsplit(endpoint)
    try:
        loopback = ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    if parts.scheme != "http" or not loopback:
        raise WorldError(f"The demo applies to its own loopback endpoint only, not to {endpoint!r}")


def _port(ours: Connection, log: Path) -> int:
    try:
        if ours.poll(_SECONDS_TO_START):
            return int(ours.recv())
    except EOFError:
        pass  # it died before it could listen; its log says why
    end = log.read_text(errors="replace")[-2000:] if log.is_file() else ""
    raise WorldError(f"The embedded cloud did not start.\n{end}".rstrip())


def serve(theirs: Connection, log: str, nothing: str) -> None:
    """Serve until the parent is gone; runs in the child process."""
    _forget_aws(nothing)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to act upon
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    parent = multiprocessing.parent_process()
    if parent is None:
        raise WorldError("The embedded cloud runs in a child process only")
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - only the child needs it

    server = ThreadedMotoServer(ip_address=_LOOPBACK, port=0, verbose=False)
    server.start()
    theirs.send(server.get_host_and_port()[1])
    theirs.close()
    threading.Event().wait()


def _forget_aws(nothing: str) -> None:
    """Keep moto, which is an AWS client too, from reading the user's AWS setup."""
    own = os.environ  # noqa: TID251 - this process serves the demo alone
    for name in [name for name in own if name.startswith(("AWS_", "BOTO_", "MOTO_"))]:
        del own[name]
    own.update(AWS_CONFIG_FILE=nothing, AWS_SHARED_CREDENTIALS_FILE=nothing)


def _die_with(parent: Any) -> None:
    parent.join()
    os._exit(0)
