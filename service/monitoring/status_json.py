"""The state of the pipeline as JSON: figures, ids, and sentences without personal data."""

import time
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from service.monitoring.formatting import camel_case
from service.monitoring.heartbeat import WorkerSighting, wire_name
from service.monitoring.problems import Problem, find_problems, healthy_summary
from service.monitoring.status import Records, Status
from service.monitoring.worker_status import worker_summary
from service.settings import Settings


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
    return {
        **{camel_case(name): value for name, value in worker_summary(traffic, settings).items()},
        "now": round(time.time() * 1000),
        "servedBy": own.worker if own else None,
        "level": problems[0].level if problems else "well",
        "sentence": problems[0].sentence if problems else healthy_summary(status),
        "troubles": as_json(problems),
        "queue": as_json(traffic.backlog) if traffic else None,
        "workers": [_worker(each) for each in workers],
        "jobs": as_json(traffic.jobs) if traffic else None,
        "hour": as_json(records.hour) if records else None,
        "minutes": as_json(records.minutes) if records else None,
        "recent": as_json(records.recent) if records else None,
        "failures": as_json(records.failures) if records else None,
        "dead": as_json(records.dead) if records else None,
        "owed": _outbox_backlog(records) if records else None,
        "actions": as_json(records.actions) if records else None,
    }


def _worker(sighting: WorkerSighting) -> dict[str, Any]:
    """Describe a worker; of one that stopped responding, little is known."""
    state: dict[str, Any] = as_json(sighting.state) if sighting.state else {}
    return {
        **state,
        "worker": sighting.worker,
        "lives": sighting.state is not None,
        "seconds": round(sighting.seconds),
    }


def _outbox_backlog(records: Records) -> dict[str, Any]:
    undelivered = {
        kind: {"count": count, "oldest": round(age)}
        for kind, (count, age) in records.outbox_backlog.undelivered.items()
    }
    return {"dead": records.outbox_backlog.dead, "givenUp": records.outbox_backlog.given_up, **undelivered}


def as_json(value: Any) -> Any:
    """Convert dataclasses to objects with camel case names, times to epoch ms, and round floats."""
    if is_dataclass(value) and not isinstance(value, type):
        return {shown: as_json(getattr(value, name)) for name, shown in _names(type(value))}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return round(value, 3) if isinstance(value, float) else value


@lru_cache
def _names(kind: type[Any]) -> list[tuple[str, str]]:
    """Return the fields of a dataclass, each with its name in camel case."""
    return [(each.name, camel_case(wire_name(each))) for each in fields(kind)]
