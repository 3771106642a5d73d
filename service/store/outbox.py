"""What is still to be told of a document: rows of `ocr_worker.outbox`, written with the result itself."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from psycopg2.extras import Json, RealDictCursor

Kind: TypeAlias = Literal["result", "review"]

#: s during which only the job itself tells its result; afterwards the sweep of any worker does.
GRACE = 30

#: s that a claimed row is kept from others: longer than one telling may take.
CLAIM = 120


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One thing to tell."""

    id: int
    kind: Kind
    job_id: str
    document_id: str
    correlation_id: str
    #: The published result, for kind ``result``.
    payload: dict[str, Any] | None
    #: How often it was tried, this time included.
    attempts: int

    def named(self) -> dict[str, Any]:
        """What a log line says of it; to tell something, no device reads anything."""
        return {
            "document_id": self.document_id,
            "job_id": self.job_id,
            "correlation_id": self.correlation_id,
            "attempt": self.attempts,
            "device": "none",
        }


def put_result(
    cursor: RealDictCursor, job_id: str, document_id: str, correlation_id: str, payload: dict[str, Any]
) -> None:
    """Note a result to be published, unless this job has one already."""
    cursor.execute(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id, payload, due_at)
           VALUES ('result', %s, %s, %s, %s, now() + %s * interval '1 second')
           ON CONFLICT (job_id, kind) DO NOTHING""",
        (job_id, document_id, correlation_id, Json(payload), GRACE),
    )


def put_review(cursor: RealDictCursor, job_id: str, document_id: str, correlation_id: str) -> None:
    """Note a document to be reviewed by a person, once."""
    cursor.execute(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id)
           VALUES ('review', %s, %s, %s) ON CONFLICT (job_id, kind) DO NOTHING""",
        (job_id, document_id, correlation_id),
    )


def claim_result(cursor: RealDictCursor, job_id: str) -> OutboxEntry | None:
    """The result of one job, if it is not told yet."""
    return _claim(cursor, "kind = 'result' AND job_id = %(job_id)s", {"job_id": job_id})


def claim_due(cursor: RealDictCursor, kind: Kind) -> OutboxEntry | None:
    """The longest due telling of a kind that no other worker has claimed."""
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
    """Note that it was told, and let go of its personal data."""
    cursor.execute("UPDATE ocr_worker.outbox SET told_at = now(), payload = NULL WHERE id = %s", (entry_id,))


def put_off(cursor: RealDictCursor, entry_id: int, delay: float) -> None:
    """Try again in ``delay`` seconds."""
    cursor.execute(
        "UPDATE ocr_worker.outbox SET due_at = now() + %s * interval '1 second' WHERE id = %s",
        (delay, entry_id),
    )


def give_up(cursor: RealDictCursor, entry_id: int) -> None:
    """Stop trying; the row stays for the operator."""
    cursor.execute("UPDATE ocr_worker.outbox SET given_up_at = now() WHERE id = %s", (entry_id,))


def given_up(cursor: RealDictCursor) -> list[str]:
    """The documents whose reviews were given up, oldest first."""
    cursor.execute(
        "SELECT document_id FROM ocr_worker.outbox WHERE given_up_at IS NOT NULL ORDER BY created_at, id"
    )
    return [row["document_id"] for row in cursor.fetchall()]


def try_again(cursor: RealDictCursor, document_id: str) -> None:
    """Ask for a review that was given up as if it were the first time."""
    cursor.execute(
        """UPDATE ocr_worker.outbox SET given_up_at = NULL, attempts = 0, due_at = now()
           WHERE document_id = %s AND given_up_at IS NOT NULL""",
        (document_id,),
    )


def purge(cursor: RealDictCursor) -> int:
    """Remove what was told, and claims of work done, more than a day ago; returns how many tellings."""
    cursor.execute("DELETE FROM ocr_worker.claims WHERE claimed_at < now() - interval '1 day'")
    cursor.execute("DELETE FROM ocr_worker.outbox WHERE told_at < now() - interval '1 day'")
    return cursor.rowcount
