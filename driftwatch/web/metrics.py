"""How the fleet stands, in the words of Prometheus: read from the store at each scrape.

What stands per environment is written by hand: 2,000 environments are 32,000 lines, for which
prometheus_client needs the whole time that a scrape should take.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from driftwatch.domain.model import Severity, Status
from driftwatch.domain.watched import Watched
from driftwatch.web.measures import Measures
from driftwatch.web.office import Office

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


def render_metrics(office: Office) -> bytes:
    """Write all metrics in Prometheus' text format."""
    store, now = office.installation.store, office.installation.now()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given(_of_measures(office.measures)))
    registry.register(_Given(_of_store(office)))
    lines = "".join(_of_environments(store.watchlist.all(), now))
    return generate_latest(registry) + lines.encode("utf-8", "replace")


class _Given(Collector):
    """Passes on what was collected for one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics

    def describe(self) -> Iterable[Metric]:
        return ()


def _of_measures(measures: Measures) -> Iterator[Metric]:
    """Pass on what the process counted, but not when it began to: `…_created` is no metric."""
    for metric in measures.registry.collect():
        metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
        yield metric


def _of_store(office: Office) -> Iterator[Metric]:
    store = office.installation.store
    jobs = store.queue.all()
    running = sum(job.owner is not None for job in jobs)
    states = GaugeMetricFamily(
        "driftwatch_queue_jobs", "Checks that wait or run.", labels=["state"]
    )
    states.add_metric(["running"], running)
    states.add_metric(["waiting"], len(jobs) - running)
    yield states
    oldest = [job.due_at for job in jobs if job.owner is None]
    yield GaugeMetricFamily(
        "driftwatch_queue_oldest_due_timestamp_seconds",
        "When the check was due that waits longest; 0 where none waits.",
        min(oldest).timestamp() if oldest else 0,
    )
    counts = store.outbox.counts()
    waiting = counts.get("pending", 0) + counts.get("sending", 0)
    yield GaugeMetricFamily("driftwatch_messages_pending", "Messages to be sent.", waiting)
    parked = counts.get("parked", 0)
    yield GaugeMetricFamily("driftwatch_messages_parked", "Messages that were given up.", parked)
    build = GaugeMetricFamily("driftwatch_build_info", "What runs; always 1.", labels=["version"])
    build.add_metric([version("driftwatch")], 1)
    yield build


def _of_environments(fleet: Iterable[Watched], now: datetime) -> Iterator[str]:
    named = [(one, one.environment.translate(_ESCAPES)) for one in fleet]
    name = "driftwatch_environment_drifts"
    yield from _head(name, "Drifts that people should see, by severity.")
    for one, word in named:
        for severity in Severity:
            count = one.severities.get(severity, 0)
            yield f'{name}{{environment="{word}",severity="{severity.value}"}} {count}\n'
    name = "driftwatch_environment_status"
    yield from _head(name, "1 for the status that an environment has now, 0 for all others.")
    for one, word in named:
        current = one.status_at(now)
        for status in Status:
            labels = f'environment="{word}",status="{status.value}"'
            yield f"{name}{{{labels}}} {int(status is current)}\n"
    name = "driftwatch_environment_last_proven_timestamp_seconds"
    yield from _head(name, "When an environment was last looked at completely; 0 is never.")
    for one, word in named:
        proven = one.proven_at.timestamp() if one.proven_at else 0
        yield f'{name}{{environment="{word}"}} {proven}\n'
    name = "driftwatch_environment_stale_after_seconds"
    yield from _head(name, "After how long without a complete look an environment is stale.")
    for one, word in named:
        yield f'{name}{{environment="{word}"}} {one.stale_after}\n'


def _head(name: str, help_: str) -> Iterator[str]:
    yield f"# HELP {name} {help_}\n# TYPE {name} gauge\n"
