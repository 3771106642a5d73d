"""Documents that Redis has forgotten are found again in PostgreSQL."""

import structlog

from service.queue.document_queue import DocumentQueue
from service.store.database import Database
from service.store.documents import find_processing

log = structlog.get_logger(__name__)


class Recovery:
    """Queues documents again that are to be worked on and that no Redis key knows.

    A document must be missing in two looks in a row: the backend marks a row before it pushes the id, and
    a result is stored before its job is settled.

    Parameters:
        database: where rows say what is to be done
        ledger: what Redis knows
    """

    def __init__(self, database: Database, document_queue: DocumentQueue) -> None:
        self.database = database
        self.document_queue = document_queue
        self._missing: set[str] = set()

    def look(self) -> None:
        """Look once, and queue what is lost. May raise ``redis.RedisError`` or ``UnavailableError``."""
        found = [document_id for document_id in self.lost() if self.document_queue.enqueue(document_id)]
        self._missing.difference_update(found)
        if found:
            log.warning("lost_documents_queued_again", documents=len(found))

    def lost(self) -> set[str]:
        """Look once: the documents that were missing the last time, too. May raise as ``look``."""
        missing = self.missing()
        lost = missing & self._missing
        self._missing = missing
        return lost

    def missing(self) -> set[str]:
        """Return the documents to be processed that no Redis key has now. May raise as ``look``."""
        with self.database.transaction() as cursor:
            to_do = find_processing(cursor)
        return to_do - self.document_queue.known_ids()
