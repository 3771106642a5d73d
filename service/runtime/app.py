"""The parts of one worker process, put together once."""

import importlib
from dataclasses import dataclass
from functools import lru_cache

from dramatiq import Middleware
from dramatiq.middleware import CurrentMessage
from prometheus_client import CONTENT_TYPE_LATEST

from service.monitoring import cloudwatch
from service.monitoring.cloudwatch import CloudWatch
from service.monitoring.health import Health, Progress
from service.monitoring.heartbeat import Heartbeat
from service.monitoring.http_server import Answer
from service.monitoring.poller import POLL_INTERVAL, Poller
from service.monitoring.prometheus import Exposition
from service.monitoring.status_page import StatusPage
from service.queue.active_jobs import ActiveJobs
from service.queue.broker import FilotBroker
from service.queue.recovery import Recovery
from service.reading.ocr.devices import Devices
from service.runtime.middleware.cpu_fallback import CpuFallback
from service.runtime.middleware.gpu_detection import GpuDetection
from service.runtime.middleware.graceful_stop import GracefulStop
from service.runtime.middleware.lifecycle import Lifecycle
from service.runtime.middleware.log_context import LogContext
from service.runtime.middleware.metrics import JobMetrics
from service.runtime.middleware.result_publishing import ResultPublishing
from service.runtime.middleware.settlement import SettlementPolicy
from service.runtime.processing import Processing
from service.runtime.scheduler import Schedule
from service.runtime.watchdog import Watchdog
from service.settings import Settings, current_settings, needed
from service.store.database import Database
from service.store.object_store import Storage
from service.store.publisher import Publisher
from service.store.reviews import Reviews
from service.telemetry import tracing

#: Connections beside one for each job: reviews, the scheduler's threads, health checks.
SPARE_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the actors and the public functions work with."""

    settings: Settings
    broker: FilotBroker
    processing: Processing
    publisher: Publisher
    reviews: Reviews
    devices: Devices


@lru_cache(maxsize=1)
def current_runtime() -> Runtime:
    """The runtime of this process, put together on first use.

    Raises:
        SettingsError: the process cannot work as configured.
    """
    return build_runtime(current_settings())


def build_runtime(settings: Settings) -> Runtime:
    """Connect the parts. No server is contacted yet; the OCR models are loaded.

    Raises:
        SettingsError: a variable that has no default is not set, or the engine lacks something.
    """
    database = Database(
        needed(settings.database_url, "DATABASE_URL"), settings.concurrency + SPARE_CONNECTIONS
    )
    broker = FilotBroker(settings, database, middleware=[])
    devices = Devices(settings)
    publisher = Publisher(database, broker.document_queue.client, settings)
    detection = GpuDetection(devices, broker.active_jobs, settings)
    client = broker.document_queue.client
    poller = Poller(client, database, settings)
    health = Health(settings.health_port, broker.active_jobs, devices, poller, settings.job_timeout)
    heartbeat = Heartbeat(client, broker.active_jobs, devices, publisher, gpu_enabled=settings.gpu_enabled)
    schedule = Schedule(
        settings,
        broker.document_queue,
        publisher,
        detection,
        heartbeat,
        Recovery(database, broker.document_queue),
        poller,
    )
    for path, page in StatusPage(settings, poller, health, heartbeat).pages().items():
        health.add_page(path, page)
    reports = _publish_metrics(broker.active_jobs, poller, health, schedule, publisher, settings)
    # Hooks after a message run from the last to the first: told, then settled, then forgotten by the log.
    for middleware in (
        Lifecycle(
            health,
            Watchdog(broker.active_jobs, settings.job_timeout),
            schedule,
        ),
        GracefulStop(broker.active_jobs, settings.shutdown_timeout),
        CurrentMessage(),
        LogContext(devices),
        *_job_traces(settings, broker.active_jobs),
        JobMetrics(broker.active_jobs, reports),
        SettlementPolicy(broker.active_jobs),
        detection,
        CpuFallback(devices, detection, settings),
        ResultPublishing(publisher),
    ):
        broker.add_middleware(middleware)
    return Runtime(
        settings=settings,
        broker=broker,
        processing=Processing(settings, database, Storage(settings), devices),
        publisher=publisher,
        reviews=Reviews(database, settings),
        devices=devices,
    )


def _job_traces(settings: Settings, active_jobs: ActiveJobs) -> list[Middleware]:
    traces = tracing.start(settings)
    if traces is None:
        return []
    # Loaded only now: it needs OpenTelemetry, which comes with the extra `tracing`.
    middleware = importlib.import_module("service.runtime.middleware.tracing")
    return [middleware.JobTraces(traces, active_jobs)]


def _publish_metrics(
    active_jobs: ActiveJobs,
    poller: Poller,
    health: Health,
    schedule: Schedule,
    publisher: Publisher,
    settings: Settings,
) -> CloudWatch:
    """Let the scheduler poll and report, and the health port answer scrapes."""
    progress = Progress(health.alive, active_jobs, poller)
    exposition = Exposition(poller, active_jobs, health.devices, publisher, progress.problems)
    health.add_page("/metrics", lambda _: Answer(exposition.page(), CONTENT_TYPE_LATEST))
    reports = CloudWatch(settings.metrics_namespace, active_jobs, poller, progress.problems)
    for task in poller.tasks():
        schedule.every(POLL_INTERVAL, task, at_once=True)
    schedule.every(cloudwatch.INTERVAL, reports.report)
    return reports
