"""Documents that the processing set holds and no worker does are found, and returned when asked for."""

import pytest

from devstack.backend import ATTEMPTS, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import LEASES_KEY, LOCK_PREFIX, WATCH_KEY, Ledger, Settlement, connect_redis
from service.settings import Settings


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    return Ledger(connect_redis(settings), settings)


def test_a_member_that_nobody_ever_leased_is_stuck(ledger: Ledger, backend: FilotBackend) -> None:
    backend.redis.sadd(PROCESSING, "card")
    backend.redis.rpush(QUEUE, "next")

    found = ledger.stuck(take_back=True)

    assert found == ["card"]
    assert backend.redis.lrange(QUEUE, 0, -1) == ["card", "next"]
    assert backend.redis.scard(PROCESSING) == 0


def test_looking_changes_nothing(ledger: Ledger, backend: FilotBackend) -> None:
    backend.redis.sadd(PROCESSING, "card")

    found = ledger.stuck(take_back=False)

    assert found == ["card"]
    assert backend.redis.smembers(PROCESSING) == {"card"}
    assert backend.redis.llen(QUEUE) == 0


def test_jobs_in_work_and_retries_are_not_stuck(ledger: Ledger, backend: FilotBackend) -> None:
    for document_id in ("retry", "in work"):
        backend.push(document_id)
    job = ledger.take("first")
    ledger.take("second")
    assert job is not None
    ledger.settle(job.token, Settlement("later", delay=60_000))

    assert ledger.stuck(take_back=True) == []
    assert backend.redis.smembers(PROCESSING) == {"retry", "in work"}


def test_a_job_whose_workers_are_all_gone_returns_with_its_attempts(
    ledger: Ledger, backend: FilotBackend
) -> None:
    backend.push("card")
    taken = ledger.take("dead worker")
    backend.redis.zadd(LEASES_KEY, {"card": 1})

    found = ledger.stuck(take_back=True)
    again = ledger.take("next worker")

    assert found == ["card"]
    assert taken is not None
    assert again is not None
    assert (again.job_id, again.attempt, again.deaths) == (taken.job_id, 2, 1)
    assert backend.redis.hget(ATTEMPTS, "card") == "2"


def test_where_workers_look_after_leases_it_is_left_to_them(ledger: Ledger, backend: FilotBackend) -> None:
    backend.push("card")
    ledger.take("dead worker")
    backend.redis.zadd(LEASES_KEY, {"card": 1})
    backend.redis.set(WATCH_KEY, "1", ex=60)

    assert ledger.stuck(take_back=True) == []


def test_what_another_kind_of_worker_has_locked_is_left_alone(ledger: Ledger, backend: FilotBackend) -> None:
    backend.redis.sadd(PROCESSING, "card")
    backend.redis.set(LOCK_PREFIX + "card", "someone else")

    assert ledger.stuck(take_back=True) == []
    assert backend.redis.get(LOCK_PREFIX + "card") == "someone else"
