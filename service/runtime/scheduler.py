"""What runs by the clock beside the jobs: heartbeat, reaper, recovery, outbox sweep, GPU probe."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import redis
import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler

from service.errors import OcrWorkerError
from service.monitoring.heartbeat import HEARTBEAT_INTERVAL, Heartbeat
from service.monitoring.poller import Poller
from service.queue.document_queue import DocumentQueue
from service.queue.recovery import Recovery
from service.runtime.middleware.gpu_detection import GpuDetection
from service.settings import Settings
from service.store import history, outbox
from service.store.publisher import Publisher
from service.telemetry.log_throttle import LogThrottle
from service.telemetry.metrics import RETURNED

log = structlog.get_logger(__name__)

#: s between two looks for results that nobody told yet, for a GPU that came back, and for rows told long ago.
SWEEP_INTERVAL, PROBE_INTERVAL, PURGE_INTERVAL = 10, 60, 3600


class Schedule:
    """APScheduler's threads and what they run.

    Parameters:
        settings: the reaper's interval
        ledger, publisher, detection, heartbeat, recovery: what is called
        poller: knows which server hangs when a task does
    """

    def __init__(
        self,
        settings: Settings,
        document_queue: DocumentQueue,
        publisher: Publisher,
        detection: GpuDetection,
        heartbeat: Heartbeat,
        recovery: Recovery,
        poller: Poller,
    ) -> None:
        self.document_queue = document_queue
        self.publisher = publisher
        self.heartbeat = heartbeat
        self.poller = poller
        self._orphans: set[str] = set()
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._hanging: set[str] = set()
        self._log_throttle = LogThrottle()
        self._scheduler.add_listener(self._on_hanging, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._on_end, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        for task, seconds in (
            (heartbeat.beat, HEARTBEAT_INTERVAL),
            (self._reap, settings.reaper_interval),
            (recovery.look, settings.reaper_interval),
            (self._publish_pending, SWEEP_INTERVAL),
            (detection.probe, PROBE_INTERVAL),
            (self._purge, PURGE_INTERVAL),
        ):
            self.every(seconds, task)

    def every(self, seconds: float, task: Callable[[], None], *, at_once: bool = False) -> None:
        """Run one more task by the clock, for the first time at the start or after ``seconds``."""
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(_guarded(task), "interval", seconds=seconds, id=task.__qualname__, **first)

    def start(self) -> None:
        """Run everything from now on, the heartbeat at once."""
        _guarded(self.heartbeat.beat)()
        self._scheduler.start()

    def stop(self) -> None:
        """End without waiting for what runs at the moment."""
        self._scheduler.shutdown(wait=False)
        with suppress(redis.RedisError):
            self.heartbeat.deregister()

    def _on_hanging(self, event: JobEvent) -> None:
        """A task is due and its last run still waits: say what for, once for all that wait."""
        self._hanging.add(event.job_id)
        if self._log_throttle.should_log():
            what = "; ".join(self.poller.away()) or "what this task waits for does not answer"
            reason = f"{what}: bring it back, and the worker goes on by itself; `filot-ocr doctor` says more"
            log.warning("task_hangs", task=event.job_id, reason=reason)

    def _on_end(self, event: JobEvent) -> None:
        self._hanging.discard(event.job_id)
        # A run that gave up on a server that still hangs is no end of it.
        if not self._hanging and not self.poller.away():
            lasted = self._log_throttle.reset()
            if lasted is not None:
                log.info("tasks_go_on", seconds=round(lasted))

    def _reap(self) -> None:
        returned, self._orphans = self.document_queue.reap(self._orphans)
        if returned:
            RETURNED.labels("stuck").inc(returned)
            log.warning("stuck_jobs_returned", jobs=returned)

    def _publish_pending(self) -> None:
        told = self.publisher.publish_pending()
        if told:
            log.info("results_told_by_sweep", results=told)

    def _purge(self) -> None:
        with self.publisher.database.transaction() as cursor:
            outbox.purge(cursor)
            history.purge(cursor)


def _guarded(task: Callable[[], None]) -> Callable[[], None]:
    """The task, which may fail while a server is away: the clock calls it again."""

    failing = LogThrottle()

    def run() -> None:
        try:
            task()
        except (redis.RedisError, OcrWorkerError) as error:
            if failing.should_log():
                log.warning("task_failed", task=task.__qualname__, reason=str(error))
        else:
            failing.reset()

    return run
