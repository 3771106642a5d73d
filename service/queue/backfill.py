"""Backfill: enqueue many documents of FiLot's table, one by one at a limited rate."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal, TypeAlias

import redis
from psycopg2.extras import RealDictCursor

from service.errors import UnavailableError
from service.queue.document_queue import DocumentQueue
from service.queue.routing import route_document
from service.reading.documents.fields import DocumentType
from service.store import dead_letters
from service.store.database import Database
from service.store.failed_documents import RETRY_HELPS
from service.store.history import UNKNOWN
from service.store.server_problems import describe_outage

#: Statuses of rows that can be enqueued: `processing` is enqueued already, `completed` needs nothing.
Status: TypeAlias = Literal["uploaded", "failed"]

#: s; the longest sleep before a stop is noticed.
STEP = 0.1


class Fate(Enum):
    """The outcome for one document."""

    PUSHED = "pushed"
    #: It waits or is in work already.
    KNOWN = "known"
    #: Its row has another status by now.
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents to enqueue, among those that have a file."""

    status: Status
    #: None: both types.
    document_type: DocumentType | None = None
    #: Failed documents as well whose same file would fail again, and those that an operator cancelled.
    hopeless: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """The documents that a backfill is about."""

    #: Those to enqueue, oldest first.
    documents: list[str]
    #: Number of others that wait or are in work already.
    known: int
    #: Number of others that were left out as hopeless, by the code of their failure.
    left_out: Counter[str]


def candidates(database: Database, document_queue: DocumentQueue, wanted: Wanted) -> Candidates:
    """Find the documents to enqueue. May raise ``OcrWorkerError`` or ``redis.RedisError``."""
    with database.transaction() as cursor:
        cursor.execute(
            """SELECT id::text, coalesce(result_json ->> 'errorCode', %(unknown)s) AS code FROM documents
               WHERE status = %(status)s AND file_url IS NOT NULL
                   AND (upper(type) = %(type)s OR (%(type)s IS NULL AND upper(type) IN ('KTP', 'NPWP')))
               ORDER BY created_at, id""",
            {"status": wanted.status, "type": wanted.document_type, "unknown": UNKNOWN},
        )
        codes = {row["id"]: row["code"] for row in cursor.fetchall()}
    known = document_queue.known(list(codes))
    others = [document_id for document_id in codes if document_id not in known]
    every = wanted.status != "failed" or wanted.hopeless
    documents = [document_id for document_id in others if every or codes[document_id] in RETRY_HELPS]
    left_out = Counter(codes[document_id] for document_id in others)
    left_out.subtract(codes[document_id] for document_id in documents)
    return Candidates(documents, len(known), +left_out)


def push(
    database: Database,
    document_queue: DocumentQueue,
    document_id: str,
    status: Status,
    *,
    to_gpu: bool | None = None,
) -> Fate:
    """Set one row to `processing` and enqueue it where the backend would, in the backend's order.

    When Redis fails, the row gets its status back. If PostgreSQL is away as well, the workers' recovery
    enqueues the document later.

    Raises:
        UnavailableError: PostgreSQL is away.
        redis.RedisError: whether it was enqueued is unknown; if so, it is read all the same.
    """
    with database.transaction() as cursor:
        if not _move(cursor, document_id, status, "processing"):
            return Fate.CHANGED
    try:
        queued = route_document(document_queue, document_id, to_gpu=to_gpu)
    except redis.RedisError:
        with database.transaction() as cursor:
            _move(cursor, document_id, "processing", status)
        raise
    if queued and status == "failed":
        with database.transaction() as cursor:
            dead_letters.drop(cursor, document_id)
    return Fate.PUSHED if queued else Fate.KNOWN


def _move(cursor: RealDictCursor, document_id: str, before: str, after: str) -> bool:
    cursor.execute(
        "UPDATE documents SET status = %s WHERE id = %s AND status = %s", (after, document_id, before)
    )
    return cursor.rowcount > 0


@dataclass(slots=True)
class Pace:
    """Rate limiter: at most ``rate`` documents a second, evenly spaced. A stop ends a wait early."""

    rate: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    stopped: bool = False
    _next: float = field(default=0.0, init=False)

    def stop(self) -> None:
        """Stop. May be called from a signal handler."""
        self.stopped = True

    def wait(self) -> bool:
        """Wait until the next document may go; False once stopped."""
        while not self.stopped and (ahead := self._next - self.clock()) > 0:
            self.sleep(min(ahead, STEP))
        # Counted from now: time lost to a slow server is not caught up in a burst.
        self._next = self.clock() + 1 / self.rate
        return not self.stopped


@dataclass(slots=True)
class Tally:
    """Progress of a backfill."""

    fates: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))
    #: Why it ended early, in one sentence that names the server; empty otherwise.
    outage: str = ""

    @property
    def seen(self) -> int:
        """Number of documents that were handled."""
        return sum(self.fates.values())


def run(
    database: Database,
    document_queue: DocumentQueue,
    documents: list[str],
    status: Status,
    pace: Pace,
    report: Callable[[Tally], None] = lambda tally: None,
    *,
    to_gpu: bool | None = None,
) -> Tally:
    """Push documents until all are done, the pace stops, or a server is away.

    Parameters:
        documents: ids, in the order in which to enqueue them
        status: current status of their rows
        report: called after each document
        to_gpu: which queue, as for `routing.route_document`
    """
    tally = Tally()
    for document_id in documents:
        if not pace.wait():
            break
        try:
            tally.fates[push(database, document_queue, document_id, status, to_gpu=to_gpu)] += 1
        except (redis.RedisError, UnavailableError) as error:
            tally.outage = describe_outage(error)
        if tally.outage:
            break
        report(tally)
    return tally
