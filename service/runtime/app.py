"""Builds the parts of a worker process, connects them, and closes them again."""

import importlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

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
from service.queue.document_queue import DocumentQueue, connect_redis
from service.queue.operator_pause import LOOK_INTERVAL, PauseWatch
from service.queue.recovery import Recovery
from service.reading.ocr.devices import Devices
from service.reading.pages import close_decoders
from service.runtime import scheduler as intervals
from service.runtime.maintenance import Maintenance
from service.runtime.middleware.cpu_fallback import CpuFallback
from service.runtime.middleware.gpu_detection import GpuDetection, WorkerHistory
from service.runtime.middleware.graceful_stop import GracefulStop
from service.runtime.middleware.lifecycle import Lifecycle
from service.runtime.middleware.log_context import LogContext
from service.runtime.middleware.metrics import JobMetrics
from service.runtime.middleware.result_publishing import ResultPublishing
from service.runtime.middleware.settlement import SettlementPolicy
from service.runtime.processing import Processing
from service.runtime.scheduler import Scheduler
from service.runtime.supervisor import GPU_LOST_VARIABLE, STARTED_VARIABLE
from service.runtime.watchdog import Watchdog
from service.settings import Settings, current_settings, needed
from service.store.database import Database
from service.store.object_store import Storage
from service.store.publisher import Publisher
from service.store.reviews import Reviews
from service.telemetry import tracing

#: Connections beside one per job: reviews, the scheduler's threads, health checks.
SPARE_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class App:
    """The parts of a worker that actors, public functions and tests use."""

    settings: Settings
    database: Database
    document_queue: DocumentQueue
    active_jobs: ActiveJobs
    broker: FilotBroker
    processing: Processing
    publisher: Publisher
    reviews: Reviews
    devices: Devices
    heartbeat: Heartbeat
    poller: Poller
    health: Health
    watchdog: Watchdog
    scheduler: Scheduler


@contextmanager
def build_app(settings: Settings) -> Iterator[App]:
    """Build a worker's parts; leaving the context stops its threads and processes and closes its connections.

    The OCR models are loaded; no server is contacted yet. A Dramatiq worker on the app's broker must be
    stopped before the context is left.

    Raises:
        SettingsError: a variable that has no default is not set, or the engine lacks something.
    """
    with ExitStack() as resources:
        yield _build(settings, resources)


def _build(settings: Settings, resources: ExitStack) -> App:
    """Build the parts; ``resources`` closes them, the last one first."""
    # First: a connection to PostgreSQL is traced from its beginning or never.
    traces = tracing.start(settings)
    resources.callback(tracing.stop)
    database = Database(
        needed(settings.database_url, "DATABASE_URL"), settings.concurrency + SPARE_CONNECTIONS
    )
    resources.callback(database.close)
    client = connect_redis(settings)
    resources.callback(client.close)
    storage = Storage(settings)
    resources.callback(storage.close)
    devices = Devices(settings)
    resources.callback(devices.close)
    resources.callback(close_decoders)
    document_queue = DocumentQueue(client, settings)
    active_jobs = ActiveJobs(document_queue, settings.concurrency)
    resources.callback(active_jobs.close)
    broker = FilotBroker(document_queue, active_jobs, database, settings)
    resources.callback(broker.close)
    publisher = Publisher(database, client, settings)
    reviews = Reviews(database, settings)
    pause_watch = PauseWatch(client, active_jobs)
    poller = Poller(client, database, settings)
    heartbeat = Heartbeat(
        *(client, active_jobs, devices, publisher),
        gpu_enabled=settings.gpu_enabled,
        gpu_use=lambda: poller.gpu,
        pause_watch=pause_watch,
    )
    health = Health(settings.health_port, active_jobs, devices, poller, settings.job_timeout)
    heartbeat.review_problem = health.review_problem = lambda: reviews.problem
    heartbeat.review_failure = lambda: reviews.failure
    heartbeat.database_problem = poller.database_problem
    resources.callback(health.stop)
    scheduler = Scheduler(heartbeat, poller.away)
    scheduler.every(LOOK_INTERVAL, pause_watch.look)
    resources.callback(scheduler.close)
    watchdog = Watchdog(settings.job_timeout)
    resources.callback(watchdog.stop)
    app = App(
        settings=settings,
        database=database,
        document_queue=document_queue,
        active_jobs=active_jobs,
        broker=broker,
        processing=Processing(settings, database, storage, devices),
        publisher=publisher,
        reviews=reviews,
        devices=devices,
        heartbeat=heartbeat,
        poller=poller,
        health=health,
        watchdog=watchdog,
        scheduler=scheduler,
    )
    _connect(app, [] if traces is None else [_job_traces(traces, active_jobs)])
    return app


