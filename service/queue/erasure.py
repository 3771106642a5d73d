"""Erasure of everything that this service itself keeps of one document, on request."""

from dataclasses import dataclass

from service.errors import OcrWorkerError
from service.queue.document_queue import DocumentQueue
from service.store import actions, dead_letters
from service.store.database import Database
from service.store.manual_reviews import ManualReviews


class InWorkError(OcrWorkerError):
    """The document waits or is in work: its data would be written again in a moment."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Numbers of removed rows and fields."""

    #: Outbox rows; an undelivered result holds what the card says.
    outbox_entries: int
    #: Those that were not delivered: the result is not published, the review not requested any more.
    undelivered: int
    dead_jobs: int
    claims: int
    #: Job history, shown on the status page.
    job_records: int
    redis_fields: int
    #: Whether FiLot's own row exists; it is not touched.
    row_remains: bool
    #: Rows of FiLot's `manual_reviews`, which were not touched either.
    review_rows: int = 0


def erase(database: Database, document_queue: DocumentQueue, document_id: str) -> Erased:
    """Remove a document's rows from the schema ``ocr_worker`` and its fields from the worker's Redis keys.

    May be repeated after any failure.

    Raises:
        InWorkError: it waits or is in work; nothing was removed.
        OcrWorkerError: PostgreSQL is away or refuses.
        redis.RedisError: nothing was removed from PostgreSQL.
    """
    with database.transaction() as cursor:
        # A late worker that is about to store its result waits here, and then finds its claim gone.
        cursor.execute("SELECT 1 FROM ocr_worker.claims WHERE document_id = %s FOR UPDATE", (document_id,))
        fields = document_queue.erase(document_id)
        if fields is None:
            raise InWorkError(f"{document_id} waits or is in work")
        cursor.execute(
            """DELETE FROM ocr_worker.outbox WHERE document_id = %s
               RETURNING told_at IS NULL AND given_up_at IS NULL AS untold""",
            (document_id,),
        )
        undelivered = [row["untold"] for row in cursor.fetchall()]
        dead_jobs = int(dead_letters.drop(cursor, document_id))
        cursor.execute("DELETE FROM ocr_worker.claims WHERE document_id = %s", (document_id,))
        claims = cursor.rowcount
        cursor.execute("DELETE FROM ocr_worker.endings WHERE document_id = %s", (document_id,))
        job_records = cursor.rowcount
        review_rows = ManualReviews().count(cursor, document_id)
        actions.forget_document(cursor, document_id)
        cursor.execute("SELECT 1 FROM documents WHERE id = %s", (document_id,))
        return Erased(
            outbox_entries=len(undelivered),
            undelivered=sum(undelivered),
            dead_jobs=dead_jobs,
            claims=claims,
            job_records=job_records,
            redis_fields=fields,
            row_remains=cursor.fetchone() is not None,
            review_rows=review_rows,
        )
