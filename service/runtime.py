"""The parts of one worker process, put together once."""

from dataclasses import dataclass
from functools import lru_cache

from dramatiq.middleware import CurrentMessage
from prometheus_client import CONTENT_TYPE_LATEST

from service import status_page, tracing
from service.database import Database
from service.devices import Devices
from service.health import Answer, Health
from service.heartbeat import Heartbeat
from service.intake.broker import FilotBroker
from service.metrics import cloudwatch, sampling
from service.metrics.cloudwatch import CloudWatch
from service.metrics.exposition import Exposition
from service.metrics.sampling import Sampler
from service.middleware.companions import Companions
from service.middleware.cpu_fallback import CpuFallback
from service.middleware.gpu_detection import GpuDetection
from service.middleware.graceful_stop import GracefulStop
from service.middleware.log_context import LogContext
from service.middleware.metering import Metering
from service.middleware.result_publishing import ResultPublishing
from service.middleware.settlement import Settling
from service.onlooker import Onlooker
from service.processing import Processing
from service.progress import Progress
from service.publishing import Publisher
from service.recovery import Recovery
from service.review import Reviews
from service.schedule import Schedule
from service.settings import Settings, current_settings, needed
from service.status_page import StatusPage
from service.storage import Storage
from service.watchdog import Watchdog

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
    publisher = Publisher(database, broker.ledger.client, settings)
    detection = GpuDetection(devices, broker.in_hand, settings)
    sampler = Sampler(settings, broker.ledger.client, database)
    health = Health(settings.health_port, broker.in_hand, devices, sampler)
    heartbeat = Heartbeat(broker.in_hand, devices, publisher)
    schedule = Schedule(
        settings, broker.ledger, publisher, detection, heartbeat, Recovery(database, broker.ledger), sampler
    )
    onlooker = Onlooker(broker.ledger.client, database, settings, status_page.PATIENCE)
    health.pages |= StatusPage(settings, onlooker, health, heartbeat).pages()
    reports = _publish_metrics(health, schedule, publisher, settings)
    # Hooks after a message run from the last to the first: told, then settled, then forgotten by the log.
    for middleware in (
        Companions(
            health,
            Watchdog(broker.in_hand, settings.job_timeout / 1000),
            schedule,
        ),
        GracefulStop(broker.in_hand, settings.shutdown_timeout / 1000),
        CurrentMessage(),
        LogContext(devices),
        *tracing.start(settings, broker.in_hand),
        Metering(broker.in_hand, reports),
        Settling(broker.in_hand),
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


def _publish_metrics(
    health: Health, schedule: Schedule, publisher: Publisher, settings: Settings
) -> CloudWatch:
    """Let the clock sample and report, and the health port answer scrapes."""
    in_hand, sampler = health.in_hand, health.sampler
    progress = Progress(health)
    exposition = Exposition(sampler, in_hand, health.devices, publisher, progress.problems)
    health.pages["/metrics"] = lambda _: Answer(exposition.page(), CONTENT_TYPE_LATEST)
    reports = CloudWatch(settings.metrics_namespace, in_hand, sampler, progress.problems, health.devices)
    for look in sampler.looks():
        schedule.every(sampling.INTERVAL, look, at_once=True)
    schedule.every(cloudwatch.INTERVAL, reports.report)
    return reports