def _connect(app: App, tracing_middleware: list[Middleware]) -> None:
    """Add the pages, the scheduled tasks and the middleware."""
    settings, active_jobs, devices = app.settings, app.active_jobs, app.devices
    progress = Progress(app.health.alive, active_jobs, app.poller)
    reports = CloudWatch(settings.metrics_namespace, active_jobs, app.poller, progress.problems, devices)
    graceful_stop = GracefulStop(active_jobs, settings.shutdown_timeout)
    detection = GpuDetection(
        devices,
        active_jobs,
        graceful_stop.request,
        _worker_history(os.environ),
        auto_fallback=settings.auto_fallback,
    )
    app.broker.on_unusable_redis = graceful_stop.refuse_configuration
    _add_pages(app, progress)
    _schedule_tasks(app, detection, reports)
    # Hooks that follow a message run from the last to the first: publish, settle, count, unbind the log.
    for middleware in (
        graceful_stop,
        Lifecycle(app.health, app.watchdog, app.scheduler, devices, settings),
        CurrentMessage(),
        LogContext(devices),
        *tracing_middleware,
        JobMetrics(active_jobs, reports),
        SettlementPolicy(active_jobs),
        detection,
        CpuFallback(devices, detection, auto_fallback=settings.auto_fallback),
        ResultPublishing(app.publisher),
    ):
        app.broker.add_middleware(middleware)


def _add_pages(app: App, progress: Progress) -> None:
    """Serve the metrics and the status page on the health port."""
    exposition = Exposition(app.poller, app.active_jobs, app.devices, app.publisher, progress.problems)
    app.health.add_page("/metrics", lambda _: Answer(exposition.page(), CONTENT_TYPE_LATEST))
    for path, page in StatusPage(app.settings, app.poller, app.health, app.heartbeat).pages().items():
        app.health.add_page(path, page)


def _schedule_tasks(app: App, detection: GpuDetection, reports: CloudWatch) -> None:
    maintenance = Maintenance(app.document_queue, app.publisher, app.database)
    reaper_interval = app.settings.reaper_interval
    for seconds, task in (
        (reaper_interval, maintenance.reap),
        (reaper_interval, Recovery(app.database, app.document_queue).look),
        (intervals.MARK_INTERVAL, app.publisher.mark_delivered),
        (intervals.SWEEP_INTERVAL, maintenance.publish_pending),
        (intervals.PROBE_INTERVAL, detection.probe),
        (intervals.PURGE_INTERVAL, maintenance.purge),
        (cloudwatch.INTERVAL, reports.report),
    ):
        app.scheduler.every(seconds, task)
    for poll in app.poller.tasks():
        app.scheduler.every(POLL_INTERVAL, poll, at_once=True)


def _worker_history(environment: Mapping[str, str]) -> WorkerHistory:
    """Read what the supervisor passes on; without one, this process is the first of its worker."""
    lost_at = environment.get(GPU_LOST_VARIABLE)
    return WorkerHistory(
        started_at=float(environment.get(STARTED_VARIABLE, time.monotonic())),
        gpu_lost_at=None if lost_at is None else float(lost_at),
    )


def _job_traces(traces: object, active_jobs: ActiveJobs) -> Middleware:
    # Imported here: it needs OpenTelemetry, which comes with the extra `tracing`.
    module = importlib.import_module("service.runtime.middleware.tracing")
    middleware: Middleware = module.JobTraces(traces, active_jobs)
    return middleware


class _Process:
    """The app of a process that holds no context: of ``dramatiq service.worker``, and of direct calls."""

    lock = threading.Lock()
    app: App | None = None
    resources = ExitStack()


def current_app() -> App:
    """Return the app of this process, built on first use and open until `close_current_app` or the exit.

    Raises:
        SettingsError: the process cannot work as configured.
    """
    with _Process.lock:
        if _Process.app is None:
            _Process.app = _Process.resources.enter_context(build_app(current_settings()))
        return _Process.app


def close_current_app() -> None:
    """Close the app of this process, if there is one."""
    with _Process.lock:
        _Process.app = None
        _Process.resources.close()
