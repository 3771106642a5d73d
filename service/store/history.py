"""History of finished jobs: rows of `ocr_worker.endings`, written with the result and kept for a day."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from psycopg2.extras import RealDictCursor

from service.reading.documents.fields import DocumentType
from service.store.cursor import Cursor
from service.store.result import GPUOCRResult

#: Minutes that `by_minute` covers.
MINUTES = 60

#: Stands for the code of a failure that has none.
UNKNOWN = "unknown"

#: Code of what an operator took out of the queue.
CANCELLED = "cancelled"

#: Length limit of a stored id: a UUID has 36 characters, but the list may hold anything.
MAX_ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One finished job."""

    document_id: str
    #: ``KTP``, ``NPWP`` or ``other``.
    document_type: str
    #: ``auto_approved``, ``pending_manual_review`` or ``failed``.
    outcome: str
    #: ``cuda``, ``cpu``, or ``none`` when nothing was read.
    device: str
    #: 0 to 100; null when it failed.
    score: int | None
    #: Code of a failure.
    code: str | None
    #: Milliseconds from the start of the work to the result.
    milliseconds: int
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """Aggregate of the documents that finished in one period, each with its latest ending."""

    #: Epoch seconds of its start; null: the last hour as a whole.
    start: int | None
    auto_approved: int
    pending_manual_review: int
    #: Without those that an operator cancelled.
    failed: int
    #: Percentiles of the milliseconds of successful jobs; null when there was none.
    median: float | None
    percentile_95: float | None

    @property
    def finished(self) -> int:
        """Number of finished documents, whatever their outcome."""
        return self.auto_approved + self.pending_manual_review + self.failed


@dataclass(frozen=True, slots=True)
class Failures:
    """Number of failed documents by code."""

    code: str
    last_hour: int
    last_day: int


def put(cursor: Cursor, result: GPUOCRResult, document_type: str, code: str | None) -> None:
    """Insert the record of a finished job, once per job; ``code`` is the cause of a failure."""
    cursor.later(
        """INSERT INTO ocr_worker.endings
               (job_id, document_id, document_type, outcome, device, score, code, milliseconds)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (job_id) DO NOTHING""",
        (
            result.job_id,
            result.document_id[:MAX_ID_LENGTH],
            document_type if document_type in get_args(DocumentType) else "other",
            result.final_outcome,
            result.device,
            result.score,
            code,
            result.processing_time_ms,
        ),
    )


def latest(cursor: RealDictCursor, count: int, outcome: str | None = None) -> list[JobRecord]:
    """Return the latest records, the newest first.

    Parameters:
        outcome: only records with this outcome
    """
    cursor.execute(
        """SELECT document_id, document_type, outcome, device, score, code, milliseconds, ended_at
           FROM ocr_worker.endings WHERE outcome = %(outcome)s OR %(outcome)s IS NULL
           ORDER BY ended_at DESC LIMIT %(count)s""",
        {"outcome": outcome, "count": count},
    )
    return [JobRecord(**row) for row in cursor.fetchall()]


#: Rows of the latest ending of each document since a moment: one that failed and was tried again counts once,
#: as it ended last.
_LATEST = """SELECT DISTINCT ON (document_id) * FROM ocr_worker.endings
    WHERE ended_at >= {since} ORDER BY document_id, ended_at DESC"""

#: What an operator cancelled neither failed nor was read.
_COUNTS = f"code IS DISTINCT FROM '{CANCELLED}'"

#: Columns of a `Period`, aggregated over such rows.
_AGGREGATES = """count(*) FILTER (WHERE outcome = 'auto_approved') AS auto_approved,
    count(*) FILTER (WHERE outcome = 'pending_manual_review') AS pending_manual_review,
    count(*) FILTER (WHERE outcome = 'failed') AS failed,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY milliseconds) FILTER (WHERE outcome <> 'failed') AS median,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY milliseconds) FILTER (WHERE outcome <> 'failed')
        AS percentile_95"""

#: Start of the first minute: the last one is the minute that has begun.
_FIRST_MINUTE = f"date_trunc('minute', now()) - interval '{MINUTES - 1} minutes'"

_LAST_HOUR = _LATEST.format(since=_FIRST_MINUTE)


def by_minute(cursor: RealDictCursor) -> tuple[Period, list[Period]]:
    """Aggregate the last ``MINUTES`` by the server's clock: as a whole, and by minute with the oldest first.

    A minute without documents is in the list, too.
    """
    cursor.execute(f"SELECT NULL AS start, {_AGGREGATES} FROM ({_LAST_HOUR}) AS latest WHERE {_COUNTS}")  # noqa: S608
    (whole,) = cursor.fetchall()
    cursor.execute(
        f"""SELECT extract(epoch FROM minute)::bigint AS start, {_AGGREGATES}
            FROM generate_series({_FIRST_MINUTE}, now(), interval '1 minute') AS minute
            LEFT JOIN ({_LAST_HOUR}) AS latest ON date_trunc('minute', ended_at) = minute AND {_COUNTS}
            GROUP BY minute ORDER BY minute"""  # noqa: S608 - constants
    )
    return Period(**whole), [Period(**row) for row in cursor.fetchall()]


def causes(cursor: RealDictCursor, minutes: int) -> dict[str, int]:
    """Count the failures among the last ``minutes`` of `by_minute` by code, the most frequent first."""
    cursor.execute(
        f"""SELECT coalesce(code, '{UNKNOWN}') AS code, count(*) AS failed FROM ({_LAST_HOUR}) AS latest
            WHERE outcome = 'failed' AND {_COUNTS}
                AND ended_at >= date_trunc('minute', now()) - %s * interval '1 minute'
            GROUP BY 1 ORDER BY failed DESC, code""",  # noqa: S608 - constants
        (minutes - 1,),
    )
    return {row["code"]: row["failed"] for row in cursor.fetchall()}


def failures(cursor: RealDictCursor) -> list[Failures]:
    """Count the documents whose latest ending of the last day is a failure, by its code.

    The most frequent code of the last hour comes first. Only failures are sorted: they are few.
    """
    cursor.execute(
        f"""SELECT coalesce(code, '{UNKNOWN}') AS code, count(*) AS last_day,
                   count(*) FILTER (WHERE ended_at > now() - interval '1 hour') AS last_hour
            FROM (
                SELECT DISTINCT ON (document_id) * FROM ocr_worker.endings
                WHERE outcome = 'failed' AND ended_at > now() - interval '1 day'
                ORDER BY document_id, ended_at DESC
            ) AS failed
            WHERE NOT EXISTS (
                SELECT FROM ocr_worker.endings AS later
                WHERE later.document_id = failed.document_id AND later.ended_at > failed.ended_at
            )
            GROUP BY 1 ORDER BY last_hour DESC, last_day DESC, code"""  # noqa: S608 - constants
    )
    return [Failures(**row) for row in cursor.fetchall()]


def purge(cursor: RealDictCursor) -> None:
    """Delete records that are older than a day."""
    cursor.execute("DELETE FROM ocr_worker.endings WHERE ended_at < now() - interval '1 day'")
