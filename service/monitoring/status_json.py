"""The state of the pipeline as JSON: figures, ids, and sentences without personal data."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from service.monitoring.backlog import Backlog
from service.monitoring.formatting import camel_case
from service.monitoring.heartbeat import WorkerSighting, wire_name
from service.monitoring.problems import Problem, find_problems, healthy_summary
from service.monitoring.status import ActiveJob, Records, Status
from service.monitoring.worker_status import worker_summary
from service.settings import Settings
from service.store.actions import Action
from service.store.dead_letters import DeadJob
from service.store.history import Failures, JobRecord, Period


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Results to publish, or reviews to request."""

    count: int
    #: s since the oldest was stored.
    oldest: int


@dataclass(frozen=True, slots=True)
class Owed:
    """What is not delivered yet, and what never will be by itself."""

    #: Jobs that used up their attempts.
    dead: int
    #: Reviews that are no longer requested.
    given_up: int
    result: Undelivered
    review: Undelivered


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The parts of `/status.json` beside the figures of `GPUWorkerStatus`.

    What Redis knows is null while it does not answer, and so is what PostgreSQL knows.
    """

    #: Epoch ms.
    now: int
    #: The worker that answers; null: a command does.
    served_by: str | None
    level: Literal["well", "warn", "down"]
    #: What is wrong, or that all is well.
    sentence: str
    #: The worst first.
    troubles: Sequence[Problem]
    queue: Backlog | None
    #: Those that respond, and those that stopped in the last hour.
    workers: Sequence[WorkerSighting]
    jobs: Sequence[ActiveJob] | None
    #: The last hour as a whole.
    hour: Period | None
    #: The last hour by minute, the oldest first.
    minutes: Sequence[Period] | None
    #: The latest finished documents, the newest first.
    recent: Sequence[JobRecord] | None
    #: The latest failed documents, the newest first.
    failed: Sequence[JobRecord] | None
    #: The latest documents for a person, the newest first.
    review: Sequence[JobRecord] | None
    #: Failures of the last day by code.
    failures: Sequence[Failures] | None
    #: The latest jobs that used up their attempts.
    dead: Sequence[DeadJob] | None
    owed: Owed | None
    #: The latest acts of operators, the newest first.
    actions: Sequence[Action] | None


def status_json(
    status: Status,
    settings: Settings,
    own: WorkerSighting | None = None,
    own_problems: Sequence[Problem] = (),
) -> dict[str, Any]:
    """Return the object of `/status.json` and `filot-ocr status --json`; what is unknown is null.

    Parameters:
        status: a snapshot of Redis and PostgreSQL
        settings: limits
        own: the worker that answers, if one does: the only one known while Redis is away
        own_problems: what is wrong with it
    """
    problems = sorted(
        [*find_problems(status, settings), *own_problems], key=lambda problem: problem.level != "down"
    )
    traffic, records = status.traffic, status.records
    workers = traffic.workers if traffic else [own] if own else []
    report = StatusReport(
        now=round(time.time() * 1000),
        served_by=own.worker if own else None,
        level=problems[0].level if problems else "well",
        sentence=problems[0].sentence if problems else healthy_summary(status),
        troubles=problems,
        queue=traffic.backlog if traffic else None,
        workers=workers,
        jobs=traffic.jobs if traffic else None,
        hour=records.hour if records else None,
        minutes=records.minutes if records else None,
        recent=records.recent if records else None,
        failed=records.failed if records else None,
        review=records.review if records else None,
        failures=records.failures if records else None,
        dead=records.dead if records else None,
        owed=_owed(records) if records else None,
        actions=records.actions if records else None,
    )
    summary = {camel_case(name): value for name, value in worker_summary(traffic, settings).items()}
    return {**summary, **as_json(report)}


def _worker(sighting: WorkerSighting) -> dict[str, Any]:
    """Describe a worker; of one that stopped responding, little is known."""
    state: dict[str, Any] = as_json(sighting.state) if sighting.state else {}
    return {
        **state,
        "worker": sighting.worker,
        "lives": sighting.state is not None,
        "seconds": round(sighting.seconds),
    }


def _owed(records: Records) -> Owed:
    backlog = records.outbox_backlog
    by_kind = {kind: Undelivered(count, round(age)) for kind, (count, age) in backlog.undelivered.items()}
    return Owed(backlog.dead, backlog.given_up, by_kind["result"], by_kind["review"])


def as_json(value: Any) -> Any:
    """Convert dataclasses to objects with camel case names, times to epoch ms, and round floats."""
    if isinstance(value, WorkerSighting):
        return _worker(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {shown: as_json(getattr(value, name)) for name, shown in _names(type(value))}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return round(value, 3) if isinstance(value, float) else value


@lru_cache
def _names(kind: type[Any]) -> list[tuple[str, str]]:
    """Return the fields of a dataclass, each with its name in camel case."""
    return [(each.name, camel_case(wire_name(each))) for each in fields(kind)]
