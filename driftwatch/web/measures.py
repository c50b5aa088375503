"""What one process counts for Prometheus: true counters, which begin at zero with the process."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from driftwatch.domain.model import Status

_SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Measures:
    """Count checks and messages as they end. Any thread may."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._checks = Counter(
            "driftwatch_checks", "Checks that ended.", ["result"], registry=self.registry
        )
        self._seconds = Histogram(
            "driftwatch_check_duration_seconds",
            "How long checks took.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._messages = Counter(
            "driftwatch_messages",
            "Attempts to send a message, by how they ended.",
            ["channel", "result"],
            registry=self.registry,
        )
        self._tick = Gauge(
            "driftwatch_last_tick_timestamp_seconds",
            "When the clock last looked for what is due; 0 before it did.",
            registry=self.registry,
        )
        for status in set(Status) - {Status.STALE, Status.NEVER}:
            self._checks.labels(status.value)  # so that a first of its kind counts as a rise

    def check_finished(self, result: Status, seconds: float) -> None:
        """Count a check that ended."""
        self._checks.labels(result.value).inc()
        self._seconds.observe(seconds)

    def message_settled(self, channel: str, result: str) -> None:
        """Count an attempt to send a message; `result` is the state that it led to."""
        self._messages.labels(channel, result).inc()

    def ticked(self, now: datetime) -> None:
        """Remember when the clock last looked for what is due."""
        self._tick.set(now.timestamp())
