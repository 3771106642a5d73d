"""Snapshots of the whole pipeline, over all workers, as Redis and PostgreSQL hold it.

They hold ids and figures only, nothing that is printed on a card. Reading changes no key and no row of the
backend.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import redis

from service.monitoring.access_rights import find_obstacles
from service.monitoring.backlog import (
    CLAIMABLE_MARKS_KEY,
    MARKS_EXPIRY,
    MARKS_KEY,
    Backlog,
    OutboxBacklog,
    read_outbox_backlog,
)
from service.monitoring.heartbeat import HEARTBEAT_PREFIX, SEEN_KEY, WorkerSighting, sighting
from service.queue.keys import CPU_QUEUE_KEY, RETRY_KEY, TIMESTAMPS_KEY
from service.queue.operator_pause import PAUSE_KEY, OperatorPause, parse_pause
from service.settings import Settings
from service.store import actions, dead_letters, history
from service.store.actions import Action
from service.store.database import Database
from service.store.dead_letters import DeadJob
from service.store.history import Failures, JobRecord, Period

#: How many of the latest results, and of the dead jobs, are listed.
RECENT, MAX_DEAD = 20, 20

#: How many acts of operators are listed.
MAX_ACTIONS = 5

#: How many jobs in progress are listed: far more than all workers together hold.
MAX_JOBS = 200

#: Minutes that "lately" means, the one that has begun included.
LATELY = 5

#: Entries of a list that one search for a mark goes through: bounds how long a snapshot blocks Redis.
MAX_SEARCH = 1000


@dataclass(frozen=True, slots=True)
class ActiveJob:
    """A document that was taken and is not finished."""

    document_id: str
    #: s since it was taken.
    seconds: float
    #: Number of this attempt, from 1 on.
    attempt: int
    #: The worker whose heartbeat lists it; null: no worker's does.
    worker: str | None


@dataclass(frozen=True, slots=True)
class Traffic:
    """The state in Redis: queue lengths, workers, and jobs in progress."""

    backlog: Backlog
    workers: Sequence[WorkerSighting]
    #: The one in progress longest first.
    jobs: Sequence[ActiveJob]
    #: None: no operator paused the workers. Heartbeats tell of it only later.
    pause: OperatorPause | None = None


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The part of PostgreSQL's state that every worker polls."""

    outbox_backlog: OutboxBacklog
    #: What keeps the worker from reading or writing its tables, one sentence each.
    obstacles: Sequence[str]


@dataclass(frozen=True, slots=True)
class History:
    """Finished documents, read only while somebody looks."""

    hour: Period
    minutes: Sequence[Period]
    recent: Sequence[JobRecord]
    #: The latest that failed, and the latest for a person: both leave `recent` after a few good results.
    failed: Sequence[JobRecord]
    review: Sequence[JobRecord]
    failures: Sequence[Failures]
    #: Failures of the last ``LATELY`` minutes by code, the most frequent first.
    causes: Mapping[str, int]
    #: The latest ones; ``OutboxBacklog.dead`` counts all.
    dead: Sequence[DeadJob]
    #: The latest acts of operators, the newest first.
    actions: Sequence[Action]


