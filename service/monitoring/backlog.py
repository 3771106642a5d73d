"""Queue lengths and undelivered results: what Redis and PostgreSQL hold for the workers to do."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.extras import RealDictCursor

from service.queue.keys import WATCH_KEY

#: Since when each list holds what it holds, by list; shared by all workers, gone with an empty list.
MARKS_KEY = f"{WATCH_KEY}:marks"
CLAIMABLE_MARKS_KEY = f"{MARKS_KEY}:claimable"

#: ms that the marks are kept while nobody reads: a restart of all workers forgets no age.
MARKS_EXPIRY = 86_400_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """The queue at one moment."""

    #: Documents in the list; where any worker has ``OCR_GPU_CLAIM_CPU_QUEUE``, those in the backend's CPU
    #: list as well.
    waiting: int
    #: Documents taken and not finished, those that wait for a retry included.
    processing: int
    put_off: int
    #: s that the oldest of ``waiting`` has waited at least; 0 when none waits. An estimate: neither list has
    #: timestamps.
    oldest_waiting: float
    #: Those of ``waiting`` that are in the backend's CPU list.
    claimable: int = 0
    #: Documents in the backend's CPU list while no worker takes any from there, beside ``waiting``; null
    #: if one does.
    not_taken: int | None = None


@dataclass(frozen=True, slots=True)
class OutboxBacklog:
    """The outbox and the dead letters at one moment."""

    #: Jobs that used up their attempts.
    dead: int
    #: Reviews that are no longer requested: no person will look at these documents.
    given_up: int
    #: Undelivered results and reviews, by kind, and s since the oldest of each was stored.
    undelivered: Mapping[str, tuple[int, float]]
    #: Undelivered reviews that were requested at least once in vain.
    refused: int = 0


def read_outbox_backlog(cursor: RealDictCursor) -> OutboxBacklog:
    """Count what is undelivered, given up and dead."""
    cursor.execute("SELECT count(*) AS dead FROM ocr_worker.dead")
    (dead,) = cursor.fetchall()
    cursor.execute("SELECT count(*) AS rows FROM ocr_worker.outbox WHERE given_up_at IS NOT NULL")
    (given_up,) = cursor.fetchall()
    cursor.execute(
        """SELECT kind, count(*) AS rows, extract(epoch FROM now() - min(created_at))::float AS age,
                  count(*) FILTER (WHERE attempts > 1) AS retried
           FROM ocr_worker.outbox WHERE told_at IS NULL AND given_up_at IS NULL GROUP BY kind"""
    )
    found = {row["kind"]: row for row in cursor.fetchall()}
    undelivered = {kind: (row["rows"], row["age"]) for kind, row in found.items()}
    by_kind = {kind: undelivered.get(kind, (0, 0.0)) for kind in ("result", "review")}
    # An attempt counts from its start: how the first one ends shows in the second.
    refused = found["review"]["retried"] if "review" in found else 0
    return OutboxBacklog(dead["dead"], given_up["rows"], by_kind, refused)
