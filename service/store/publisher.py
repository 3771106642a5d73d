"""Publishing of results on FiLot's channel, at least once each, out of the outbox."""

import json
from typing import cast

import redis
import structlog

from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.outbox import OutboxEntry
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

    def publish_job(self, job_id: str) -> None:
        """Publish the result of one job, unless it is delivered."""
        with self.database.transaction() as cursor:
            entry = outbox.claim_result(cursor, job_id)
        if entry is not None:
            with timed("publish"):
                self._publish(entry)

    def publish_pending(self) -> int:
        """Publish every due result that its own job did not publish; return their number."""
        count = 0
        while True:
            with self.database.transaction() as cursor:
                entry = outbox.claim_due(cursor, "result")
            if entry is None:
                return count
            self._publish(entry)
            count += 1

    def _publish(self, entry: OutboxEntry) -> None:
        message = json.dumps(entry.payload, ensure_ascii=False)
        listeners = cast(int, self._publish_on_primary(keys=[PUBLISHED_KEY], args=[self.channel, message]))
        with self.database.transaction() as cursor:
            outbox.mark_delivered(cursor, entry.id)
        # A job that publishes its own result has more log fields than the entry.
        named = {**entry.named(), **structlog.contextvars.get_contextvars()}
        if listeners:
            self._unreceived_throttle.reset()
            log.info("result_published", listeners=listeners, **named)
        else:
            # No fault of the job: its row holds the result. Where nobody subscribes, it would be true of
            # every job.
            self.unreceived += 1
            if self._unreceived_throttle.should_log():
                log.warning("result_unheard", channel=self.channel, results=self.unreceived, **named)
