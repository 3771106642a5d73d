"""Recovery of documents that PostgreSQL says are to be worked on and that no Redis key knows."""

import structlog
from psycopg2.extras import RealDictCursor

from service.queue.document_queue import DocumentQueue
from service.store.database import Database

log = structlog.get_logger(__name__)

#: Rows of `documents` that one query passes, and that one `look` passes at most. The table has no index on
#: `status` and is not ours to index, so it is walked along its primary key.
ROWS_PER_QUERY, ROWS_PER_LOOK = 10_000, 100_000

#: How many documents one `look` queues again at most.
MAX_LOST = 1000

#: Before the first id.
START = "00000000-0000-0000-0000-000000000000"


class Recovery:
    """Queues documents again whose rows are in `processing` and that no queue knows.

    A document must be missing twice: the backend marks a row before it pushes the id, and a result is stored
    before its job is finished.

    Parameters:
        database: where rows say what is to be done
        document_queue: what Redis knows
    """

    def __init__(self, database: Database, document_queue: DocumentQueue) -> None:
        self.database = database
        self.document_queue = document_queue
        self._missing: set[str] = set()
        self._position = START

    def look(self) -> None:
        """Queue what was missing twice, and look for more in the next part of the table.

        One elected worker does this. May raise ``redis.RedisError`` or ``UnavailableError``.
        """
        interval = self.document_queue.settings.reaper_interval
        if not self.document_queue.elect("recovery", 2.5 * interval):
            self._missing.clear()
            return
        found = [each for each in sorted(self._still_missing()) if self.document_queue.enqueue_lost(each)]
        if found:
            log.warning("lost_documents_queued_again", documents=len(found))
        self._missing = self._find_missing(ROWS_PER_LOOK)

    def lost(self) -> set[str]:
        """The documents that were missing the last time and still are.

        It then looks for more in the whole table. May raise as ``look``.
        """
        lost = self._still_missing()
        self._position = START
        self._missing = self._find_missing(None)
        return lost

    def _still_missing(self) -> set[str]:
        """Those of the missing documents that are to be worked on and still unknown."""
        with self.database.transaction() as cursor:
            cursor.execute(
                "SELECT id::text FROM documents WHERE id = ANY(%s::uuid[]) AND status = 'processing'",
                (list(self._missing),),
            )
            return self._unknown([row["id"] for row in cursor.fetchall()])

    def _find_missing(self, max_rows: int | None) -> set[str]:
        """Walk on through the table, to its end or past so many rows; returns the documents nobody knows."""
        missing: set[str] = set()
        passed = 0
        while max_rows is None or (passed < max_rows and len(missing) < MAX_LOST):
            with self.database.transaction() as cursor:
                last, to_do = _next_rows(cursor, self._position)
            missing |= self._unknown(to_do)
            self._position = last or START
            passed += ROWS_PER_QUERY
            if last is None:
                break
        return missing

    def _unknown(self, document_ids: list[str]) -> set[str]:
        return set(document_ids) - self.document_queue.known(document_ids)


def _next_rows(cursor: RealDictCursor, position: str) -> tuple[str | None, list[str]]:
    """The rows behind a position: the id of the last one (None: the end), and those in `processing`."""
    cursor.execute(
        """WITH passed AS (SELECT id, status FROM documents WHERE id > %s ORDER BY id LIMIT %s)
           SELECT max(id::text) AS last, count(*) AS rows,
                  array_agg(id::text) FILTER (WHERE status = 'processing') AS to_do
           FROM passed""",
        (position, ROWS_PER_QUERY),
    )
    (row,) = cursor.fetchall()
    return row["last"] if row["rows"] == ROWS_PER_QUERY else None, row["to_do"] or []
