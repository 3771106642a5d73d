"""Many documents of FiLot's table into the queue, one by one and not too fast."""

import time
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

#: What a row may be in to be queued: `processing` is work already, `completed` has nothing to be done.
Status: TypeAlias = Literal["uploaded", "failed"]

#: s that a pause lasts at most before a stop is looked for.
STEP = 0.1


class Fate(Enum):
    """What became of one document."""

    PUSHED = "pushed"
    #: It waits or is in work: somebody else was faster.
    KNOWN = "known"
    #: Its row is not what was asked for any more.
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents; only those that have a file."""

    status: Status
    #: None: of either type.
    document_type: DocumentType | None = None


def candidates(database: Database, document_queue: DocumentQueue, wanted: Wanted) -> tuple[list[str], int]:
    """The documents to queue, oldest first, and how many others wait or are in work already.

    May raise ``OcrWorkerError`` or ``redis.RedisError``.
    """
    with database.transaction() as cursor:
        cursor.execute(
            """SELECT id::text FROM documents
               WHERE status = %(status)s AND file_url IS NOT NULL
                   AND (type = %(type)s OR (%(type)s IS NULL AND type IN ('KTP', 'NPWP')))
               ORDER BY created_at, id""",
            {"status": wanted.status, "type": wanted.document_type},
        )
        found = [row["id"] for row in cursor.fetchall()]
    known = document_queue.known(found)
    return [document_id for document_id in found if document_id not in known], len(known)


def push(
    database: Database,
    document_queue: DocumentQueue,
    document_id: str,
    status: Status,
    *,
    to_gpu: bool | None = None,
) -> Fate:
    """Mark one row as to be worked on and queue it where the backend would, in the backend's order.

    When Redis fails, the row gets its status back, unless PostgreSQL is away too; then the workers' own look
    for lost documents queues it.

    Raises:
        UnavailableError: PostgreSQL is away.
        redis.RedisError: whether it was queued is unknown; a document that was is read all the same.
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
    """At most ``rate`` documents a second, evenly; a stop that is asked for cuts the pause short."""

    rate: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    stopped: bool = False
    _next: float = field(default=0.0, init=False)

    def stop(self) -> None:
        """Let no more through. May be called from a signal handler."""
        self.stopped = True

    def wait(self) -> bool:
        """Wait until the next one may go; False when it is to stop."""
        while not self.stopped and (ahead := self._next - self.clock()) > 0:
            self.sleep(min(ahead, STEP))
        # Counted from now: time lost to a slow server is not caught up in a burst.
        self._next = self.clock() + 1 / self.rate
        return not self.stopped


@dataclass(slots=True)
class Tally:
    """How far a backfill has come."""

    fates: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))
    #: The server that ended it early, in one sentence; empty otherwise.
    outage: str = ""

    @property
    def seen(self) -> int:
        """Documents that were come to."""
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
    """Push documents until all are through, the pace stops, or a server is away.

    Parameters:
        documents: their ids, in the order in which they are to wait
        status: what their rows say now
        report: told after each
        to_gpu: which queue, as for `routing.route_document`
    """
    tally = Tally()
    for document_id in documents:
        if not pace.wait():
            break
        try:
            tally.fates[push(database, document_queue, document_id, status, to_gpu=to_gpu)] += 1
        except UnavailableError as error:
            tally.outage = str(error)
        except redis.RedisError as error:
            tally.outage = f"Redis is away: {type(error).__name__}"
        if tally.outage:
            break
        report(tally)
    return tally
