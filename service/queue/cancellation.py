"""Cancels documents that are queued or in work, at an operator's request."""

import uuid
from typing import Literal, TypeAlias

from psycopg2.extras import Json, RealDictCursor

from service.errors import DocumentError
from service.queue.document_queue import DocumentQueue
from service.store import history, outbox
from service.store.database import Database
from service.store.result import GPUOCRResult, failed_row

State: TypeAlias = Literal["waiting", "in work"]


def cancel(database: Database, document_queue: DocumentQueue, document_id: str) -> State | None:
    """Take a document out of the queue and store it as failed; return where it was, None when nowhere.

    A worker that has it loses its lease and its claim, so it stores nothing. Redis comes first: if the
    command is killed in between, the workers find the document again, and the command can be repeated.

    Raises:
        UnavailableError: PostgreSQL is down; the document returns to the queue by itself.
        redis.RedisError: Redis is down; nothing was changed.
    """
    state, now, correlation_id, job_id = document_queue.cancel(document_id)
    if not state:
        return None
    error = _cancelled()
    result = GPUOCRResult(
        success=False,
        document_id=document_id,
        correlation_id=correlation_id or str(uuid.uuid4()),
        job_id=job_id or str(uuid.uuid4()),
        gpu_processed=False,
        processing_time_ms=0,
        error=str(error),
        error_code=error.code,
    )
    with database.transaction() as cursor:
        _supersede(cursor, document_id, now)
        document_type = _fail(cursor, document_id, error)
        if document_type is not None:
            outbox.put_result(cursor, result.job_id, document_id, result.correlation_id, result.published())
            history.put(cursor, result, document_type, error.code)
    return "in work" if state == "in work" else "waiting"


def _cancelled() -> DocumentError:
    return DocumentError(
        "cancelled",
        "Pembacaan dokumen ini dibatalkan oleh petugas. Unggah ulang kartu Anda bila perlu.",
        "An operator cancelled the reading of this document. Upload your card again if needed.",
    )


def _supersede(cursor: RealDictCursor, document_id: str, now: int) -> None:
    """Claim the document with a fencing token newer than that of any worker that has it.

    Parameters:
        now: epoch ms by the Redis server's clock, as in fencing tokens
    """
    cursor.execute(
        """INSERT INTO ocr_worker.claims (document_id, fence) VALUES (%(id)s, %(now)s)
           ON CONFLICT (document_id) DO UPDATE
               SET fence = greatest(claims.fence + 1, %(now)s), claimed_at = now()""",
        {"id": document_id, "now": now},
    )


def _fail(cursor: RealDictCursor, document_id: str, error: DocumentError) -> str | None:
    """Store the failure, and return the document's type; None when its row needs no work any more."""
    cursor.execute(
        """UPDATE documents SET status = 'failed', result_json = %s
           WHERE id = %s AND status IN ('uploaded', 'processing')
           RETURNING upper(trim(type)) AS type""",
        (Json(failed_row(str(error), error.code, retries_exceeded=False)), document_id),
    )
    row = cursor.fetchone()
    return None if row is None else str(row["type"])
