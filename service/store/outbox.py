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
class Telling:
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
    work: RealDictCursor, job_id: str, document_id: str, correlation_id: str, payload: dict[str, Any]
) -> None:
    """Note a result to be published, unless this job has one already."""
    work.execute(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id, payload, due_at)
           VALUES ('result', %s, %s, %s, %s, now() + %s * interval '1 second')
           ON CONFLICT (job_id, kind) DO NOTHING""",
        (job_id, document_id, correlation_id, Json(payload), GRACE),
    )


def put_review(work: RealDictCursor, job_id: str, document_id: str, correlation_id: str) -> None:
    """Note a document to be reviewed by a person, once."""
    work.execute(
        """INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id)
           VALUES ('review', %s, %s, %s) ON CONFLICT (job_id, kind) DO NOTHING""",
        (job_id, document_id, correlation_id),
    )


def claim_result(work: RealDictCursor, job_id: str) -> Telling | None:
    """The result of one job, if it is not told yet."""
    return _claim(work, "kind = 'result' AND job_id = %(job_id)s", {"job_id": job_id})


def claim_due(work: RealDictCursor, kind: Kind) -> Telling | None:
    """The longest due telling of a kind that no other worker has claimed."""
    return _claim(work, "kind = %(kind)s AND due_at <= now()", {"kind": kind})


def _claim(work: RealDictCursor, condition: str, values: dict[str, Any]) -> Telling | None:
    # The condition is one of two constants above; values are bound.
    work.execute(
        f"""UPDATE ocr_worker.outbox
            SET due_at = now() + %(claim)s * interval '1 second', attempts = attempts + 1
            WHERE id = (SELECT id FROM ocr_worker.outbox
                        WHERE {condition} AND told_at IS NULL AND given_up_at IS NULL
                        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, job_id::text, document_id, correlation_id, payload, attempts""",  # noqa: S608
        {**values, "claim": CLAIM},
    )
    row = work.fetchone()
    return Telling(**row) if row else None


def mark_told(work: RealDictCursor, telling_id: int) -> None:
    """Note that it was told, and let go of its personal data."""
    work.execute("UPDATE ocr_worker.outbox SET told_at = now(), payload = NULL WHERE id = %s", (telling_id,))


def put_off(work: RealDictCursor, telling_id: int, delay: float) -> None:
    """Try again in ``delay`` seconds."""
    work.execute(
        "UPDATE ocr_worker.outbox SET due_at = now() + %s * interval '1 second' WHERE id = %s",
        (delay, telling_id),
    )


def give_up(work: RealDictCursor, telling_id: int) -> None:
    """Stop trying; the row stays for the operator."""
    work.execute("UPDATE ocr_worker.outbox SET given_up_at = now() WHERE id = %s", (telling_id,))


def given_up(work: RealDictCursor) -> list[str]:
    """The documents whose reviews were given up, oldest first."""
    work.execute(
        "SELECT document_id FROM ocr_worker.outbox WHERE given_up_at IS NOT NULL ORDER BY created_at, id"
    )
    return [row["document_id"] for row in work.fetchall()]


def try_again(work: RealDictCursor, document_id: str) -> None:
    """Ask for a review that was given up as if it were the first time."""
    work.execute(
        """UPDATE ocr_worker.outbox SET given_up_at = NULL, attempts = 0, due_at = now()
           WHERE document_id = %s AND given_up_at IS NOT NULL""",
        (document_id,),
    )


def purge(work: RealDictCursor) -> int:
    """Remove what was told, and claims of work done, more than a day ago; returns how many tellings."""
    work.execute("DELETE FROM ocr_worker.claims WHERE claimed_at < now() - interval '1 day'")
    work.execute("DELETE FROM ocr_worker.outbox WHERE told_at < now() - interval '1 day'")
    return work.rowcount
