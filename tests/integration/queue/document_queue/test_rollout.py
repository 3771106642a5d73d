"""This worker beside the original one: its lock, its pop, its end, and what it leaves behind."""

import uuid

import pytest

from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import (
    JOB_PREFIX,
    LOCK_PREFIX,
    RETRY_KEY,
    RETURN_UNCOUNTED,
    TIMESTAMPS_KEY,
    DocumentQueue,
    Settlement,
)
from service.settings import Settings
from tests.support.ids import CARD, FIRST, SECOND

DONE = Settlement("done")


class OriginalWorker:
    """The original worker's steps in Redis."""

    def __init__(self, backend: FilotBackend) -> None:
        self.redis = backend.redis

    def pop(self) -> str | None:
        """Take the next document, unless another worker holds its lock."""
        document_id = self.redis.lpop(QUEUE)
        if not isinstance(document_id, str):
            return None
        correlation = self.redis.hget(CORRELATION, document_id) or str(uuid.uuid4())
        if not self.redis.set(LOCK_PREFIX + document_id, correlation, nx=True, ex=600):
            return None
        self.redis.sadd(PROCESSING, document_id)
        self.redis.hset(TIMESTAMPS_KEY, document_id, "1")
        self.redis.hincrby(ATTEMPTS, document_id, 1)
        return document_id

    def finish(self, document_id: str) -> None:
        """End a document's work."""
        self.redis.srem(PROCESSING, document_id)
        self.redis.hdel(TIMESTAMPS_KEY, document_id)
        self.redis.hdel(ATTEMPTS, document_id)
        self.redis.hdel(CORRELATION, document_id)
        self.redis.delete(LOCK_PREFIX + document_id)

    def stop(self) -> None:
        """End the worker: whatever is in work is dropped, other workers' documents as well."""
        self.redis.delete(PROCESSING)


@pytest.fixture
def original(backend: FilotBackend) -> OriginalWorker:
    return OriginalWorker(backend)


def use_up_attempts(document_queue: DocumentQueue, settings: Settings) -> None:
    """Fetch the only document as often as it may be, and put it back each time."""
    for _ in range(settings.max_retries):
        job = document_queue.fetch(str(uuid.uuid4()))
        assert job is not None
        document_queue.finish(job.token, Settlement("requeue"))


def test_the_reaper_leaves_what_the_original_worker_has_locked(
    document_queue: DocumentQueue, original: OriginalWorker, backend: FilotBackend
) -> None:
    backend.push(CARD)
    original.pop()

    returned, _ = document_queue.reap([])

    assert returned == 0
    assert backend.redis.exists(LOCK_PREFIX + CARD)
    assert backend.redis.smembers(PROCESSING) == {CARD}


def test_the_reaper_returns_what_the_original_worker_left_once_its_lock_expired(
    document_queue: DocumentQueue, original: OriginalWorker, backend: FilotBackend
) -> None:
    backend.push(CARD)
    original.pop()
    backend.redis.delete(LOCK_PREFIX + CARD)

    returned, _ = document_queue.reap([])

    assert returned == 1
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


@pytest.mark.parametrize("finished", [True, False])
def test_a_new_request_has_all_its_attempts_after_the_original_worker_took_over(
    document_queue: DocumentQueue,
    original: OriginalWorker,
    backend: FilotBackend,
    settings: Settings,
    finished: bool,
) -> None:
    backend.push(CARD)
    use_up_attempts(document_queue, settings)
    assert original.pop() == CARD
    if finished:
        original.finish(CARD)
    else:
        original.stop()
        backend.redis.delete(LOCK_PREFIX + CARD)
    backend.push(CARD)

    job = document_queue.fetch("token")

    assert job is not None
    assert (job.used_up, job.attempt, job.deferrals) == (False, 1, 0)


def test_a_job_that_only_returned_keeps_its_attempts(
    document_queue: DocumentQueue, backend: FilotBackend, settings: Settings
) -> None:
    backend.push(CARD)
    use_up_attempts(document_queue, settings)

    job = document_queue.fetch("token")

    assert job is not None
    assert job.used_up


def test_attempts_that_the_backend_sets_after_the_fetch_are_no_new_request(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, CARD)
    first = document_queue.fetch("first")
    assert first is not None
    backend.redis.hset(ATTEMPTS, CARD, "0")
    document_queue.finish("first", Settlement("requeue"))

    second = document_queue.fetch("second")

    assert second is not None
    assert (second.job_id, second.attempt) == (first.job_id, 2)


def test_the_end_of_the_original_worker_loses_nothing(
    document_queue: DocumentQueue, original: OriginalWorker, backend: FilotBackend
) -> None:
    for document_id in (FIRST, SECOND):
        backend.push(document_id)
    in_work, retried = document_queue.fetch("first"), document_queue.fetch("second")
    assert in_work is not None
    assert retried is not None
    document_queue.finish(retried.token, Settlement("retry", delay=0))

    original.stop()
    document_queue.renew([in_work.token])
    pushed_again = backend.push(in_work.document_id)
    document_queue.return_due(at_once=True)
    again = document_queue.fetch("third")

    assert pushed_again is False
    assert again is not None
    assert (again.document_id, again.job_id) == (retried.document_id, retried.job_id)
    assert document_queue.finish(in_work.token, DONE)


def test_a_document_that_the_original_worker_holds_comes_later(
    document_queue: DocumentQueue, original: OriginalWorker, backend: FilotBackend
) -> None:
    backend.push(CARD)
    original.pop()
    backend.redis.rpush(QUEUE, CARD)

    nothing = document_queue.fetch("first")
    original.finish(CARD)
    backend.redis.zadd(RETRY_KEY, {CARD: 1})
    document_queue.return_due(at_once=True)
    job = document_queue.fetch("second")

    assert nothing is None
    assert job is not None
    assert job.document_id == CARD


def test_the_job_hash_expires(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.push(CARD)
    job = document_queue.fetch("token")
    assert job is not None

    in_work = backend.redis.ttl(JOB_PREFIX + CARD)
    document_queue.finish(job.token, RETURN_UNCOUNTED)
    waiting = backend.redis.ttl(JOB_PREFIX + CARD)

    assert in_work > 86400
    assert waiting > 86400
