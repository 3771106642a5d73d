"""Results on FiLot's channel: published at least once, whoever has to do it."""

import json

import redis
import structlog

from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.outbox import OutboxEntry
from service.telemetry.stages import stage

log = structlog.get_logger(__name__)


class Publisher:
    """Publishes results out of the outbox. Methods may raise ``redis.RedisError`` or ``UnavailableError``.

    A crash between PUBLISH and the note that it was told repeats the result, with the same ``jobId``.

    Parameters:
        database: where the outbox lies
        client: the Redis that the backend listens on
        settings: the channel's name
    """

    def __init__(self, database: Database, client: redis.Redis, settings: Settings) -> None:
        self.database = database
        self.client = client
        self.channel = settings.results_channel
        #: Results that nobody was subscribed for, since this process began.
        self.unreceived = 0

    def publish_job(self, job_id: str) -> None:
        """Publish the result of one job, unless that is done."""
        with self.database.transaction() as cursor:
            entry = outbox.claim_result(cursor, job_id)
        if entry is not None:
            with stage("publish"):
                self._publish(entry)

    def publish_pending(self) -> int:
        """Publish every result that the worker of its job did not; returns how many."""
        count = 0
        while True:
            with self.database.transaction() as cursor:
                entry = outbox.claim_due(cursor, "result")
            if entry is None:
                return count
            self._publish(entry)
            count += 1

    def _publish(self, entry: OutboxEntry) -> None:
        listeners = self.client.publish(self.channel, json.dumps(entry.payload, ensure_ascii=False))
        with self.database.transaction() as cursor:
            outbox.mark_delivered(cursor, entry.id)
        # The job that tells its own result knows more of itself than the note does.
        named = {**entry.named(), **structlog.contextvars.get_contextvars()}
        if listeners:
            log.info("result_published", listeners=listeners, **named)
        else:
            # No fault of the job: its row holds the result. But somebody should know.
            self.unreceived += 1
            log.warning("result_unheard", channel=self.channel, **named)
