"""How documents ended: rows of `ocr_worker.endings`, written with the result itself and kept for a day."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from psycopg2.extras import RealDictCursor

from service.reading.documents.fields import DocumentType
from service.store.result import GPUOCRResult

#: Minutes that the history reaches back.
MINUTES = 60

#: Characters of an id: a document's has 36, but anything may have been pushed on the list.
MAX_ID_LENGTH = 36


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One document that ended."""

    document_id: str
    #: ``KTP``, ``NPWP`` or ``other``.
    document_type: str
    #: ``auto_approved``, ``pending_manual_review`` or ``failed``.
    outcome: str
    #: ``cuda``, ``cpu``, or ``none`` when nothing was read.
    device: str
    #: 0 to 100; None when it failed.
    score: int | None
    #: Cause of a failure.
    code: str | None
    #: ms from the beginning of the work to the result.
    milliseconds: int
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Period:
    """What ended in some time."""

    #: Epoch s at which it begins; None: the whole history.
    start: int | None
    auto_approved: int
    pending_manual_review: int
    failed: int
    #: ms that half and 95 % of the documents that were read took at most; None when none was.
    median: float | None
    percentile_95: float | None

    @property
    def finished(self) -> int:
        """Documents that ended, in whatever way."""
        return self.auto_approved + self.pending_manual_review + self.failed


@dataclass(frozen=True, slots=True)
class Failures:
    """How often one cause made documents fail."""

    code: str
    last_hour: int
    last_day: int


def put(cursor: RealDictCursor, result: GPUOCRResult, document_type: str, code: str | None) -> None:
    """Note how a document ended, once a job; ``code`` is the cause of a failure."""
    device = "none" if not result.success else "cuda" if result.gpu_processed else "cpu"
    cursor.execute(
        """INSERT INTO ocr_worker.endings
               (job_id, document_id, document_type, outcome, device, score, code, milliseconds)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (job_id) DO NOTHING""",
        (
            result.job_id,
            result.document_id[:MAX_ID_LENGTH],
            document_type if document_type in get_args(DocumentType) else "other",
            result.outcome if result.success else "failed",
            device,
            result.score,
            code,
            result.processing_time_ms,
        ),
    )


def latest(cursor: RealDictCursor, count: int) -> list[JobRecord]:
    """The documents that ended last, the very last first."""
    cursor.execute(
        """SELECT document_id, document_type, outcome, device, score, code, milliseconds, ended_at
           FROM ocr_worker.endings ORDER BY ended_at DESC LIMIT %s""",
        (count,),
    )
    return [JobRecord(**row) for row in cursor.fetchall()]


def by_minute(cursor: RealDictCursor) -> tuple[Period, list[Period]]:
    """The last ``MINUTES`` by the server's clock, as a whole and minute by minute, oldest first.

    The last minute is the one that has begun; a minute without any document is there too.
    """
    cursor.execute(
        """WITH ended AS (
               SELECT extract(epoch FROM date_trunc('minute', ended_at))::bigint AS start,
                      outcome, milliseconds
               FROM ocr_worker.endings
               WHERE ended_at >= date_trunc('minute', now()) - %(before)s * interval '1 minute'
           ), figures AS (
               SELECT start, count(*) FILTER (WHERE outcome = 'auto_approved') AS auto_approved,
                      count(*) FILTER (WHERE outcome = 'pending_manual_review') AS pending_manual_review,
                      count(*) FILTER (WHERE outcome = 'failed') AS failed,
                      percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY milliseconds)
                          FILTER (WHERE outcome <> 'failed') AS times
               FROM ended GROUP BY GROUPING SETS ((start), ())
           ), minutes AS (
               SELECT extract(epoch FROM minute)::bigint AS start FROM generate_series(
                   date_trunc('minute', now()) - %(before)s * interval '1 minute',
                   date_trunc('minute', now()), interval '1 minute') AS minute
               UNION ALL SELECT NULL
           )
           SELECT minutes.start, coalesce(auto_approved, 0) AS auto_approved,
                  coalesce(pending_manual_review, 0) AS pending_manual_review, coalesce(failed, 0) AS failed,
                  times[1] AS median, times[2] AS percentile_95
           FROM minutes LEFT JOIN figures ON figures.start IS NOT DISTINCT FROM minutes.start
           ORDER BY minutes.start NULLS FIRST""",
        {"before": MINUTES - 1},
    )
    whole, *minutes = (Period(**row) for row in cursor.fetchall())
    return whole, minutes


def failures(cursor: RealDictCursor) -> list[Failures]:
    """The causes of the last day's failures, the most frequent of the last hour first."""
    cursor.execute(
        """SELECT coalesce(code, 'unknown') AS code, count(*) AS last_day,
                  count(*) FILTER (WHERE ended_at > now() - interval '1 hour') AS last_hour
           FROM ocr_worker.endings
           WHERE outcome = 'failed' AND ended_at > now() - interval '1 day'
           GROUP BY 1 ORDER BY last_hour DESC, last_day DESC, code"""
    )
    return [Failures(**row) for row in cursor.fetchall()]


def purge(cursor: RealDictCursor) -> None:
    """Forget what ended more than a day ago."""
    cursor.execute("DELETE FROM ocr_worker.endings WHERE ended_at < now() - interval '1 day'")
