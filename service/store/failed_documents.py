"""Documents that failed in the last day, with what the user was told."""

from dataclasses import dataclass
from datetime import datetime

from psycopg2.extras import RealDictCursor

from service.store.history import UNKNOWN

#: Codes of failures after which another try of the same file can succeed: the bucket, its rights or the
#: worker were at fault. All others need another file or row, and `cancelled` is somebody's decision.
RETRY_HELPS = frozenset({"file_missing", "file_refused", "retries_exceeded", UNKNOWN})


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """The latest failure of one document."""

    document_id: str
    #: ``KTP``, ``NPWP`` or ``other``.
    document_type: str
    code: str
    failed_at: datetime
    #: ``status`` of the row now: a document may have been read since. None: there is no row.
    status: str | None
    #: The sentence that FiLot shows to the user; None where the row holds none.
    error: str | None


def list_failed(cursor: RealDictCursor, since: float, code: str | None = None) -> list[FailedDocument]:
    """Return the documents that failed, by code and then the latest first. Failures are kept for a day.

    Parameters:
        since: s to look back
        code: only failures with this code
    """
    cursor.execute(
        """SELECT * FROM (
               SELECT DISTINCT ON (ended.document_id) ended.document_id, ended.document_type,
                      coalesce(ended.code, 'unknown') AS code, ended.ended_at AS failed_at,
                      documents.status::text AS status, documents.result_json ->> 'error' AS error
               FROM ocr_worker.endings AS ended
               LEFT JOIN documents ON documents.id::text = ended.document_id
               WHERE ended.outcome = 'failed' AND ended.ended_at > now() - %(since)s * interval '1 second'
               ORDER BY ended.document_id, ended.ended_at DESC
           ) AS failed
           WHERE code = %(code)s OR %(code)s IS NULL
           ORDER BY code, failed_at DESC, document_id""",
        {"since": since, "code": code},
    )
    return [FailedDocument(**row) for row in cursor.fetchall()]
