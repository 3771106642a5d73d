"""Results on FiLot's channel: published at least once, whoever has to do it."""

import json

import redis
import structlog

from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.outbox import Telling
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
        self.unheard = 0

    def tell(self, job_id: str) -> None:
        """Publish the result of one job, unless that is done."""
        with self.database.transaction() as work:
            telling = outbox.claim_result(work, job_id)
        if telling is not None:
            with stage("publish"):
                self._publish(telling)

    def sweep(self) -> int:
        """Publish every result that the worker of its job did not; returns how many."""
        count = 0
        while True:
            with self.database.transaction() as work:
                telling = outbox.claim_due(work, "result")
            if telling is None:
                return count
            self._publish(telling)
            count += 1

    def _publish(self, telling: Telling) -> None:
        listeners = self.client.publish(self.channel, json.dumps(telling.payload, ensure_ascii=False))
        with self.database.transaction() as work:
            outbox.mark_told(work, telling.id)
        # The job that tells its own result knows more of itself than the note does.
        named = {**telling.named(), **structlog.contextvars.get_contextvars()}
        if listeners:
            log.info("result_published", listeners=listeners, **named)
        else:
            # No fault of the job: its row holds the result. But somebody should know.
            self.unheard += 1
            log.warning("result_unheard", channel=self.channel, **named)
