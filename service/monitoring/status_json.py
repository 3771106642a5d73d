"""The state of the pipeline for programs: figures, ids, and sentences without personal data."""

import time
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from service.monitoring.formatting import camel
from service.monitoring.heartbeat import Heard
from service.monitoring.problems import Trouble, find_troubles, well
from service.monitoring.status import Records, Status
from service.monitoring.worker_status import summary
from service.settings import Settings


def figures(
    status: Status, settings: Settings, own: Heard | None = None, own_troubles: Sequence[Trouble] = ()
) -> dict[str, Any]:
    """What `/status.json` and `filot-ocr status --json` say; what a server did not tell is null.

    Args:
        status: what Redis and PostgreSQL say
        settings: limits
        own: the worker that answers, if one does: all that is known of workers while Redis is away
        own_troubles: what is wrong with it
    """
    troubles = sorted(
        [*find_troubles(status, settings), *own_troubles], key=lambda trouble: trouble.level != "down"
    )
    traffic, records = status.traffic, status.records
    workers = traffic.workers if traffic else [own] if own else []
    return {
        **{camel(name): value for name, value in summary(traffic, settings).items()},
        "now": round(time.time() * 1000),
        "servedBy": own.worker if own else None,
        "level": troubles[0].level if troubles else "well",
        "sentence": troubles[0].sentence if troubles else well(status),
        "troubles": as_json(troubles),
        "queue": as_json(traffic.backlog) if traffic else None,
        "workers": [_worker(each) for each in workers],
        "jobs": as_json(traffic.jobs) if traffic else None,
        "hour": as_json(records.hour) if records else None,
        "minutes": as_json(records.minutes) if records else None,
        "recent": as_json(records.recent) if records else None,
        "failures": as_json(records.failures) if records else None,
        "dead": as_json(records.dead) if records else None,
        "owed": _owed(records) if records else None,
    }


def _worker(heard: Heard) -> dict[str, Any]:
    """A worker that lives, or the little that is known of one that does not."""
    said: dict[str, Any] = as_json(heard.state) if heard.state else {}
    return {**said, "worker": heard.worker, "lives": heard.state is not None, "seconds": round(heard.seconds)}


def _owed(records: Records) -> dict[str, Any]:
    untold = {
        kind: {"count": count, "oldest": round(age)} for kind, (count, age) in records.owed.untold.items()
    }
    return {"dead": records.owed.dead, "givenUp": records.owed.given_up, **untold}


def as_json(value: Any) -> Any:
    """Dataclasses as objects with names in camel case, moments as epoch ms, fractions to three places."""
    if is_dataclass(value) and not isinstance(value, type):
        return {shown: as_json(getattr(value, name)) for name, shown in _names(type(value))}
    if isinstance(value, list | tuple):
        return [as_json(each) for each in value]
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return round(value, 3) if isinstance(value, float) else value


@lru_cache
def _names(kind: type[Any]) -> list[tuple[str, str]]:
    """The fields of a dataclass, each with its name in camel case."""
    return [(each.name, camel(each.name)) for each in fields(kind)]
