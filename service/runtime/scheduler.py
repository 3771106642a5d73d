"""Runs periodic tasks beside the jobs: heartbeat, sampling, reaper, recovery, outbox, GPU probe."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import redis
import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from service.errors import OcrWorkerError
from service.monitoring.heartbeat import HEARTBEAT_INTERVAL, Heartbeat
from service.store.server_problems import describe_outage
from service.telemetry.log_throttle import LogThrottle

log = structlog.get_logger(__name__)

#: s between two runs: of marking what was delivered, of publishing what is pending, of the GPU probe, of the
#: purge of old rows.
MARK_INTERVAL, SWEEP_INTERVAL, PROBE_INTERVAL, PURGE_INTERVAL = 1, 10, 60, 3600

#: More than there are tasks, so that one that hangs never delays another.
THREADS = 16


class Scheduler:
    """Calls tasks at fixed intervals, each in a thread of a pool; the heartbeat is one of them.

    Parameters:
        heartbeat: written from the start on, and removed at the stop
        unanswering: one sentence per server that does not answer; names the cause when a task hangs
    """

    def __init__(self, heartbeat: Heartbeat, unanswering: Callable[[], list[str]]) -> None:
        self.heartbeat = heartbeat
        self._unanswering = unanswering
        self._executor = ThreadPoolExecutor(THREADS)
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": self._executor},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._on_overrun, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._on_end, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        #: Ids of tasks that were due again while their last run had not ended.
        self._overrunning: set[str] = set()
        self._log_throttle = LogThrottle()
        self.every(HEARTBEAT_INTERVAL, heartbeat.beat)

    def every(self, seconds: float, task: Callable[[], None], *, at_once: bool = False) -> None:
        """Add a task; its first run is at the start, or after ``seconds``."""
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(
            _logging_outages(task), "interval", seconds=seconds, id=task.__qualname__, **first
        )

    def start(self) -> None:
        """Write the first heartbeat, then run every task."""
        _logging_outages(self.heartbeat.beat)()
        self._scheduler.start()

    def stop(self) -> None:
        """Start no more tasks, and remove the heartbeat. Does not wait for running tasks; safe to repeat."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
            with suppress(redis.RedisError):
                self.heartbeat.deregister()

    def close(self) -> None:
        """Stop, and wait for running tasks: the clients' timeouts bound every one of them."""
        self.stop()
        self._executor.shutdown(wait=True)

    def _on_overrun(self, event: JobEvent) -> None:
        """Log, once for all tasks, that a task is due while its last run still waits."""
        self._overrunning.add(event.job_id)
        if self._log_throttle.should_log():
            cause = "; ".join(self._unanswering()) or "what this task waits for does not answer"
            remedy = "bring it back, and the worker continues by itself; `filot-ocr doctor` says more"
            log.warning("task_hangs", task=event.job_id, reason=f"{cause}: {remedy}")

    def _on_end(self, event: JobEvent) -> None:
        self._overrunning.discard(event.job_id)
        # A run that gave up on a server that still hangs does not end the outage.
        if not self._overrunning and not self._unanswering():
            outage = self._log_throttle.reset()
            if outage is not None:
                log.info("tasks_go_on", seconds=round(outage))


def _logging_outages(task: Callable[[], None]) -> Callable[[], None]:
    """Wrap a task so that a server's outage is one log line instead of an exception: it is called again."""
    throttle = LogThrottle()

    def run() -> None:
        try:
            task()
        except (redis.RedisError, OcrWorkerError) as error:
            if throttle.should_log():
                log.warning("task_failed", task=task.__qualname__, reason=describe_outage(error))
        else:
            throttle.reset()

    return run
