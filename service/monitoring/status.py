"""The state of the whole pipeline, over all workers: what Redis and PostgreSQL say of it. Nothing is changed.

Ids and figures only, nothing that a card says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from service.monitoring.backlog import Backlog, BacklogMeter, OutboxBacklog, read_outbox_backlog
from service.monitoring.heartbeat import WorkerSighting, list_workers
from service.queue.document_queue import TIMESTAMPS_KEY
from service.settings import Settings
from service.store import dead_letters, history
from service.store.database import Database
from service.store.dead_letters import DeadJob
from service.store.history import Failures, JobRecord, Period

#: How many of the latest results, and of the dead jobs, are named.
RECENT, MAX_DEAD = 20, 20

#: How many jobs in hand are named: far more than all workers together hold.
MAX_JOBS = 200


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A document that was taken and has not ended."""

    document_id: str
    #: s since it was taken.
    seconds: float
    #: Takes so far, this one included.
    attempt: int
    #: The worker that says that it has it; None: none does.
    worker: str | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What Redis says: what waits, and who works on what."""

    backlog: Backlog
    workers: Sequence[WorkerSighting]
    #: Longest in hand first.
    jobs: Sequence[ActiveJob]


@dataclass(frozen=True, slots=True)
class Records:
    """What PostgreSQL says: what ended, and what is still to be done about it."""

    hour: Period
    minutes: Sequence[Period]
    recent: Sequence[JobRecord]
    failures: Sequence[Failures]
    outbox_backlog: OutboxBacklog
    #: The latest ones; ``owed.dead`` counts all.
    dead: Sequence[DeadJob]


@dataclass(frozen=True, slots=True)
class Status:
    """One look at everything."""

    #: None: Redis did not answer, for the reason in ``redis_problem``.
    traffic: Traffic | None
    #: None: PostgreSQL did not answer, for the reason in ``database_problem``; without one it was not asked.
    records: Records | None
    redis_problem: str = ""
    database_problem: str = ""


class TrafficReader:
    """Reads what Redis says.

    Parameters:
        client: a connection that answers in text
        settings: the backend's names
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self._meter = BacklogMeter(client, settings)

    def read(self) -> Traffic:
        """Look once, in a handful of round trips. May raise ``redis.RedisError``."""
        backlog = self._meter.read()
        workers = list_workers(self.client)
        return Traffic(backlog, workers, self._jobs(workers))

    def _jobs(self, workers: Sequence[WorkerSighting]) -> list[ActiveJob]:
        with self.client.pipeline(transaction=False) as both:
            both.time()
            both.hgetall(TIMESTAMPS_KEY)
            (seconds, microseconds), since = both.execute()
        if not since:
            return []
        oldest = sorted(since, key=lambda each: int(since[each]))[:MAX_JOBS]
        with self.client.pipeline(transaction=False) as both:
            both.hmget(self.settings.attempts_key, oldest)
            both.smismember(self.settings.processing_key, oldest)
            attempts, members = both.execute()
        holders = {
            document: each.worker for each in workers if each.state for document in each.state.documents
        }
        now = seconds + microseconds / 1e6
        return [
            ActiveJob(document, now - int(since[document]) / 1000, int(attempt or 0), holders.get(document))
            for document, attempt, is_member in zip(oldest, attempts, members, strict=True)
            if is_member
        ]


def read_records(database: Database) -> Records:
    """What PostgreSQL says. May raise ``OcrWorkerError``."""
    outbox_backlog = read_outbox_backlog(database)
    with database.transaction() as cursor:
        hour, minutes = history.by_minute(cursor)
        return Records(
            hour=hour,
            minutes=minutes,
            recent=history.latest(cursor, RECENT),
            failures=history.failures(cursor),
            outbox_backlog=outbox_backlog,
            dead=dead_letters.list_jobs(cursor)[:MAX_DEAD],
        )
