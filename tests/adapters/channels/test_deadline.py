"""A deadline ends a conversation from outside, and leaves nothing open."""

import socket
import time

import pytest

from driftwatch.adapters.channels.deadline import Deadline
from tests.adapters.smtp_world import broken_server, say_nothing


def test_a_connection_is_cut_when_its_time_is_over() -> None:
    with broken_server(say_nothing) as server, Deadline(0.2) as deadline:
        with deadline.connect("127.0.0.1", server.port, 10) as connection:
            started = time.monotonic()
            assert connection.recv(1) == b""
            assert time.monotonic() - started < 2
        assert deadline.passed


def test_a_connection_that_keeps_within_its_time_is_left_alone() -> None:
    with broken_server(lambda caller, over: caller.sendall(b"x")) as server:
        with Deadline(5) as deadline:
            connection = deadline.connect("127.0.0.1", server.port, 5)
            assert connection.recv(1) == b"x"
            assert not deadline.passed
        connection.close()


def test_nothing_is_connected_once_the_time_is_over() -> None:
    with broken_server(say_nothing) as server, Deadline(0.01) as deadline:
        time.sleep(0.05)
        with pytest.raises(TimeoutError):
            deadline.connect("127.0.0.1", server.port, 5)


def test_every_address_of_a_name_is_tried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Deadline(5) as deadline:
        deadline.connect("localhost", listener.getsockname()[1], 5).close()


def test_a_name_without_addresses_is_an_error() -> None:
    with Deadline(5) as deadline, pytest.raises(OSError, match=r".+"):
        deadline.connect("nowhere.invalid", 25, 5)
