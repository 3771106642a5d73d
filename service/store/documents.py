"""FiLot's table `documents`: rows are claimed, then completed or failed together with their outbox entry."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from psycopg2.extras import Json, RealDictCursor

from service.errors import LeaseLostError
from service.store import dead_letters, history, outbox
from service.store.cursor import Cursor
from service.store.database import Database
from service.store.result import GPUOCRResult, failed_row, row_result

#: What became of a write. ``stored``: it is in the row and in the outbox. ``changed``: nothing was written,
#: because the row is gone or completed, or names another file now; look at the row again. ``superseded``:
#: nothing was written, because somebody else gave the row a final status.
WriteOutcome: TypeAlias = Literal["stored", "changed", "superseded"]


@dataclass(frozen=True, slots=True)
class Document:
    """A row of `documents`, as far as this service needs it."""

    id: str
    user_id: str
    #: ``KTP`` or ``NPWP``, however the row spells it; in capitals, whatever else the row holds.
    type: str
    file_url: str | None
    status: str | None
    score: int | None
    #: ``ai_decision``: the OCR's, until the backend stores a person's there.
    decision: str | None
    #: ``verification_status``: the OCR's outcome, until somebody decides otherwise.
    verification_status: str | None
    ticket_id: str | None
    parsed: dict[str, Any] | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Why a job is a dead letter: it used up its attempts."""

    attempts: int
    #: How the last attempt ended, without personal data.
    cause: str


def is_document_id(text: str) -> bool:
    """Return whether a queue entry can be a row's id: a UUID as PostgreSQL prints it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def statuses(cursor: RealDictCursor, document_ids: list[str]) -> dict[str, str | None]:
    """Return the `status` of each of these UUIDs that is a row's id."""
    cursor.execute("SELECT id::text, status::text FROM documents WHERE id = ANY(%s::uuid[])", (document_ids,))
    return {row["id"]: row["status"] for row in cursor.fetchall()}


def beginning_with(cursor: RealDictCursor, beginning: str) -> list[str]:
    """Return ids of rows that begin so, a few at most; `beginning` is that of a UUID."""
    digits = beginning.replace("-", "")
    cursor.execute(
        "SELECT id::text FROM documents WHERE id BETWEEN %s::uuid AND %s::uuid LIMIT 10",
        (digits.ljust(32, "0"), digits.ljust(32, "f")),
    )
    return [row["id"] for row in cursor.fetchall()]


_COLUMNS = """id::text, user_id::text, upper(trim(type)) AS type, file_url, status::text,
    ai_score AS score, ai_decision AS decision, verification_status,
    buli2_ticket_id AS ticket_id, result_json AS parsed, ocr_text AS text"""


def find_document(cursor: RealDictCursor, document_id: str) -> Document | None:
    """Return the row of a document, or None."""
    cursor.execute(f"SELECT {_COLUMNS} FROM documents WHERE id = %s", (document_id,))  # noqa: S608 - constants
    row = cursor.fetchone()
    return Document(**row) if row else None


def begin_work(cursor: Cursor, document_id: str, fencing_token: int) -> Document | None:
    """Claim a document for the job with this fencing token and mark it as processing, unless it is completed.

    Returns the row as it is now; None when there is none. One round trip; repeating it changes nothing.

    Raises:
        LeaseLostError: a later job has claimed it.
    """
    values = {"id": document_id, "fence": fencing_token}
    cursor.later(
        """INSERT INTO ocr_worker.claims (document_id, fence)
           SELECT id, %(fence)s FROM documents WHERE id = %(id)s AND status IS DISTINCT FROM 'completed'
           ON CONFLICT (document_id) DO UPDATE SET fence = %(fence)s, claimed_at = now(),
               -- Retries come every minute at most: after a longer gap the refusals of before do not count.
               refused_since = CASE WHEN claims.claimed_at > now() - interval '1 hour'
                   THEN claims.refused_since END
           WHERE claims.fence <= %(fence)s""",
        values,
    )
    cursor.later(
        """UPDATE documents SET status = 'processing'
           WHERE id = %(id)s AND status IS DISTINCT FROM 'completed'
               AND EXISTS (SELECT FROM ocr_worker.claims WHERE document_id = %(id)s AND fence = %(fence)s)""",
        values,
    )
    cursor.execute(
        f"""SELECT {_COLUMNS}, fence FROM documents LEFT JOIN ocr_worker.claims ON document_id = id
            WHERE id = %(id)s""",  # noqa: S608 - constants
        values,
    )
    row = cursor.fetchone()
    if row is None:
        return None
    fence = row.pop("fence")
    document = Document(**row)
    if document.status != "completed" and fence != fencing_token:
        raise LeaseLostError("a later job has claimed this document")
    return document


def complete(
    database: Database, document: Document, result: GPUOCRResult, *, fencing_token: int, review: bool
) -> WriteOutcome:
    """Store a successful reading: row, outbox and history in one transaction.

    Parameters:
        document: the row as it was when its file was read
        review: whether a review is to be requested

    Raises:
        LeaseLostError: a later job has claimed the document.
    """
    with database.transaction() as cursor:
        outcome = _may_write(cursor, document, fencing_token)
        if outcome == "stored":
            _complete_row(cursor, result)
            _put_result(cursor, result, document.type)
            if review:
                outbox.put_review(cursor, result.job_id, document.id, result.correlation_id)
    if outcome == "stored":
        database.clear_refusal()
    return outcome


