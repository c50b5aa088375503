"""Cookies that cannot be made by anybody else."""

from datetime import timedelta

from driftwatch.web.sessions import Sessions, new_nonce, read_nonce
from tests.builders import NOW


def test_a_session_is_read_by_the_process_that_began_it() -> None:
    sessions = Sessions()
    cookie = sessions.begin(7, NOW)
    session = sessions.read(cookie, NOW)
    assert session is not None
    assert session.token == 7
    assert Sessions().read(cookie, NOW) is None
    assert sessions.read(cookie, NOW + timedelta(hours=12)) is None


def test_a_session_that_ended_stays_ended_until_it_would_have() -> None:
    sessions = Sessions()
    cookie = sessions.begin(7, NOW)
    session = sessions.read(cookie, NOW)
    assert session is not None
    sessions.end(session, NOW)
    assert sessions.read(cookie, NOW) is None
    later = NOW + timedelta(hours=13)
    other = sessions.read(sessions.begin(8, later), later)
    assert other is not None
    sessions.end(other, later)
    assert list(sessions._ended) == [other.nonce]


def test_ended_sessions_are_not_kept_without_bound() -> None:
    sessions = Sessions()
    for _ in range(10_001):
        session = sessions.read(sessions.begin(7, NOW), NOW)
        assert session is not None
        sessions.end(session, NOW)
    assert len(sessions._ended) == 10_000


def test_a_form_token_is_bound_to_browser_and_person() -> None:
    sessions = Sessions()
    nonce = new_nonce()
    token = sessions.form_token(nonce, "token:ana")
    assert sessions.is_form_token(token, nonce, "token:ana")
    assert not sessions.is_form_token(token, nonce, "token:eve")
    assert not sessions.is_form_token(token, new_nonce(), "token:ana")
    assert not sessions.is_form_token(sessions.form_token("", "local"), "", "local")


def test_a_nonce_is_of_our_making_or_none() -> None:
    nonce = new_nonce()
    assert read_nonce(nonce) == nonce
    for other in (None, "", "x", nonce + "x", nonce[:-1] + "é"):
        assert read_nonce(other) == ""
