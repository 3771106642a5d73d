"""Transactional outbox: rows of `ocr_worker.outbox` for results to publish and reviews to request."""

import uuid
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from psycopg2.extras import Json, RealDictCursor

from service.store.cursor import Cursor

Kind: TypeAlias = Literal["result", "review"]

#: Seconds in which only the job itself publishes its result; afterwards any worker's sweep does.
GRACE = 30

#: Seconds for which a claimed entry is hidden from other workers: longer than one delivery may take.
CLAIM = 120


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One result or review to deliver."""

    id: int
    kind: Kind
    job_id: str
    document_id: str
    correlation_id: str
    #: Of a result: the JSON object to publish. Of a review: ticket and `reviewId` once it was sent; before,
    #: None.
    payload: dict[str, Any] | None
    #: Delivery attempts, this one included.
    attempts: int

    def named(self) -> dict[str, Any]:
        """Return its fields in log lines; a delivery uses no device."""
        return {
            "document_id": self.document_id,
            "job_id": self.job_id,
            "correlation_id": self.correlation_id,
            "attempt": self.attempts,
            "device": "none",
        }


def put_result(
    cursor: Cursor, job_id: str, document_id: str, correlation_id: str, payload: dict[str, Any]
) -> None:
    """Insert a result to publish, unless this job has one already."""
    cursor.later(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id, payload, due_at)
           VALUES ('result', %s, %s, %s, %s, now() + %s * interval '1 second')
           ON CONFLICT (job_id, kind) DO NOTHING""",
        (job_id, document_id, correlation_id, Json(payload), GRACE),
    )


def put_review(cursor: Cursor, job_id: str, document_id: str, correlation_id: str) -> None:
    """Insert a review to request, unless one is pending for the document.

    A pending one is sent with the document's latest result, so a second would only ask the same person again.
    One that was given up is requested anew.
    """
    cursor.later(
        """UPDATE ocr_worker.outbox
           SET attempts = 0, due_at = CASE WHEN given_up_at IS NULL THEN due_at ELSE now() END,
               given_up_at = NULL
           WHERE kind = 'review' AND document_id = %s AND told_at IS NULL""",
        (document_id,),
    )
    cursor.later(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id)
           SELECT 'review', %(job)s, %(document)s, %(correlation)s
           WHERE NOT EXISTS (
               SELECT FROM ocr_worker.outbox
               WHERE kind = 'review' AND document_id = %(document)s AND told_at IS NULL
           )
           ON CONFLICT (job_id, kind) DO NOTHING""",
        {"job": job_id, "document": document_id, "correlation": correlation_id},
    )


def assign_review_id(cursor: RealDictCursor, entry_id: int) -> str | None:
    """Return the entry's review id, the same at every call; None when the entry was erased."""
    cursor.execute(
        """UPDATE ocr_worker.outbox SET review_id = coalesce(review_id, %s) WHERE id = %s
           RETURNING review_id::text""",
        (str(uuid.uuid4()), entry_id),
    )
    row = cursor.fetchone()
    return str(row["review_id"]) if row else None


def claim_result(cursor: RealDictCursor, job_id: str) -> OutboxEntry | None:
    """Claim the result of one job; None when it is delivered."""
    return _claim(cursor, "kind = 'result' AND job_id = %(job_id)s", {"job_id": job_id})


def claim_due(cursor: RealDictCursor, kind: Kind) -> OutboxEntry | None:
    """Claim the entry of a kind that has been due longest; None when none is due."""
    return _claim(cursor, "kind = %(kind)s AND due_at <= now()", {"kind": kind})


def _claim(cursor: RealDictCursor, condition: str, values: dict[str, Any]) -> OutboxEntry | None:
    # The condition is one of two constants above; values are bound.
    cursor.execute(
        f"""UPDATE ocr_worker.outbox
            SET due_at = now() + %(claim)s * interval '1 second', attempts = attempts + 1
            WHERE id = (SELECT id FROM ocr_worker.outbox
                        WHERE {condition} AND told_at IS NULL AND given_up_at IS NULL
                        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, job_id::text, document_id, correlation_id, payload, attempts""",  # noqa: S608
        {**values, "claim": CLAIM},
    )
    row = cursor.fetchone()
    return OutboxEntry(**row) if row else None


def mark_delivered(cursor: RealDictCursor, entry_id: int) -> None:
    """Mark an entry as delivered, and drop its payload, which holds personal data."""
    cursor.execute("UPDATE ocr_worker.outbox SET told_at = now(), payload = NULL WHERE id = %s", (entry_id,))


def mark_results_delivered(cursor: RealDictCursor, job_ids: list[str]) -> None:
    """Mark the results of these jobs as delivered, and drop their payloads."""
    cursor.execute(
        """UPDATE ocr_worker.outbox SET told_at = now(), payload = NULL
           WHERE kind = 'result' AND job_id = ANY(%s::uuid[]) AND told_at IS NULL""",
        (job_ids,),
    )


def keep_sent(cursor: RealDictCursor, entry_id: int, sent: dict[str, Any]) -> None:
    """Keep what the receiver of a review answered, for an attempt that only has to store it."""
    cursor.execute("UPDATE ocr_worker.outbox SET payload = %s WHERE id = %s", (Json(sent), entry_id))


def put_off(cursor: RealDictCursor, entry_id: int, delay: float) -> None:
    """Make an entry due again in ``delay`` seconds."""
    cursor.execute(
        "UPDATE ocr_worker.outbox SET due_at = now() + %s * interval '1 second' WHERE id = %s",
        (delay, entry_id),
    )


def give_up(cursor: RealDictCursor, entry_id: int) -> None:
    """Stop retrying an entry; it is kept for the operator."""
    cursor.execute("UPDATE ocr_worker.outbox SET given_up_at = now() WHERE id = %s", (entry_id,))


def given_up(cursor: RealDictCursor) -> list[str]:
    """Return the ids of documents whose reviews were given up, the oldest first."""
    cursor.execute(
        "SELECT document_id FROM ocr_worker.outbox WHERE given_up_at IS NOT NULL ORDER BY created_at, id"
    )
    return [row["document_id"] for row in cursor.fetchall()]


def try_again(cursor: RealDictCursor, document_id: str) -> None:
    """Make a given-up review due again, with all its attempts."""
    cursor.execute(
        """UPDATE ocr_worker.outbox SET given_up_at = NULL, attempts = 0, due_at = now()
           WHERE document_id = %s AND given_up_at IS NOT NULL""",
        (document_id,),
    )


def purge(cursor: RealDictCursor) -> int:
    """Delete entries delivered, and claims made, over a day ago; return the number of entries."""
    cursor.execute("DELETE FROM ocr_worker.claims WHERE claimed_at < now() - interval '1 day'")
    cursor.execute("DELETE FROM ocr_worker.outbox WHERE told_at < now() - interval '1 day'")
    return cursor.rowcount
