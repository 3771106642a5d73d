"""Publishing of results on FiLot's channel, at least once each, out of the outbox."""

import json
from typing import Any, cast

import redis
import structlog

from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.outbox import OutboxEntry
from service.store.result import GPUOCRResult
from service.telemetry.log_throttle import LogThrottle
from service.telemetry.stages import timed

log = structlog.get_logger(__name__)

#: Writes and publishes in one step: a server that became a replica takes PUBLISH, where nobody receives it,
#: but refuses the write.
PUBLISH_ON_PRIMARY = (
    "redis.call('SET', KEYS[1], '1', 'EX', 60) return redis.call('PUBLISH', ARGV[1], ARGV[2])"
)
PUBLISHED_KEY = "filot:ocr:gpu:watch:published"


class Publisher:
    """Publishes results from the outbox. Methods may raise ``redis.RedisError`` or ``OcrWorkerError``.

    A crash between PUBLISH and marking the entry as delivered repeats the result, with the same ``jobId``.

    Parameters:
        database: holds the outbox
        client: connection to the Redis that the backend listens on
        settings: name of the channel
    """

    def __init__(self, database: Database, client: redis.Redis, settings: Settings) -> None:
        self.database = database
        self.client = client
        self.channel = settings.results_channel
        self._publish_on_primary = client.register_script(PUBLISH_ON_PRIMARY)
        #: Results published without a subscriber, since this process started.
        self.unreceived = 0
        self._unreceived_throttle = LogThrottle()
        #: Jobs whose results are published and not yet marked as delivered.
        self._unmarked: set[str] = set()

    def publish_stored(self, result: GPUOCRResult) -> None:
        """Publish what a job of this process has just stored; `mark_delivered` marks it.

        The entry is not claimed: within `outbox.GRACE` nobody else looks at it.
        """
        with timed("publish"):
            self._publish(result.published(), {})
        self._unmarked.add(result.job_id)

    def publish_job(self, job_id: str) -> None:
        """Publish the result of one job, unless it is delivered."""
        with self.database.autocommit() as cursor:
            entry = outbox.claim_result(cursor, job_id)
        if entry is not None:
            with timed("publish"):
                self._publish_entry(entry)

    def publish_pending(self) -> int:
        """Publish every due result that its own job did not publish; return their number."""
        # Else those that were published while PostgreSQL was away would be published again.
        self.mark_delivered()
        count = 0
        while True:
            with self.database.autocommit() as cursor:
                entry = outbox.claim_due(cursor, "result")
            if entry is None:
                return count
            self._publish_entry(entry)
            count += 1

    def mark_delivered(self) -> None:
        """Mark the entries of what `publish_stored` published; what fails is marked by the next call."""
        job_ids = list(self._unmarked)
        if job_ids:
            with self.database.autocommit() as cursor:
                outbox.mark_results_delivered(cursor, job_ids)
            self._unmarked.difference_update(job_ids)

    def _publish_entry(self, entry: OutboxEntry) -> None:
        # A job that publishes its own result has more log fields than the entry.
        self._publish(entry.payload, {**entry.named(), **structlog.contextvars.get_contextvars()})
        with self.database.autocommit() as cursor:
            outbox.mark_delivered(cursor, entry.id)

    def _publish(self, payload: dict[str, Any] | None, named: dict[str, Any]) -> None:
        message = json.dumps(payload, ensure_ascii=False)
        listeners = cast(int, self._publish_on_primary(keys=[PUBLISHED_KEY], args=[self.channel, message]))
        if listeners:
            self._unreceived_throttle.reset()
            log.info("result_published", listeners=listeners, **named)
        else:
            # No fault of the job: its row holds the result. Where nobody subscribes, it would be true of
            # every job.
            self.unreceived += 1
            if self._unreceived_throttle.should_log():
                log.warning("result_unheard", channel=self.channel, results=self.unreceived, **named)
