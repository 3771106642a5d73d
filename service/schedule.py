"""What runs by the clock beside the jobs: heartbeat, reaper, recovery, outbox sweep, GPU probe."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import redis
import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from service import endings, outbox
from service.errors import OcrWorkerError
from service.heartbeat import INTERVAL, Heartbeat
from service.intake.ledger import Ledger
from service.metrics.instruments import RETURNED
from service.middleware.gpu_detection import GpuDetection
from service.publishing import Publisher
from service.recovery import Recovery
from service.settings import Settings

log = structlog.get_logger(__name__)

#: s between two looks for results that nobody told yet, for a GPU that came back, and for rows told long ago.
SWEEP_INTERVAL, PROBE_INTERVAL, PURGE_INTERVAL = 10, 60, 3600


class Schedule:
    """APScheduler's threads and what they run.

    Parameters:
        settings: the reaper's interval
        ledger, publisher, detection, heartbeat, recovery: what is called
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        publisher: Publisher,
        detection: GpuDetection,
        heartbeat: Heartbeat,
        recovery: Recovery,
    ) -> None:
        self.ledger = ledger
        self.publisher = publisher
        self.heartbeat = heartbeat
        self._orphans: set[str] = set()
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for task, seconds in (
            (heartbeat.beat, INTERVAL),
            (self._reap, settings.reaper_interval / 1000),
            (recovery.look, settings.reaper_interval / 1000),
            (self._sweep, SWEEP_INTERVAL),
            (detection.probe, PROBE_INTERVAL),
            (self._purge, PURGE_INTERVAL),
        ):
            self.every(seconds, task)

    def every(self, seconds: float, task: Callable[[], None], *, at_once: bool = False) -> None:
        """Run one more task by the clock, for the first time at the start or after ``seconds``."""
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(_guarded(task), "interval", seconds=seconds, **first)

    def start(self) -> None:
        """Run everything from now on, the heartbeat at once."""
        _guarded(self.heartbeat.beat)()
        self._scheduler.start()

    def stop(self) -> None:
        """End without waiting for what runs at the moment."""
        self._scheduler.shutdown(wait=False)
        with suppress(redis.RedisError):
            self.heartbeat.farewell()

    def _reap(self) -> None:
        returned, self._orphans = self.ledger.reap(self._orphans)
        if returned:
            RETURNED.labels("stuck").inc(returned)
            log.warning("stuck_jobs_returned", jobs=returned)

    def _sweep(self) -> None:
        told = self.publisher.sweep()
        if told:
            log.info("results_told_by_sweep", results=told)

    def _purge(self) -> None:
        with self.publisher.database.transaction() as work:
            outbox.purge(work)
            endings.purge(work)


def _guarded(task: Callable[[], None]) -> Callable[[], None]:
    """The task, which may fail while a server is away: the clock calls it again."""

    def run() -> None:
        try:
            task()
        except (redis.RedisError, OcrWorkerError) as error:
            log.warning("task_failed", task=task.__name__, reason=str(error))

    return run
