"""Everything that Prometheus reads from one worker process."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.gpu_usage import GpuUse
from service.monitoring.sampler import Sampler
from service.queue.active_jobs import ActiveJobs
from service.reading.ocr.devices import Devices
from service.store.publisher import Publisher
from service.telemetry.metrics import REGISTRY


class Exposition(Collector):
    """The counters of this process, and its latest samples as gauges.

    Parameters:
        sampler, in_hand, devices, publisher: what is read
        problems: what keeps this worker from making progress
    """

    def __init__(
        self,
        sampler: Sampler,
        active_jobs: ActiveJobs,
        devices: Devices,
        publisher: Publisher,
        problems: Callable[[], list[str]],
    ) -> None:
        self.sampler = sampler
        self.active_jobs = active_jobs
        self.devices = devices
        self.publisher = publisher
        self.problems = problems
        self._process = ProcessCollector(registry=CollectorRegistry())

    def page(self) -> bytes:
        """The answer to a scrape, in Prometheus' text format (``prometheus_client.CONTENT_TYPE_LATEST``)."""
        return generate_latest(self)

    def collect(self) -> Iterator[Metric]:
        """Every metric with its value now; what is not known is left out."""
        yield from REGISTRY.collect()
        yield from self._process.collect()
        yield from self._worker()
        redis_up = self.sampler.backlog is not None and not self.sampler.hangs_for("Redis")
        postgresql_up = self.sampler.outbox_backlog is not None and not self.sampler.hangs_for("PostgreSQL")
        yield _gauge("redis_up", "Whether Redis answered the latest look.", redis_up)
        yield _gauge("postgresql_up", "Whether PostgreSQL answered the latest look.", postgresql_up)
        if self.sampler.backlog is not None:
            yield from _backlog(self.sampler.backlog)
        if self.sampler.outbox_backlog is not None:
            yield from _outbox_backlog(self.sampler.outbox_backlog)
        if self.sampler.gpu is not None:
            yield from _gpu(self.sampler.gpu)

    def _worker(self) -> Iterator[Metric]:
        yield _gauge("active_jobs", "Documents in work in this process.", len(self.active_jobs.tokens()))
        yield _gauge("oldest_job_seconds", "Age of the job in work longest.", self.active_jobs.oldest_age())
        yield _gauge(
            "concurrency_jobs", "Documents that this process works on at most.", self.active_jobs.limit
        )
        yield _gauge("taking", "Whether documents are taken: 0 while stopping or held.", self._takes())
        yield _gauge("gpu_in_use", "Whether documents are read on a GPU.", self.devices.gpu_available)
        yield _gauge(
            "making_progress", "Whether nothing keeps this worker from its work.", not self.problems()
        )
        unreceived = CounterMetricFamily(
            "filot_ocr_results_unheard", "Results published while nobody was subscribed."
        )
        unreceived.add_metric([], self.publisher.unreceived)
        yield unreceived

    def _takes(self) -> bool:
        return not self.active_jobs.stopping and not self.active_jobs.pause_reasons()


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"filot_ocr_{name}", help_text, value=float(value))


def _backlog(backlog: Backlog) -> Iterator[Metric]:
    yield _gauge("queue_documents", "Documents that wait in the list, all workers'.", backlog.waiting)
    yield _gauge(
        "oldest_waiting_seconds",
        "How long the oldest of them has waited, at least.",
        backlog.oldest_waiting,
    )
    yield _gauge(
        "processing_documents", "Documents taken and not finished, all workers'.", backlog.processing
    )
    yield _gauge("retry_waiting_documents", "Those of them that wait for a retry.", backlog.put_off)


def _outbox_backlog(outbox_backlog: OutboxBacklog) -> Iterator[Metric]:
    yield _gauge(
        "dead_jobs", "Jobs that used up their attempts and are kept for the operator.", outbox_backlog.dead
    )
    yield _gauge("given_up_reviews", "Reviews that are not asked for any more.", outbox_backlog.given_up)
    rows = GaugeMetricFamily("filot_ocr_outbox_rows", "Results and reviews not told yet.", labels=["kind"])
    oldest = GaugeMetricFamily(
        "filot_ocr_outbox_oldest_seconds", "Age of the oldest of them.", labels=["kind"]
    )
    for kind, (count, age) in outbox_backlog.undelivered.items():
        rows.add_metric([kind], count)
        oldest.add_metric([kind], age)
    yield rows
    yield oldest


def _gpu(use: GpuUse) -> Iterator[Metric]:
    yield _gauge("gpu_memory_used_bytes", "GPU memory in use, by whatever program.", use.memory_used)
    yield _gauge("gpu_memory_total_bytes", "GPU memory that there is.", use.memory_total)
    yield _gauge("gpu_utilisation_ratio", "Share of time in which the GPU computed.", use.utilisation)
