"""The embedded cloud against real clients: where it listens, whom it serves, when it ends."""

import multiprocessing
import os
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from driftwatch.demo.cloud import Cloud, embedded_cloud, require_loopback
from driftwatch.demo.failure import WorldError


def is_listening(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    with socket.socket() as client:
        return client.connect_ex((parts.hostname, parts.port)) == 0


def build_and_die(root: str, theirs: Connection) -> None:
    """Start a cloud and die as under SIGKILL: without any chance to tidy up."""
    with embedded_cloud(Path(root)) as cloud:
        theirs.send(cloud.endpoint)
        os._exit(1)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://sts.eu-central-1.amazonaws.com",
        "http://sts.eu-central-1.amazonaws.com",
        "http://localhost.example.com:5000",
        "http://10.0.0.1:5000",
        "http://0.0.0.0:5000",
        "https://127.0.0.1:5000",
        "http://127.0.0.1@10.0.0.1:5000",
        "127.0.0.1:5000",
        "",
    ],
)
def test_any_endpoint_but_loopback_is_refused(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="loopback"):
        require_loopback(endpoint)
    with pytest.raises(WorldError, match="loopback"):
        Cloud(endpoint, tmp_path)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:5000", "http://[::1]:5000"])
def test_a_loopback_endpoint_is_accepted(endpoint: str) -> None:
    require_loopback(endpoint)


def test_the_cloud_ends_with_its_context(tmp_path: Path) -> None:
    with embedded_cloud(tmp_path) as cloud:
        assert is_listening(cloud.endpoint)
    assert not is_listening(cloud.endpoint)


def test_a_client_reads_nothing_of_the_users_aws_setup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "config"
    broken.write_text("[default\nthis is no INI file")
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-is-nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(broken))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(broken))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "http://192.0.2.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:1")
    home = tmp_path / "cloud"
    home.mkdir()
    with embedded_cloud(home) as cloud:
        topic = cloud.client("sns").create_topic(Name="alerts")
    assert topic["TopicArn"].endswith(":alerts")


def test_a_cloud_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "cloud.log").mkdir()
    with pytest.raises(WorldError, match="did not start"), embedded_cloud(tmp_path):
        pass


def test_the_cloud_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    parent = context.Process(target=build_and_die, args=(str(tmp_path), theirs))
    parent.start()
    theirs.close()
    with ours:
        endpoint = ours.recv()
    parent.join()
    parent.close()
    for _ in range(600):
        if not is_listening(endpoint):
            break
        time.sleep(0.1)
    assert not is_listening(endpoint)
