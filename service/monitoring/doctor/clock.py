"""This machine's clock, compared with those of Redis and PostgreSQL."""

import time
from collections.abc import Callable, Iterator

import psycopg2
import redis

from service.monitoring.doctor.check_result import CheckResult, fail, passed, warn
from service.monitoring.doctor.postgres import connect
from service.queue.document_queue import connect_redis
from service.settings import Settings

#: s of difference that show in logs, and that come close to a file store refusing our signatures (S3 allows
#: 15 minutes).
NOTICEABLE, TOO_MUCH = 2.0, 600.0

_SET = "synchronise the clocks (NTP); leases and claims use the servers' clocks and are safe"


def check_clock(settings: Settings, now: Callable[[], float] = time.time) -> Iterator[CheckResult]:
    """Compare with each server that answers; ``now`` is this machine's epoch seconds.

    Raises:
        SettingsError: a server is not named.
    """
    for server, read in (("redis", _redis_time), ("postgresql", _postgres_time)):
        check = f"clock of {server}"
        try:
            before = now()
            theirs = read(settings)
            after = now()
        except (redis.RedisError, psycopg2.Error):
            yield warn(check, "not compared: it could not be asked", f"fix the line `{server}`")
            continue
        yield _compared(check, theirs, before, after)


def _compared(check: str, theirs: float, before: float, after: float) -> CheckResult:
    # The server read its clock between our two readings: only what lies outside is a difference.
    ahead = max(before - theirs, 0.0) - max(theirs - after, 0.0)
    if abs(ahead) < NOTICEABLE:
        return passed(check, f"within {NOTICEABLE:.0f} s of this machine's")
    says = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} this machine's"
    return fail(check, says, _SET) if abs(ahead) >= TOO_MUCH else warn(check, says, _SET)


def _redis_time(settings: Settings) -> float:
    with connect_redis(settings) as client:
        seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6


def _postgres_time(settings: Settings) -> float:
    with connect(settings) as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float AS now")
        (row,) = cursor.fetchall()
    return float(row["now"])
