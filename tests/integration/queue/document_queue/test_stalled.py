"""Stalled members of the processing set: found, and returned if asked to."""

from devstack.backend import ATTEMPTS, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import (
    LEASES_KEY,
    LOCK_PREFIX,
    WATCH_KEY,
    DocumentQueue,
    Settlement,
)
from tests.support.ids import CARD, FIRST, NEXT, SECOND


def test_a_member_that_never_had_a_lease_is_stalled(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.sadd(PROCESSING, CARD)
    backend.redis.rpush(QUEUE, NEXT)

    found = document_queue.stalled(requeue=True)

    assert found == [CARD]
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD, NEXT]
    assert backend.redis.scard(PROCESSING) == 0


def test_without_requeue_nothing_changes(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.redis.sadd(PROCESSING, CARD)

    found = document_queue.stalled(requeue=False)

    assert found == [CARD]
    assert backend.redis.smembers(PROCESSING) == {CARD}
    assert backend.redis.llen(QUEUE) == 0


def test_jobs_in_work_and_retries_are_not_stalled(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    for document_id in (FIRST, SECOND):
        backend.push(document_id)
    job = document_queue.fetch("first")
    document_queue.fetch("second")
    assert job is not None
    document_queue.finish(job.token, Settlement("retry", delay=60))

    assert document_queue.stalled(requeue=True) == []
    assert backend.redis.smembers(PROCESSING) == {FIRST, SECOND}


def test_a_job_whose_workers_are_all_gone_returns_with_its_attempts(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    taken = document_queue.fetch("dead worker")
    backend.redis.zadd(LEASES_KEY, {CARD: 1})

    found = document_queue.stalled(requeue=True)
    again = document_queue.fetch("next worker")

    assert found == [CARD]
    assert taken is not None
    assert again is not None
    assert (again.job_id, again.attempt, again.crash_count) == (taken.job_id, 2, 1)
    assert backend.redis.hget(ATTEMPTS, CARD) == "2"


def test_expired_leases_are_left_to_workers_that_check_them(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    document_queue.fetch("dead worker")
    backend.redis.zadd(LEASES_KEY, {CARD: 1})
    backend.redis.set(WATCH_KEY, "1", ex=60)

    assert document_queue.stalled(requeue=True) == []


def test_a_document_under_a_foreign_lock_is_not_stalled(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.sadd(PROCESSING, CARD)
    backend.redis.set(LOCK_PREFIX + CARD, "someone else")

    assert document_queue.stalled(requeue=True) == []
    assert backend.redis.get(LOCK_PREFIX + CARD) == "someone else"
