"""What Redis and PostgreSQL say of the work that lies there: a handful of numbers, two short round trips."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from service.queue.document_queue import RETRY_KEY, WATCH_KEY
from service.settings import Settings
from service.store.database import Database

#: Since when the queue holds what it holds; shared by all workers, gone with an empty queue.
MARKS_KEY = f"{WATCH_KEY}:marks"

#: ms that they are kept while nobody looks: a restart of all workers forgets no age.
MARKS_EXPIRY = 86_400_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """The queue at one moment."""

    #: Documents in the list.
    waiting: int
    #: Documents taken and not finished, those that wait for a retry included.
    processing: int
    put_off: int
    #: s that the oldest of ``waiting`` has waited at least; 0 when none waits.
    oldest_waiting: float


@dataclass(frozen=True, slots=True)
class OutboxBacklog:
    """Our own tables at one moment."""

    #: Jobs that used up their attempts.
    dead: int
    #: Reviews that are not asked for any more: no person looks at these documents.
    given_up: int
    #: Results and reviews not told yet, and s that the oldest of each has waited.
    undelivered: Mapping[str, tuple[int, float]]


class BacklogMeter:
    """Reads the backlog out of Redis.

    Parameters:
        client: a connection that answers in text
        settings: the backend's names
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self._keys = [settings.queue_key, settings.processing_key, RETRY_KEY, MARKS_KEY]
        self._script = client.register_script((Path(__file__).parent / "backlog.lua").read_text())

    def read(self) -> Backlog:
        """Look once, and mark what stands last. May raise ``redis.RedisError``."""
        waiting, processing, put_off, oldest = self._script(keys=self._keys, args=[MARKS_EXPIRY])
        return Backlog(int(waiting), int(processing), int(put_off), int(oldest) / 1000)


def read_outbox_backlog(database: Database) -> OutboxBacklog:
    """Look once. May raise ``OcrWorkerError``."""
    with database.transaction() as cursor:
        cursor.execute("SELECT count(*) AS dead FROM ocr_worker.dead")
        (dead,) = cursor.fetchall()
        cursor.execute("SELECT count(*) AS rows FROM ocr_worker.outbox WHERE given_up_at IS NOT NULL")
        (given_up,) = cursor.fetchall()
        cursor.execute(
            """SELECT kind, count(*) AS rows, extract(epoch FROM now() - min(created_at))::float AS age
               FROM ocr_worker.outbox WHERE told_at IS NULL AND given_up_at IS NULL GROUP BY kind"""
        )
        undelivered = {row["kind"]: (row["rows"], row["age"]) for row in cursor.fetchall()}
    by_kind = {kind: undelivered.get(kind, (0, 0.0)) for kind in ("result", "review")}
    return OutboxBacklog(dead["dead"], given_up["rows"], by_kind)