@dataclass(frozen=True, slots=True)
class Records:
    """The state in PostgreSQL: finished documents, and undelivered results and reviews."""

    hour: Period
    minutes: Sequence[Period]
    recent: Sequence[JobRecord]
    failures: Sequence[Failures]
    outbox_backlog: OutboxBacklog
    dead: Sequence[DeadJob]
    failed: Sequence[JobRecord] = ()
    review: Sequence[JobRecord] = ()
    causes: Mapping[str, int] = field(default_factory=dict)
    obstacles: Sequence[str] = ()
    actions: Sequence[Action] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot of both servers."""

    #: None: Redis did not answer, for the reason in ``redis_problem``.
    traffic: Traffic | None
    #: None: PostgreSQL did not answer, for the reason in ``database_problem``; without one it was not asked.
    records: Records | None
    redis_problem: str = ""
    database_problem: str = ""
    #: What to do about them; may be empty.
    redis_advice: str = ""
    database_advice: str = ""


class TrafficReader:
    """Reads the state in Redis, with one command.

    Parameters:
        client: a connection that answers in text
        settings: the backend's names, and whether its CPU list is a second source whatever the workers say
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self.keys = [
            *(settings.queue_key, settings.processing_key, RETRY_KEY, settings.attempts_key),
            *(TIMESTAMPS_KEY, SEEN_KEY, MARKS_KEY, PAUSE_KEY, CPU_QUEUE_KEY, CLAIMABLE_MARKS_KEY),
        ]
        self.script = client.register_script((Path(__file__).parent / "snapshot.lua").read_text())

    def read(self) -> Traffic:
        """Take a snapshot, and mark the tail of each list. Raises ``redis.RedisError``."""
        now, counts, workers, jobs, pause = self.script(
            keys=self.keys, args=[MARKS_EXPIRY, MAX_JOBS, HEARTBEAT_PREFIX, MAX_SEARCH]
        )
        sightings = sorted(
            (sighting(name, int(now) / 1000 - float(at), text) for name, at, text in _triples(workers)),
            key=lambda each: each.worker,
        )
        return Traffic(
            _backlog(counts, claims=self.settings.claim_cpu_queue or any(map(_claims, sightings))),
            sightings,
            list(_active_jobs(int(now), jobs, sightings)),
            parse_pause(pause or None),
        )


def _claims(sighting: WorkerSighting) -> bool:
    return sighting.state is not None and sighting.state.claims_cpu_queue


def _backlog(counts: Sequence[int], *, claims: bool) -> Backlog:
    """Add up both lists where any worker takes documents from both."""
    waiting, oldest, cpu_waiting, cpu_oldest, processing, put_off = map(int, counts)
    if not claims:
        return Backlog(waiting, processing, put_off, oldest / 1000, not_taken=cpu_waiting)
    return Backlog(
        waiting + cpu_waiting, processing, put_off, max(oldest, cpu_oldest) / 1000, claimable=cpu_waiting
    )


def _triples(flat: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    return zip(flat[::3], flat[1::3], flat[2::3], strict=True)


def _active_jobs(now: int, jobs: Sequence[str], workers: Sequence[WorkerSighting]) -> Iterator[ActiveJob]:
    holders = {document: each.worker for each in workers if each.state for document in each.state.documents}
    for document, since, attempt in _triples(jobs):
        yield ActiveJob(document, (now - int(since)) / 1000, int(attempt), holders.get(document))


def read_database_state(database: Database) -> DatabaseState:
    """Check our rights, and count what is undelivered. Raises ``OcrWorkerError``."""
    with database.transaction() as cursor:
        obstacles = find_obstacles(cursor)
        if not obstacles and database.last_refusal:
            # What a job met, and the catalogue does not know.
            obstacles = [database.last_refusal]
        return DatabaseState(read_outbox_backlog(cursor), obstacles)


def read_history(database: Database) -> History:
    """Read the finished documents of the last hour and day. Raises ``OcrWorkerError``."""
    with database.transaction() as cursor:
        hour, minutes = history.by_minute(cursor)
        return History(
            hour=hour,
            minutes=minutes,
            recent=history.latest(cursor, RECENT),
            failed=history.latest(cursor, RECENT, "failed"),
            review=history.latest(cursor, RECENT, "pending_manual_review"),
            failures=history.failures(cursor),
            causes=history.causes(cursor, LATELY),
            dead=dead_letters.list_jobs(cursor)[:MAX_DEAD],
            actions=actions.latest(cursor, MAX_ACTIONS),
        )


def combine(state: DatabaseState, finished: History) -> Records:
    """Put the two readings of PostgreSQL together."""
    return Records(
        hour=finished.hour,
        minutes=finished.minutes,
        recent=finished.recent,
        failures=finished.failures,
        outbox_backlog=state.outbox_backlog,
        dead=finished.dead,
        failed=finished.failed,
        review=finished.review,
        causes=finished.causes,
        obstacles=state.obstacles,
        actions=finished.actions,
    )


def read_records(database: Database) -> Records:
    """Read everything from PostgreSQL once. Raises ``OcrWorkerError``."""
    return combine(read_database_state(database), read_history(database))
