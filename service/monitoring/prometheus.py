"""The metrics of one worker process for Prometheus."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.gpu_usage import GpuUse
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.store.publisher import Publisher
from service.telemetry.metrics import REGISTRY


class Exposition(Collector):
    """Collects the counters of this process, and the latest poll as gauges. No scrape asks a server.

    Parameters:
        poller, active_jobs, devices, publisher: what is read
        problems: lists what keeps this worker from making progress
    """

    def __init__(
        self,
        poller: Poller,
        active_jobs: ActiveJobs,
        devices: Devices,
        publisher: Publisher,
        problems: Callable[[], list[str]],
    ) -> None:
        self.poller = poller
        self.active_jobs = active_jobs
        self.devices = devices
        self.publisher = publisher
        self.problems = problems
        self._process = ProcessCollector(registry=CollectorRegistry())

    def page(self) -> bytes:
        """Return the answer to a scrape, as ``prometheus_client.CONTENT_TYPE_LATEST``."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric with its current value; unknown ones are left out."""
        yield from REGISTRY.collect()
        yield from self._process.collect()
        yield from self._worker()
        yield _gauge("redis_up", "Whether Redis answered the latest poll.", self.poller.redis_answers())
        yield _gauge(
            "postgresql_up", "Whether PostgreSQL answered the latest poll.", self.poller.postgresql_answers()
        )
        if self.poller.backlog is not None:
            yield from _backlog(self.poller.backlog)
        if self.poller.outbox_backlog is not None:
            yield from _outbox_backlog(self.poller.outbox_backlog)
        if self.poller.gpu is not None:
            yield from _gpu(self.poller.gpu)

    def _worker(self) -> Iterator[Metric]:
        yield _gauge("active_jobs", "Documents in progress in this process.", len(self.active_jobs.tokens()))
        yield _gauge(
            "oldest_job_seconds", "Age of the oldest job in progress.", self.active_jobs.oldest_age()
        )
        yield _gauge(
            "concurrency_jobs", "Most documents that this process works on at a time.", self.active_jobs.limit
        )
        yield _gauge("taking", "Whether documents are taken: 0 while stopping or paused.", self._takes())
        yield _gauge("gpu_in_use", "Whether documents are read on a GPU.", self.devices.gpu_available)
        yield _gauge("making_progress", "Whether this worker makes progress.", not self.problems())
        unreceived = CounterMetricFamily(
            "filot_ocr_results_unheard", "Results published while no client was subscribed."
        )
        unreceived.add_metric([], self.publisher.unreceived)
        yield unreceived

    def _takes(self) -> bool:
        return not self.active_jobs.stopping and not self.active_jobs.pause_reasons()


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"filot_ocr_{name}", help_text, value=float(value))


def _backlog(backlog: Backlog) -> Iterator[Metric]:
    yield _gauge("queue_documents", "Documents waiting for any worker.", backlog.waiting)
    yield _gauge("claimable_documents", "Those of them in the backend's CPU list.", backlog.claimable)
    yield _gauge(
        "oldest_waiting_seconds",
        "Least time that the oldest of them has waited.",
        backlog.oldest_waiting,
    )
    yield _gauge(
        "processing_documents", "Documents taken and not finished, over all workers.", backlog.processing
    )
    yield _gauge("retry_waiting_documents", "Those of them that wait for a retry.", backlog.put_off)


def _outbox_backlog(outbox_backlog: OutboxBacklog) -> Iterator[Metric]:
    yield _gauge("dead_jobs", "Jobs that used up their attempts, kept for the operator.", outbox_backlog.dead)
    yield _gauge("given_up_reviews", "Reviews that are no longer requested.", outbox_backlog.given_up)
    rows = GaugeMetricFamily("filot_ocr_outbox_rows", "Undelivered results and reviews.", labels=["kind"])
    oldest = GaugeMetricFamily(
        "filot_ocr_outbox_oldest_seconds", "Age of the oldest of them.", labels=["kind"]
    )
    for kind, (count, age) in outbox_backlog.undelivered.items():
        rows.add_metric([kind], count)
        oldest.add_metric([kind], age)
    yield rows
    yield oldest


def _gpu(use: GpuUse) -> Iterator[Metric]:
    yield _gauge("gpu_memory_used_bytes", "GPU memory in use, by any program.", use.memory_used)
    yield _gauge("gpu_memory_total_bytes", "GPU memory installed.", use.memory_total)
    yield _gauge("gpu_utilisation_ratio", "Share of time in which the GPU was computing.", use.utilisation)