def fail(
    database: Database,
    document: Document,
    result: GPUOCRResult,
    code: str,
    *,
    fencing_token: int,
    exhausted: Exhausted | None = None,
) -> WriteOutcome:
    """Store a failure for good: row, outbox, history and dead letter in one transaction.

    Parameters:
        document: the row as it was when its file was read
        result: its ``error`` is shown to the user as it stands
        code: cause for the row, the page and the metrics
        exhausted: the job used up its attempts; None when the document itself is at fault

    Raises:
        LeaseLostError: a later job has claimed the document.
    """
    with database.transaction() as cursor:
        outcome = _may_write(cursor, document, fencing_token)
        if outcome == "stored":
            _fail_row(cursor, result, code, retries_exceeded=exhausted is not None)
            if exhausted is not None:
                dead_letters.put(cursor, document.id, result.job_id, exhausted.attempts, exhausted.cause)
            _put_result(cursor, result, document.type, code)
    return outcome


def report_missing(database: Database, result: GPUOCRResult, code: str) -> None:
    """Store the failure of a job that has no row: outbox and history in one transaction."""
    with database.transaction() as cursor:
        _put_result(cursor, result, "", code)


def repeat(database: Database, document: Document, result: GPUOCRResult) -> None:
    """Publish the result of a completed row again; the history counts the document once."""
    with database.transaction() as cursor:
        outbox.put_result(cursor, result.job_id, document.id, result.correlation_id, result.published())


def _may_write(cursor: Cursor, document: Document, fencing_token: int) -> WriteOutcome:
    """Lock claim and row, and return ``stored`` when this job's result may be written.

    Until the transaction ends, no later job can claim the document.
    """
    values = {"id": document.id}
    cursor.later("SELECT FROM ocr_worker.claims WHERE document_id = %(id)s FOR UPDATE", values)
    cursor.later("SELECT FROM documents WHERE id = %(id)s FOR UPDATE", values)
    cursor.execute(
        """SELECT fence, id IS NOT NULL AS is_there, status::text, file_url
           FROM ocr_worker.claims LEFT JOIN documents ON id = document_id WHERE document_id = %(id)s""",
        values,
    )
    row = cursor.fetchone()
    if row is None or row["fence"] != fencing_token:
        raise LeaseLostError("a later job has claimed this document")
    if not row["is_there"] or row["status"] == "completed":
        return "changed"
    # The backend's own recovery sets rows that are in work back to `uploaded`.
    if row["status"] not in ("processing", "uploaded"):
        return "superseded"
    return "stored" if row["file_url"] == document.file_url else "changed"


def _complete_row(cursor: Cursor, result: GPUOCRResult) -> None:
    cursor.later(
        """UPDATE documents SET status = 'completed', ocr_text = %s, result_json = %s, ai_score = %s,
                  ai_decision = %s, verification_status = %s, processed_at = timezone('UTC', now())
           WHERE id = %s""",
        (
            result.ocr_text,
            Json(row_result(result.parsed_result or {}, result.review_reasons or (), result.fields)),
            result.score,
            result.decision,
            result.outcome,
            result.document_id,
        ),
    )


def _fail_row(cursor: Cursor, result: GPUOCRResult, code: str, *, retries_exceeded: bool) -> None:
    cursor.later(
        "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s",
        (Json(failed_row(result.error or "", code, retries_exceeded=retries_exceeded)), result.document_id),
    )


def _put_result(cursor: Cursor, result: GPUOCRResult, document_type: str, code: str | None = None) -> None:
    outbox.put_result(cursor, result.job_id, result.document_id, result.correlation_id, result.published())
    history.put(cursor, result, document_type, code)


def store_ticket(cursor: RealDictCursor, document_id: str, ticket_id: str) -> None:
    """Store the review service's ticket; a decision that arrived before it is left alone."""
    cursor.execute(
        """UPDATE documents SET buli2_ticket_id = %s,
                  ai_decision = CASE WHEN ai_decision IS NULL OR ai_decision = 'auto_approve'
                      THEN 'needs_review' ELSE ai_decision END,
                  verification_status = CASE WHEN verification_status IS NULL
                      OR verification_status IN ('pending', 'auto_approved')
                      THEN 'pending_manual_review' ELSE verification_status END
           WHERE id = %s""",
        (ticket_id, document_id),
    )


def reopen(cursor: RealDictCursor, document_id: str) -> None:
    """Mark a failed document as processing, as the backend does before it enqueues one."""
    cursor.execute(
        "UPDATE documents SET status = 'processing' WHERE id = %s AND status = 'failed'", (document_id,)
    )


def note_refused_file(cursor: RealDictCursor, document_id: str) -> float:
    """Note that the document store refuses the file; return seconds since it first did."""
    cursor.execute(
        """UPDATE ocr_worker.claims SET refused_since = coalesce(refused_since, now()) WHERE document_id = %s
           RETURNING extract(epoch FROM now() - refused_since)::float AS seconds""",
        (document_id,),
    )
    row = cursor.fetchone()
    return float(row["seconds"]) if row else 0.0
