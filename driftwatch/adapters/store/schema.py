"""The tables, as steps from version to version; the list only ever grows."""

_REPORTS = """
CREATE TABLE report (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    checked_at TEXT NOT NULL,
    status TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    duration REAL NOT NULL,
    cause TEXT,
    document TEXT NOT NULL
);
CREATE INDEX report_by_time ON report (environment, checked_at, id);
CREATE INDEX report_that_looked ON report (environment, checked_at, id) WHERE cause IS NULL;
CREATE TABLE environment (
    name TEXT PRIMARY KEY,
    newest INTEGER NOT NULL REFERENCES report (id)
);
CREATE TABLE finding (
    report INTEGER NOT NULL REFERENCES report (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    verdict TEXT NOT NULL,
    rule TEXT NOT NULL,
    transition TEXT NOT NULL,
    first_seen TEXT NOT NULL
);
CREATE INDEX finding_by_report ON finding (report);
CREATE INDEX finding_by_key ON finding (environment, key, report);
"""

# Times are RFC 3339 in UTC with microseconds, so that they sort as text. An environment that is
# watched has one row in `watch`: when it is due, what people know of its health, and the newest
# report in numbers, so that a dashboard of thousands need not read any report.
_SERVICE = """
ALTER TABLE report ADD COLUMN drifted INTEGER NOT NULL DEFAULT 0;
CREATE TABLE watch (
    environment TEXT PRIMARY KEY,
    repository TEXT NOT NULL,
    directory TEXT NOT NULL,
    account TEXT NOT NULL,
    owners TEXT NOT NULL,
    labels TEXT NOT NULL,
    schedule TEXT NOT NULL,
    stale_after REAL NOT NULL,
    since TEXT NOT NULL,
    next_due TEXT,
    last_due TEXT,
    retry_at TEXT,
    not_before TEXT,
    quiet INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    failing_since TEXT,
    told_failed INTEGER NOT NULL DEFAULT 0,
    told_stale INTEGER NOT NULL DEFAULT 0,
    report INTEGER,
    checked_at TEXT,
    status TEXT NOT NULL DEFAULT 'never checked',
    worst TEXT,
    drifted INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,
    snoozed INTEGER NOT NULL DEFAULT 0,
    proven_at TEXT,
    in_sync_at TEXT,
    failure TEXT NOT NULL DEFAULT '',
    directories TEXT NOT NULL DEFAULT '[]',
    severities TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX watch_by_due ON watch (next_due) WHERE next_due IS NOT NULL;
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL DEFAULT '',
    due_at TEXT NOT NULL,
    urgent INTEGER NOT NULL DEFAULT 0,
    override INTEGER NOT NULL DEFAULT 0,
    waiting TEXT NOT NULL DEFAULT '',
    owner TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    started_at TEXT,
    lease_until TEXT,
    doing TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX job_queued ON job (environment) WHERE owner IS NULL;
CREATE UNIQUE INDEX job_running ON job (environment) WHERE owner IS NOT NULL;
CREATE TABLE thread (
    id INTEGER PRIMARY KEY,
    environment TEXT NOT NULL,
    key TEXT NOT NULL,
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    severity TEXT NOT NULL,
    opened_at TEXT NOT NULL,
    pending INTEGER NOT NULL,
    told INTEGER NOT NULL,
    overdue INTEGER NOT NULL,
    resting INTEGER NOT NULL,
    closed_at TEXT
);
CREATE UNIQUE INDEX thread_open ON thread (environment, key) WHERE closed_at IS NULL;
CREATE INDEX thread_closed ON thread (closed_at) WHERE closed_at IS NOT NULL;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    severity TEXT NOT NULL,
    key TEXT NOT NULL,
    report INTEGER,
    document TEXT NOT NULL
);
CREATE INDEX event_by_time ON event (environment, at);
CREATE INDEX event_by_report ON event (report);
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL,
    route TEXT NOT NULL,
    channel TEXT NOT NULL,
    environment TEXT NOT NULL,
    report INTEGER,
    digest TEXT NOT NULL DEFAULT '',
    recipients TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TEXT NOT NULL,
    first_attempt_at TEXT,
    created_at TEXT NOT NULL,
    owner TEXT,
    sent_at TEXT,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX message_due ON message (next_attempt_at) WHERE state IN ('pending', 'sending');
CREATE INDEX message_by_time ON message (created_at);
CREATE TABLE message_event (
    message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    PRIMARY KEY (message, event)
);
CREATE INDEX message_by_event ON message_event (event);
CREATE TABLE digest (
    route TEXT PRIMARY KEY,
    last_at TEXT NOT NULL
);
CREATE TABLE snooze (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment TEXT NOT NULL,
    key TEXT NOT NULL,
    address TEXT NOT NULL,
    attribute TEXT NOT NULL,
    binding TEXT NOT NULL,
    until TEXT NOT NULL,
    because TEXT NOT NULL,
    by TEXT NOT NULL,
    created_at TEXT NOT NULL,
    ended_at TEXT,
    ended_because TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX snooze_live ON snooze (environment, key, attribute) WHERE ended_at IS NULL;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only') ; END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit
    BEGIN SELECT raise(ABORT, 'the audit log is append-only') ; END;
CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    revoked_at TEXT,
    used_at TEXT
);
CREATE TABLE push (
    hook TEXT NOT NULL,
    delivery TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (hook, delivery)
);
CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
"""


def statements(step: str) -> list[str]:
    """Part a step into statements; each ends with its line, which one inside a trigger does not."""
    return [part for part in step.split(";\n") if part.strip()]


STEPS = (_REPORTS, _SERVICE)
VERSION = len(STEPS)
