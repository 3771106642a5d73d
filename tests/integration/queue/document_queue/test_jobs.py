"""The document queue on a real server: fetch, renew, finish, return, reap and enqueue."""

import uuid
from collections.abc import Callable

from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import (
    JOB_PREFIX,
    LEASES_KEY,
    LOCK_PREFIX,
    RETRY_KEY,
    RETURN_UNCOUNTED,
    TIMESTAMPS_KEY,
    WATCH_KEY,
    DocumentQueue,
    Settlement,
)
from tests.support.ids import CARD, FIRST, NEXT, OTHER, SECOND, THIRD

QueueMaker = Callable[..., DocumentQueue]
DONE = Settlement("done")


def token() -> str:
    return str(uuid.uuid4())


def expire_leases(backend: FilotBackend) -> None:
    """Let time pass in which other workers looked after the leases."""
    backend.redis.set(WATCH_KEY, "1", ex=60)
    for document_id in backend.redis.zrange(LEASES_KEY, 0, -1):
        backend.redis.zadd(LEASES_KEY, {str(document_id): 1})


def test_documents_are_fetched_oldest_first(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    for document_id in (FIRST, SECOND):
        backend.push(document_id)

    taken = [document_queue.fetch(token()) for _ in range(3)]

    assert [job.document_id if job else None for job in taken] == [FIRST, SECOND, None]


def test_a_fetched_document_counts_as_active_for_the_backend(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    correlation = backend.redis.hget(CORRELATION, CARD)

    job = document_queue.fetch(token())

    assert job is not None
    assert job.correlation_id == correlation
    assert job.attempt == 1
    assert backend.redis.llen(QUEUE) == 0
    assert backend.redis.smembers(PROCESSING) == {CARD}
    assert backend.redis.hget(ATTEMPTS, CARD) == "1"
    assert int(backend.redis.hget(TIMESTAMPS_KEY, CARD) or 0) == job.fencing_token
    assert backend.redis.get(LOCK_PREFIX + CARD) == correlation
    assert 0 < backend.redis.ttl(LOCK_PREFIX + CARD) <= 600
    assert backend.push(CARD) is False


def test_a_finished_job_leaves_no_key(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None

    settled = document_queue.finish(job.token, DONE)

    assert settled
    assert backend.redis.keys("*") == []


def test_an_id_without_a_correlation_id_gets_one(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, CARD)

    job = document_queue.fetch(token())

    assert job is not None
    assert uuid.UUID(job.correlation_id)


def test_a_fetch_whose_reply_was_lost_can_be_repeated(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    for document_id in (FIRST, SECOND):
        backend.push(document_id)
    mine = token()

    first, again = document_queue.fetch(mine), document_queue.fetch(mine)

    assert first == again
    assert first is not None
    assert first.attempt == 1
    assert backend.redis.lrange(QUEUE, 0, -1) == [SECOND]


def test_a_finish_whose_reply_was_lost_can_be_repeated(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None

    answers = [document_queue.finish(job.token, DONE), document_queue.finish(job.token, DONE)]

    assert answers == [True, False]


def test_a_document_that_waits_twice_is_one_job(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, CARD, OTHER, CARD)

    taken = [document_queue.fetch(token()) for _ in range(3)]

    assert [job.document_id if job else None for job in taken] == [CARD, OTHER, None]


def test_a_document_pushed_again_while_in_work_is_not_fetched_twice(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    document_queue.fetch(token())
    backend.redis.rpush(QUEUE, CARD)

    second = document_queue.fetch(token())

    assert second is None
    assert backend.redis.llen(QUEUE) == 0


def test_a_requeued_job_returns_to_the_head_and_its_attempt_does_not_count(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    for document_id in (CARD, NEXT):
        backend.push(document_id)
    job = document_queue.fetch(token())
    assert job is not None

    document_queue.finish(job.token, RETURN_UNCOUNTED)
    again = document_queue.fetch(token())

    assert again is not None
    assert (again.document_id, again.attempt, again.job_id) == (CARD, 1, job.job_id)


def test_a_failed_job_waits_for_its_retry_in_the_processing_set(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None

    document_queue.finish(job.token, Settlement("retry", delay=60))

    assert backend.push(CARD) is False
    assert backend.redis.smembers(PROCESSING) == {CARD}
    assert document_queue.return_due(at_once=True) == (0, 0)
    backend.redis.zadd(RETRY_KEY, {CARD: 1})
    assert document_queue.return_due(at_once=True) == (0, 1)
    again = document_queue.fetch(token())
    assert again is not None
    assert (again.attempt, again.deferrals, again.job_id) == (2, 1, job.job_id)


def test_a_job_that_a_gpu_failed_on_is_marked_for_the_cpu(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None

    document_queue.finish(job.token, Settlement("requeue", counts=False, device="cpu"))
    again = document_queue.fetch(token())

    assert job.device is None
    assert again is not None
    assert (again.device, again.attempt) == ("cpu", 1)


def test_jobs_of_a_dead_worker_return_to_the_head_when_their_leases_expire(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    for document_id in (FIRST, SECOND, THIRD):
        backend.push(document_id)
    lost = [document_queue.fetch(token()), document_queue.fetch(token())]
    expire_leases(backend)

    returned = document_queue.return_due(at_once=True)

    assert returned == (2, 0)
    assert set(backend.redis.lrange(QUEUE, 0, 1)) == {FIRST, SECOND}
    assert backend.redis.lrange(QUEUE, 2, -1) == [THIRD]
    assert backend.redis.scard(PROCESSING) == 0
    assert backend.redis.keys(LOCK_PREFIX + "*") == []
    again = document_queue.fetch(token())
    assert again is not None
    assert again.attempt == 2
    assert again.job_id in {job.job_id for job in lost if job}


def test_leases_that_expired_while_no_worker_checked_are_renewed_once(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None
    expire_leases(backend)
    backend.redis.delete(WATCH_KEY)

    returned = [document_queue.return_due(at_once=True)]
    renewed = backend.redis.zscore(LEASES_KEY, CARD) or 0
    expire_leases(backend)
    returned.append(document_queue.return_due(at_once=True))

    assert returned == [(0, 0), (1, 0)]
    assert renewed > job.fencing_token


def test_the_watch_key_expires_half_a_lease_after_the_last_check(
    make_queue: QueueMaker, backend: FilotBackend
) -> None:
    document_queue = make_queue(OCR_GPU_LEASE="1200000")

    document_queue.return_due(at_once=True)

    assert 540_000 < backend.redis.pttl(WATCH_KEY) <= 600_000


def test_a_repeated_fetch_renews_the_lease(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.push(CARD)
    mine = token()
    taken = document_queue.fetch(mine)
    assert taken is not None
    expire_leases(backend)

    again = document_queue.fetch(mine)

    assert again == taken
    assert (backend.redis.zscore(LEASES_KEY, CARD) or 0) > taken.fencing_token


def test_a_job_whose_lease_expired_counts_a_crash(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    innocent = document_queue.fetch(token())
    expire_leases(backend)
    document_queue.return_due(at_once=True)

    quarantined = document_queue.fetch(token())

    assert innocent is not None
    assert quarantined is not None
    assert (innocent.crash_count, quarantined.crash_count) == (0, 1)


def test_attempts_never_exceed_the_maximum(make_queue: QueueMaker, backend: FilotBackend) -> None:
    document_queue = make_queue(OCR_GPU_MAX_RETRIES="2")
    backend.push(CARD)
    takes = []

    for _ in range(3):
        takes.append(document_queue.fetch(token()))
        expire_leases(backend)
        document_queue.return_due(at_once=True)

    assert [(job.attempt, job.used_up) for job in takes if job] == [(1, False), (2, False), (2, True)]
    assert backend.redis.hget(ATTEMPTS, CARD) == "2"


def test_a_stale_token_can_neither_renew_nor_finish(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    late = document_queue.fetch(token())
    assert late is not None
    expire_leases(backend)
    document_queue.return_due(at_once=True)
    current = document_queue.fetch(token())
    assert current is not None

    lost = document_queue.renew([late.token, current.token])
    settled = document_queue.finish(late.token, DONE)

    assert lost == {late.token}
    assert not settled
    assert backend.redis.smembers(PROCESSING) == {CARD}
    assert current.fencing_token >= late.fencing_token


def test_renewing_extends_the_lease_and_the_lock(make_queue: QueueMaker, backend: FilotBackend) -> None:
    document_queue = make_queue(OCR_GPU_LEASE="20000", OCR_GPU_LOCK_TTL="600")
    backend.push(CARD)
    job = document_queue.fetch(token())
    assert job is not None
    before = backend.redis.zscore(LEASES_KEY, CARD)
    backend.redis.expire(LOCK_PREFIX + CARD, 60)
    expire_leases(backend)

    lost = document_queue.renew([job.token])

    assert lost == set()
    assert (backend.redis.zscore(LEASES_KEY, CARD) or 0) >= (before or 0)
    assert 60 < backend.redis.ttl(LOCK_PREFIX + CARD) <= 600


def test_a_foreign_lock_delays_the_document(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.push(CARD)
    backend.redis.set(LOCK_PREFIX + CARD, "someone else")

    job = document_queue.fetch(token())

    assert job is None
    assert backend.redis.zcard(RETRY_KEY) == 1
    assert backend.redis.get(LOCK_PREFIX + CARD) == "someone else"


def test_a_member_without_a_worker_returns_after_the_stalled_timeout(
    make_queue: QueueMaker, backend: FilotBackend
) -> None:
    document_queue = make_queue(OCR_GPU_STUCK_TIMEOUT="300000")
    backend.redis.sadd(PROCESSING, CARD)

    first_look = document_queue.reap([])
    stamped = backend.redis.hget(TIMESTAMPS_KEY, CARD)
    backend.redis.hset(TIMESTAMPS_KEY, CARD, "1")
    second_look = document_queue.reap([])

    assert first_look[0] == 0
    assert stamped is not None
    assert second_look[0] == 1
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


def test_the_reaper_leaves_jobs_in_work_and_retries_alone(
    make_queue: QueueMaker, backend: FilotBackend
) -> None:
    document_queue = make_queue(OCR_GPU_STUCK_TIMEOUT="1")
    for document_id in (FIRST, SECOND):
        backend.push(document_id)
    document_queue.fetch(token())
    job = document_queue.fetch(token())
    assert job is not None
    document_queue.finish(job.token, Settlement("retry", delay=60))
    for document_id in (FIRST, SECOND):
        backend.redis.hset(TIMESTAMPS_KEY, document_id, "1")

    returned, _ = document_queue.reap([])

    assert returned == 0


def test_leftover_fields_are_removed_once_seen_twice(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.push(CARD)
    backend.redis.hset(ATTEMPTS, OTHER, "0")
    backend.redis.hset(CORRELATION, OTHER, "x")

    _, leftovers = document_queue.reap([])
    left = backend.redis.hgetall(ATTEMPTS)
    _, leftovers_after = document_queue.reap(leftovers)

    assert leftovers == {OTHER}
    assert left == {CARD: "0", OTHER: "0"}
    assert leftovers_after == set()
    assert backend.redis.hgetall(ATTEMPTS) == {CARD: "0"}
    assert set(backend.redis.hgetall(CORRELATION)) == {CARD}


def test_enqueue_refuses_a_document_that_waits_or_is_in_work(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    answers = [document_queue.enqueue(CARD), document_queue.enqueue(CARD)]
    document_queue.fetch(token())
    in_work = document_queue.enqueue(CARD)

    assert answers == [True, False]
    assert in_work is False
    assert backend.redis.hget(ATTEMPTS, CARD) == "1"


def test_renamed_keys_are_used(make_queue: QueueMaker, backend: FilotBackend) -> None:
    document_queue = make_queue(OCR_GPU_QUEUE_KEY="q", OCR_GPU_PROCESSING_KEY="p", OCR_GPU_ATTEMPTS_KEY="a")
    backend.redis.rpush("q", CARD)

    job = document_queue.fetch(token())

    assert job is not None
    assert backend.redis.smembers("p") == {CARD}
    assert backend.redis.hgetall("a") == {CARD: "1"}


def test_a_wait_takes_nothing_and_ends_when_a_document_waits(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    nothing = document_queue.wait(0.01)
    backend.redis.rpush(QUEUE, FIRST, SECOND)

    something = document_queue.wait(5)

    assert (nothing, something) == (False, True)
    assert backend.redis.lrange(QUEUE, 0, -1) == [FIRST, SECOND]
    assert backend.redis.keys(JOB_PREFIX + "*") == []
