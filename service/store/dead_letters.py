"""Dead letters: rows of `ocr_worker.dead` for jobs that used up their attempts, written with the failure."""

from dataclasses import dataclass
from datetime import datetime

from psycopg2.extras import RealDictCursor

from service.store.cursor import Cursor


@dataclass(frozen=True, slots=True)
class DeadJob:
    """One job that failed for good although its document may be sound."""

    document_id: str
    job_id: str
    attempts: int
    #: How the last attempt ended, without personal data.
    cause: str
    died_at: datetime


_COLUMNS = "document_id::text, job_id::text, attempts, cause, died_at"


def put(cursor: Cursor, document_id: str, job_id: str, attempts: int, cause: str) -> None:
    """Insert a dead job; it replaces an earlier one of the same document."""
    cursor.later(
        """INSERT INTO ocr_worker.dead (document_id, job_id, attempts, cause) VALUES (%s, %s, %s, %s)
           ON CONFLICT (document_id) DO UPDATE SET job_id = excluded.job_id, attempts = excluded.attempts,
               cause = excluded.cause, died_at = now()""",
        (document_id, job_id, attempts, cause),
    )


def list_jobs(cursor: RealDictCursor) -> list[DeadJob]:
    """Return every dead job, the latest first."""
    cursor.execute(f"SELECT {_COLUMNS} FROM ocr_worker.dead ORDER BY died_at DESC")  # noqa: S608 - a constant
    return [DeadJob(**row) for row in cursor.fetchall()]


def find(cursor: RealDictCursor, document_id: str) -> DeadJob | None:
    """Return the dead job of a document, or None."""
    cursor.execute(
        f"SELECT {_COLUMNS} FROM ocr_worker.dead WHERE document_id = %s",  # noqa: S608 - a constant
        (document_id,),
    )
    row = cursor.fetchone()
    return DeadJob(**row) if row else None


def drop(cursor: RealDictCursor, document_id: str) -> bool:
    """Delete a dead job, not its document; return False when there was none."""
    cursor.execute("DELETE FROM ocr_worker.dead WHERE document_id = %s", (document_id,))
    return cursor.rowcount > 0
