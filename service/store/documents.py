"""Rows of FiLot's table `documents`: claimed, completed, failed."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg2.extras import Json, RealDictCursor

from service.errors import LeaseLostError


@dataclass(frozen=True, slots=True)
class Document:
    """A row of `documents`, as far as this service needs it."""

    id: str
    user_id: str
    #: ``KTP`` or ``NPWP``, or whatever else the row holds.
    type: str
    file_url: str | None
    status: str
    score: int | None
    decision: str | None
    #: ``verification_status``: the contract's outcome once the document is completed.
    outcome: str | None
    ticket_id: str | None
    parsed: dict[str, Any] | None
    text: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class CompletedWork:
    """What a successful reading writes into the row."""

    text: str
    #: The parsed fields, and the reasons for review when there are any.
    parsed: dict[str, Any]
    score: int
    decision: str
    outcome: str


def is_document_id(text: str) -> bool:
    """Whether a queue entry can be a row's id: a UUID in lower case with hyphens, as PostgreSQL writes it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def existing(work: RealDictCursor, document_ids: list[str]) -> set[str]:
    """Those of these UUIDs that are a row's id."""
    work.execute("SELECT id::text FROM documents WHERE id = ANY(%s::uuid[])", (document_ids,))
    return {row["id"] for row in work.fetchall()}


def find_document(work: RealDictCursor, document_id: str) -> Document | None:
    """The row of a document, or None."""
    work.execute(
        """SELECT id::text, user_id::text, type, file_url, status::text, ai_score AS score,
                  ai_decision AS decision, verification_status AS outcome, buli2_ticket_id AS ticket_id,
                  result_json AS parsed, ocr_text AS text, created_at
           FROM documents WHERE id = %s""",
        (document_id,),
    )
    row = work.fetchone()
    return Document(**row) if row else None


def begin_work(work: RealDictCursor, document_id: str, fencing_token: int) -> Document | None:
    """Claim a document for the take with this fence and mark it as processing, unless it is completed.

    Raises:
        LeaseLostError: a later take has claimed it.
    """
    document = find_document(work, document_id)
    if document is None or document.status == "completed":
        return document
    work.execute(
        """INSERT INTO ocr_worker.claims (document_id, fence) VALUES (%(id)s, %(fence)s)
           ON CONFLICT (document_id) DO UPDATE SET fence = %(fence)s, claimed_at = now()
           WHERE claims.fence <= %(fence)s""",
        {"id": document_id, "fence": fencing_token},
    )
    if work.rowcount == 0:
        raise LeaseLostError("a later take has claimed this document")
    work.execute("UPDATE documents SET status = 'processing' WHERE id = %s", (document_id,))
    return document


def hold_claim(work: RealDictCursor, document_id: str, fencing_token: int) -> None:
    """Make sure, until the transaction ends, that no later take has claimed the document.

    Raises:
        LeaseLostError: one has: its result is the one that counts.
    """
    work.execute("SELECT fence FROM ocr_worker.claims WHERE document_id = %s FOR UPDATE", (document_id,))
    row = work.fetchone()
    if row is None or row["fence"] != fencing_token:
        raise LeaseLostError("a later take has claimed this document")


def complete_document(work: RealDictCursor, document_id: str, result: CompletedWork) -> None:
    """Store a successful reading."""
    work.execute(
        """UPDATE documents SET status = 'completed', ocr_text = %s, result_json = %s, ai_score = %s,
                  ai_decision = %s, verification_status = %s, processed_at = timezone('UTC', now())
           WHERE id = %s""",
        (
            # PostgreSQL's text cannot hold NUL.
            result.text.replace("\x00", ""),
            Json(result.parsed),
            result.score,
            result.decision,
            result.outcome,
            document_id,
        ),
    )


def fail_document(work: RealDictCursor, document_id: str, error: str, *, retries_exceeded: bool) -> None:
    """Store a failure for good; ``error`` is shown to the user as it stands."""
    failed_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    work.execute(
        "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s AND status <> 'completed'",
        (
            Json({"error": error, "failedAt": failed_at, "maxRetriesExceeded": retries_exceeded}),
            document_id,
        ),
    )


def store_ticket(work: RealDictCursor, document_id: str, ticket_id: str) -> None:
    """Store the review service's ticket; a decision that came back meanwhile is left alone."""
    work.execute(
        """UPDATE documents SET buli2_ticket_id = %s, ai_decision = 'needs_review',
                  verification_status = CASE WHEN verification_status IS NULL
                      OR verification_status IN ('pending', 'auto_approved')
                      THEN 'pending_manual_review' ELSE verification_status END
           WHERE id = %s""",
        (ticket_id, document_id),
    )


def find_processing(work: RealDictCursor) -> set[str]:
    """Ids of all documents that are to be worked on or in work."""
    work.execute("SELECT id::text FROM documents WHERE status = 'processing'")
    return {row["id"] for row in work.fetchall()}


def reopen(work: RealDictCursor, document_id: str) -> None:
    """Mark a failed document as to be worked on, as the backend does before it queues one."""
    work.execute(
        "UPDATE documents SET status = 'processing' WHERE id = %s AND status = 'failed'", (document_id,)
    )
