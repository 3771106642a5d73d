"""Periodic upkeep of the queue and of our own tables."""

import structlog

from service.queue.document_queue import DocumentQueue
from service.store import history, outbox
from service.store.database import Database
from service.store.publisher import Publisher
from service.telemetry.metrics import RETURNED

log = structlog.get_logger(__name__)


class Maintenance:
    """What the scheduler runs. Every method may raise ``redis.RedisError`` or ``OcrWorkerError``.

    Parameters:
        document_queue: where stalled jobs are returned
        publisher: publishes what a job's own worker did not
        database: holds the tables that are purged
    """

    def __init__(self, document_queue: DocumentQueue, publisher: Publisher, database: Database) -> None:
        self.document_queue = document_queue
        self.publisher = publisher
        self.database = database
        #: Ids of fields in Redis that belonged to no job the last time; still so the next time, they go.
        self._orphans: set[str] = set()

    def reap(self) -> None:
        """Return jobs that no living worker holds, and remove what ended jobs left behind."""
        returned, self._orphans = self.document_queue.reap(self._orphans)
        if returned:
            RETURNED.labels("stuck").inc(returned)
            log.warning("stuck_jobs_returned", jobs=returned)

    def publish_pending(self) -> None:
        """Publish results that a worker stored and could not publish."""
        published = self.publisher.publish_pending()
        if published:
            log.info("results_told_by_sweep", results=published)

    def purge(self) -> None:
        """Delete outbox rows and history that are no longer needed."""
        with self.database.transaction() as cursor:
            outbox.purge(cursor)
            history.purge(cursor)
