"""What is kept is kept for its owner, found again, and dropped when it is old."""

import os
import sqlite3
import subprocess  # noqa: TID251 - another driftwatch lives and dies here
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from driftwatch.adapters.store.database import newest_backup
from driftwatch.adapters.store.presence import Presence, Seat
from driftwatch.adapters.store.store import Store, open_store, read_key
from driftwatch.config.service_model import Role
from driftwatch.domain.notice import Delivery
from driftwatch.domain.snoozing import bind
from driftwatch.errors import SeatTakenError, StoreError
from tests.adapters.store.worlds import TELLING, checked, kinds, later, open_with
from tests.builders import NOW, make_decision, make_failure

ROOT = Path(__file__).parents[3]


def test_facts_are_remembered(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.fact("a") is None
    store.remember("a", "1")
    store.remember("a", "2")
    assert open_store(tmp_path).fact("a") == "2"


def test_a_push_is_new_once(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert store.take_push("github", ["1", "a"], [], NOW)
    assert not store.take_push("github", ["1"], [], later(24))
    assert not store.take_push("github", ["2", "a"], [], later(24))
    assert store.take_push("gitlab", ["1", "a"], [], NOW)
    assert store.take_push("github", ["1", "a"], [], later(24 * 9))


def test_a_push_that_was_seen_queues_nothing(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod", "dev")
    assert store.take_push("github", ["1"], ["dev"], NOW)
    assert not store.take_push("github", ["1"], ["prod"], NOW)
    (job,) = store.queue.all()
    assert (job.environment, job.reason, job.actor, job.urgent) == ("dev", "push", "hook:github", 1)


# --- Tokens


def test_a_token_is_known_until_it_is_revoked_and_is_never_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    text = store.tokens.create("grafana", Role.VIEWER, NOW)
    token = store.tokens.find(text, NOW)
    assert token is not None
    assert (token.name, token.role, token.used_at) == ("grafana", Role.VIEWER, None)
    assert store.tokens.find(text[:-1], NOW) is None
    assert store.tokens.find("\ud800", NOW) is None
    assert store.tokens.all()[0].used_at == NOW
    assert store.tokens.revoke(token.number, NOW)
    assert not store.tokens.revoke(token.number, NOW)
    assert store.tokens.find(text, NOW) is None
    assert text.encode() not in (tmp_path / "driftwatch.db").read_bytes()
    assert text.encode() not in (tmp_path / "driftwatch.db-wal").read_bytes()


def test_a_token_expires(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    text = store.tokens.create("ci", Role.OPERATOR, NOW, later(1))
    assert store.tokens.find(text, later(0.9)) is not None
    assert store.tokens.find(text, later(1)) is None


# --- The audit log


def audited(folder: Path, entries: int = 5) -> Store:
    store = open_store(folder)
    for number in range(entries):
        store.audit.append("ana", "snooze.add", f"prod {number}", {"until": later(number)}, NOW)
    return store


def tamper(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / "driftwatch.db")
    connection.execute("DROP TRIGGER audit_stays")
    connection.execute("DROP TRIGGER audit_remains")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def test_an_untouched_log_is_verified(tmp_path: Path) -> None:
    assert open_store(tmp_path).audit.verify() == (0, None)
    store = audited(tmp_path)
    assert store.audit.verify() == (5, None)
    newest = store.audit.entries(2)
    assert [entry.number for entry in newest] == [5, 4]
    assert (newest[0].actor, newest[0].subject) == ("ana", "prod 4")
    assert [entry.number for entry in store.audit.entries(9, before=3)] == [2, 1]


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit SET actor = 'ben' WHERE id = 3", 3),
        ("UPDATE audit SET detail = '{}' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 5", 5),
        ("DELETE FROM audit", 5),
        ("UPDATE audit SET id = id + 10 WHERE id = 4", 4),
        ("UPDATE audit SET hash = (SELECT hash FROM audit WHERE id = 2) WHERE id = 3", 3),
        (
            "INSERT INTO audit SELECT 6,at,actor,action,subject,detail,hash FROM audit WHERE id=5",
            6,
        ),
    ],
)
def test_a_tampered_row_is_found(tmp_path: Path, statement: str, number: int) -> None:
    store = audited(tmp_path)
    tamper(tmp_path, statement)
    _, found = store.audit.verify()
    assert found is not None
    assert found.number == number


def test_a_log_whose_end_nobody_vouches_for_is_found(tmp_path: Path) -> None:
    store = audited(tmp_path)
    (tmp_path / "audit.head").unlink()
    _, found = store.audit.verify()
    assert found is not None
    assert "gone" in found.reason


HEAD = "audit.head"


def broken_at(store: Store) -> int:
    """Go on as if nothing was wrong, and return the row that tells that something was."""
    for _ in range(2):
        store.audit.append("driftwatch", "daemon.start", "x", {}, NOW)
    breaks = [entry for entry in store.audit.entries() if entry.action == "audit.break"]
    (found,) = breaks
    count, tampering = store.audit.verify()
    assert tampering is not None
    assert (tampering.number, count) == (found.number, found.number - 1)
    assert found.subject in tampering.reason
    return found.number


def test_rows_that_were_cut_off_are_missed_for_ever(tmp_path: Path) -> None:
    store = audited(tmp_path)
    tamper(tmp_path, "DELETE FROM audit WHERE id > 2")
    assert broken_at(store) == 3
    assert "row 5: it was written once and is gone" in store.audit.entries(1, before=4)[0].subject


def test_a_log_that_was_emptied_is_missed_for_ever(tmp_path: Path) -> None:
    store = audited(tmp_path)
    tamper(tmp_path, "DELETE FROM audit")
    assert broken_at(store) == 1


@pytest.mark.parametrize("rows", [0, 5])
def test_a_head_that_was_removed_is_missed_for_ever(tmp_path: Path, rows: int) -> None:
    store = audited(tmp_path)
    tamper(tmp_path, f"DELETE FROM audit WHERE id > {rows}")
    (tmp_path / HEAD).unlink()
    store = open_store(tmp_path)
    _, found = store.audit.verify()
    assert found is not None
    assert broken_at(store) == rows + 1


@pytest.mark.parametrize("head", ["", "5", "5 x", "six x", "3 {third}", "\xe9"])
def test_a_head_that_tells_of_another_row_is_told_for_ever(tmp_path: Path, head: str) -> None:
    store = audited(tmp_path)
    third = store.database.query("SELECT hash FROM audit WHERE id = 3")[0]["hash"]
    (tmp_path / HEAD).write_text(head.format(third=third), encoding="latin-1")
    _, found = store.audit.verify()
    assert found is not None
    assert broken_at(store) == 6


@pytest.mark.parametrize("entries", [1, 5])
def test_a_crash_before_the_head_was_written_is_no_tampering(tmp_path: Path, entries: int) -> None:
    audited(tmp_path, entries - 1)
    before = (tmp_path / HEAD).read_bytes()
    store = open_store(tmp_path)
    store.audit.append("ana", "snooze.add", "prod", {}, NOW)
    (tmp_path / HEAD).write_bytes(before)
    assert store.audit.verify() == (entries, None)
    store.audit.append("ana", "snooze.end", "prod", {}, NOW)
    assert store.audit.verify() == (entries + 1, None)
    assert (tmp_path / HEAD).read_text(encoding="ascii").split()[0] == str(entries + 1)


def test_what_is_tampered_with_after_a_break_is_told_before_it(tmp_path: Path) -> None:
    store = audited(tmp_path)
    (tmp_path / HEAD).unlink()
    assert broken_at(store) == 6
    tamper(tmp_path, "UPDATE audit SET actor = 'ben' WHERE id = 8")
    _, found = store.audit.verify()
    assert found is not None
    assert found.number == 8


@pytest.mark.parametrize("value", ["x'00'", "'\u00e9'", "1.5"])
@pytest.mark.parametrize("column", ["actor", "hash"])
def test_a_row_of_nonsense_is_tampering_and_no_crash(
    tmp_path: Path, column: str, value: str
) -> None:
    store = audited(tmp_path)
    tamper(tmp_path, f"UPDATE audit SET {column} = {value} WHERE id = 2")
    _, found = store.audit.verify()
    assert found is not None
    assert found.number == 2


def test_threads_that_write_at_once_break_nothing(tmp_path: Path) -> None:
    stores = [open_store(tmp_path) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_entry, stores * 10))
    assert stores[0].audit.verify() == (40, None)


def add_entry(store: Store) -> None:
    store.audit.append("ana", "snooze.add", "prod", {}, NOW)


def test_every_head_is_logged_so_that_a_log_elsewhere_knows_it(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with capture_logs() as lines:
        add_entry(store)
        add_entry(store)
    told = [(line["event"], line["log_level"], line["number"]) for line in lines]
    assert told == [("audit", "info", 1), ("audit", "info", 2)]
    head = (tmp_path / HEAD).read_text(encoding="ascii")
    assert head == f"2 {lines[-1]['hash']}\n"


def test_the_log_cannot_be_changed_by_accident(tmp_path: Path) -> None:
    store = audited(tmp_path)
    for statement in ("UPDATE audit SET actor = 'ben'", "DELETE FROM audit"):
        with (
            pytest.raises(StoreError, match="append-only"),
            store.database.writing() as tables,
        ):
            tables.conn.execute(statement)


def test_hostile_words_are_logged_all_the_same(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.audit.append("a\ud800", "b\nc", "\0", {"x\ud800": ["\ud800"]}, NOW)
    assert store.audit.verify() == (1, None)


# --- Snoozes


def test_a_snooze_ends_with_the_value_and_stays_on_record(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    decision = make_decision()
    drift = decision.finding.drift
    about = ("prod", drift.key, drift.address, "", bind(drift, ""))
    add = {"until": later(99), "because": "known", "by": "ana", "now": NOW}
    first = store.snoozes.add(*about, **add)  # type: ignore[arg-type]
    second = store.snoozes.add(*about, **add | {"because": "still"})  # type: ignore[arg-type]
    assert store.snoozes.active("prod") == [second]
    assert [s.ended_because for s in store.snoozes.all(include_ended=True)] == ["", "replaced"]
    store.ledger.record(checked(failure=make_failure()), None, TELLING)
    assert store.snoozes.active("prod") == [second]
    store.ledger.record(checked(decision, hours=1), None, TELLING)
    assert store.snoozes.active("prod") == [second]
    store.ledger.record(checked(hours=2), None, TELLING)
    assert store.snoozes.active("prod") == []
    ended = store.snoozes.all("prod", include_ended=True)[0]
    assert (ended.ended_because, ended.ended_at) == ("the drift is gone", later(2))
    assert store.snoozes.end(first.number, "enough", NOW) is None


def test_a_snooze_can_be_ended_by_hand(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    drift = make_decision().finding.drift
    snooze = store.snoozes.add(
        "prod", drift.key, drift.address, "", "b", until=later(1), because="x", by="y", now=NOW
    )
    ended = store.snoozes.end(snooze.number, "enough", later(0.5))
    assert ended is not None
    assert ended.ended_because == "enough"
    assert store.snoozes.all() == []


# --- Who is there


def test_a_process_is_present_until_it_dies(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from driftwatch.adapters.store.presence import Presence;"
        "p = Presence(Path(sys.argv[1])); p.enter(); print(p.identity, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        identity = child.stdout.readline().strip()
        presence = Presence(tmp_path)
        assert presence.is_alive(identity)
        child.kill()
    assert not presence.is_alive(identity)
    presence.sweep()
    assert list(tmp_path.iterdir()) == []


def test_leaving_takes_the_name_away(tmp_path: Path) -> None:
    presence = Presence(tmp_path)
    presence.enter()
    presence.enter()
    presence.sweep()
    assert presence.is_alive(presence.identity)
    presence.leave()
    presence.leave()
    assert not presence.is_alive(presence.identity)


def test_there_is_one_seat_for_a_daemon(tmp_path: Path) -> None:
    first, second = Seat(tmp_path / "daemon.lock"), Seat(tmp_path / "daemon.lock")
    first.take()
    with pytest.raises(SeatTakenError, match=str(os.getpid())):
        second.take()
    first.leave()
    first.leave()
    second.take()
    second.leave()


# --- Backups and forgetting


def test_a_backup_is_whole_while_others_write(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    store.ledger.record(checked(make_decision()), None, TELLING)
    path = store.backup(NOW, keep=2)
    assert path.stat().st_mode & 0o777 == 0o600
    restored = tmp_path / "restored"
    restored.mkdir()
    path.rename(restored / "driftwatch.db")
    again = open_store(restored)
    assert again.reports.of("prod", 9) == store.reports.of("prod", 9)
    again.ledger.record(checked(make_decision(), hours=1), None, TELLING)
    assert len(kinds(again)) == 1


def test_only_the_newest_backups_are_kept(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    assert newest_backup(tmp_path) is None
    for hours in range(4):
        store.backup(later(hours), keep=2)
    assert [path.name for path in store.backups()] == [
        "driftwatch-20260302T113000Z.db",
        "driftwatch-20260302T123000Z.db",
    ]


def test_a_damaged_database_names_the_backup(tmp_path: Path) -> None:
    store = open_with(tmp_path, *(f"environment-{number}" for number in range(500)))
    store.database.examine()
    backup = store.backup(NOW, keep=1)
    store.database.close()
    path = tmp_path / "driftwatch.db"
    content = bytearray(path.read_bytes())
    for start in range(8192, len(content), 4096):
        content[start : start + 64] = b"\xa5" * 64
    path.write_bytes(content)
    with pytest.raises(StoreError, match=backup.name):
        open_store(tmp_path).database.examine()


def test_a_database_that_lost_its_content_names_the_backup(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    backup = store.backup(NOW, keep=1)
    store.database.close()
    (tmp_path / "driftwatch.db").write_bytes(b"")
    with pytest.raises(StoreError, match=backup.name):
        open_store(tmp_path)


def test_what_is_old_and_of_no_use_is_dropped(tmp_path: Path) -> None:
    store = open_with(tmp_path, "prod")
    for hours in range(10):
        decisions = (make_decision(),) if hours % 2 else ()
        store.ledger.record(checked(*decisions, hours=hours), None, TELLING)
    waiting, *others = store.outbox.due(later(99))
    for message in others:
        claimed = store.outbox.claim(message, "me", NOW)
        assert claimed is not None
        store.outbox.settle(claimed, Delivery(claimed.recipients), NOW, timedelta(days=2))
    assert store.forget_before(later(99)) > 0
    assert len(store.reports.of("prod", 99)) == 3
    assert [one.number for one in store.outbox.newest()] == [waiting.number]
    assert len(store.outbox.events_of(waiting)) == 1
    assert len(store.ledger.open_threads("prod")) == 1


def test_a_key_is_made_once_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    key = read_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(StoreError, match="damaged"):
        read_key(tmp_path / "key")


def test_only_one_connection_can_checkpoint(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.remember("a", "1")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.database._reader.execute("INSERT INTO fact VALUES ('b', '2')")
    wal = tmp_path / "driftwatch.db-wal"
    before = wal.stat().st_size
    store.database._reader.close()
    store.database._local.connection = None
    assert before > 0
    assert wal.stat().st_size == before


def test_who_only_reads_does_not_wait_for_who_writes(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.remember("a", "1")
    with store.database.writing() as tables:
        tables.conn.execute("UPDATE fact SET value = '2'")
        assert open_store(tmp_path).fact("a") == "1"


def test_writers_of_several_processes_take_turns(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path;"
        "from driftwatch.adapters.store.store import open_store;"
        "store = open_store(Path(sys.argv[1]));\n"
        "with store.database.writing():\n"
        "    print('in', flush=True); time.sleep(0.5)\n"
    )
    store = open_store(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT,
        env={"PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "in\n"
        began = time.monotonic()
        store.remember("a", "1")
        assert time.monotonic() - began > 0.3
    assert store.fact("a") == "1"
