"""One SQLite file: history, queue, outbox, snoozes, audit."""
