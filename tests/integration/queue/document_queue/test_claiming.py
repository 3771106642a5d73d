"""The CPU pipeline's list as a second source, and what the backend does beside it."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from devstack.backend import CORRELATION, PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import (
    CLAIMED_KEY,
    CPU_ATTEMPTS_KEY,
    CPU_DELAYED_KEY,
    CPU_PROCESSING_KEY,
    CPU_QUEUE_KEY,
    RETURN_UNCOUNTED,
    WATCH_KEY,
    DocumentQueue,
    Settlement,
    connect_redis,
)
from service.settings import Settings
from tests.support.ids import CARD, FIRST, SECOND

DONE = Settlement("done")

QueueMaker = Callable[[], DocumentQueue]


@pytest.fixture
def make_claiming_queue(make_queue: Callable[..., DocumentQueue]) -> QueueMaker:
    """Queues of workers that claim."""
    return lambda: make_queue(OCR_GPU_CLAIM_CPU_QUEUE="true")


@pytest.fixture
def document_queue(make_claiming_queue: QueueMaker) -> DocumentQueue:
    return make_claiming_queue()


def token() -> str:
    return str(uuid.uuid4())


def process_route(backend: FilotBackend, *documents: str) -> None:
    """What the backend's process route does, command by command in Redis."""
    backend.execute("UPDATE documents SET status = 'processing' WHERE id = ANY(%s::uuid[])", list(documents))
    for document_id in documents:
        backend.redis.rpush(CPU_QUEUE_KEY, document_id)
        backend.redis.hset(CPU_ATTEMPTS_KEY, document_id, "0")


def recover(backend: FilotBackend) -> None:
    """What the backend's recovery does when it starts."""
    rows = backend.execute(
        "UPDATE documents SET status = 'uploaded' WHERE status = 'processing' RETURNING id::text"
    )
    for row in rows:
        backend.redis.rpush(CPU_QUEUE_KEY, row["id"])
        backend.redis.hset(CPU_ATTEMPTS_KEY, row["id"], "0")


@contextmanager
def backend_loop(backend: FilotBackend, taken: list[str]) -> Iterator[None]:
    """The backend's own loop over its list, beside the workers."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(0.05):
            document_id = backend.redis.lpop(CPU_QUEUE_KEY)
            if isinstance(document_id, str):
                backend.redis.sadd(CPU_PROCESSING_KEY, document_id)
                backend.redis.hincrby(CPU_ATTEMPTS_KEY, document_id, 1)
                taken.append(document_id)
                backend.redis.srem(CPU_PROCESSING_KEY, document_id)
                backend.redis.hdel(CPU_ATTEMPTS_KEY, document_id)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def read_all(queue: DocumentQueue, expected: int, read: list[str], ours_and_theirs: list[list[str]]) -> None:
    """Work as one worker until so many documents are read by anyone."""
    while sum(map(len, ours_and_theirs)) < expected:
        queue.return_due()
        job = queue.fetch(token())
        if job is None and queue.wait(0.05):
            job = queue.fetch(token())
        if job is not None:
            read.append(job.document_id)
            assert queue.finish(job.token, DONE)


def remaining_keys(backend: FilotBackend) -> set[str]:
    return set(map(str, backend.redis.keys("*"))) - {WATCH_KEY}


def test_every_document_of_the_process_route_is_read_once(
    make_claiming_queue: QueueMaker, backend: FilotBackend
) -> None:
    documents = [str(uuid.uuid4()) for _ in range(200)]
    reads: list[list[str]] = [[], [], []]
    workers = [
        threading.Thread(target=read_all, args=(make_claiming_queue(), len(documents), read, reads))
        for read in reads[:2]
    ]
    with backend_loop(backend, reads[2]):
        for worker in workers:
            worker.start()
        process_route(backend, *documents)
        for worker in workers:
            worker.join(30)
    last = make_claiming_queue()
    while backend.redis.exists(CLAIMED_KEY):
        last.return_due()

    assert Counter(reads[0] + reads[1] + reads[2]) == Counter(documents)
    assert all(reads[:2])
    # The backend's loop may be done with a document before its route sets the attempts.
    assert set(backend.redis.hkeys(CPU_ATTEMPTS_KEY)) <= set(reads[2])
    assert remaining_keys(backend) <= {CPU_ATTEMPTS_KEY}


def test_a_recovery_of_the_backend_takes_no_job_away(
    make_claiming_queue: QueueMaker, backend: FilotBackend
) -> None:
    documents = [backend.add_document(b"picture") for _ in range(50)]
    process_route(backend, *documents)
    queue, results = make_claiming_queue(), []
    jobs = [queue.fetch(token()) for _ in documents]
    retried = jobs[0]
    assert retried is not None
    queue.finish(retried.token, Settlement("retry", delay=0))

    recover(backend)
    nothing = queue.fetch(token())
    waiting = backend.redis.llen(CPU_QUEUE_KEY)
    queue.return_due(at_once=True)
    jobs[0] = queue.fetch(token())
    for job in jobs:
        assert job is not None
        results.append(job.document_id)
        assert queue.finish(job.token, DONE)
    while backend.redis.exists(CLAIMED_KEY):
        queue.return_due()

    assert nothing is None
    assert waiting == 0
    assert sorted(results) == sorted(documents)
    assert remaining_keys(backend) == set()


def test_a_recovery_of_the_backend_repeats_no_document_that_waits_or_ends_here(
    make_claiming_queue: QueueMaker, backend: FilotBackend
) -> None:
    documents = [backend.add_document(b"picture") for _ in range(50)]
    process_route(backend, *documents)
    queue, finished = make_claiming_queue(), []
    jobs = [job for job in (queue.fetch(token()) for _ in documents) if job is not None]
    for job in jobs[:25]:
        queue.finish(job.token, RETURN_UNCOUNTED)

    recover(backend)
    for job in jobs[25:]:
        queue.finish(job.token, DONE)
        finished.append(job.document_id)
    while waiting := queue.fetch(token()):
        queue.finish(waiting.token, DONE)
        finished.append(waiting.document_id)
    while backend.redis.exists(CLAIMED_KEY):
        queue.return_due()

    assert sorted(finished) == sorted(documents)
    assert remaining_keys(backend) == set()


def test_the_gpu_list_comes_first(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    claimable, own = str(uuid.uuid4()), str(uuid.uuid4())
    process_route(backend, claimable)
    backend.push(own)

    jobs = [document_queue.fetch(token()) for _ in range(3)]

    assert [job.document_id if job else None for job in jobs] == [own, claimable, None]


def test_a_claimed_document_is_in_work_as_any_other(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    process_route(backend, document_id)

    job = document_queue.fetch(token())

    assert job is not None
    assert uuid.UUID(job.correlation_id)
    assert backend.redis.hget(CORRELATION, document_id) == job.correlation_id
    assert backend.redis.smembers(PROCESSING) == {document_id}
    assert backend.redis.exists(CPU_QUEUE_KEY, CPU_ATTEMPTS_KEY, CPU_PROCESSING_KEY) == 0


def test_a_claimed_document_returns_to_the_gpu_list(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    process_route(backend, document_id)
    job = document_queue.fetch(token())
    assert job is not None

    document_queue.finish(job.token, RETURN_UNCOUNTED)

    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]
    assert backend.redis.llen(CPU_QUEUE_KEY) == 0


def test_attempts_that_the_backend_sets_after_the_claim_are_removed_at_the_end(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    backend.redis.rpush(CPU_QUEUE_KEY, document_id)
    job = document_queue.fetch(token())
    assert job is not None
    backend.redis.hset(CPU_ATTEMPTS_KEY, document_id, "0")

    document_queue.finish(job.token, DONE)

    assert remaining_keys(backend) == set()


def test_attempts_that_the_backend_sets_after_the_end_are_removed_a_second_later(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    backend.redis.rpush(CPU_QUEUE_KEY, document_id)
    job = document_queue.fetch(token())
    assert job is not None
    document_queue.finish(job.token, DONE)
    backend.redis.hset(CPU_ATTEMPTS_KEY, document_id, "0")

    while backend.redis.exists(CLAIMED_KEY):
        document_queue.return_due()

    assert remaining_keys(backend) == set()


def test_attempts_of_a_document_that_the_backend_works_on_stay(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    backend.redis.rpush(CPU_QUEUE_KEY, document_id)
    job = document_queue.fetch(token())
    assert job is not None
    backend.redis.sadd(CPU_PROCESSING_KEY, document_id)
    backend.redis.hset(CPU_ATTEMPTS_KEY, document_id, "1")

    document_queue.finish(job.token, DONE)

    assert backend.redis.hgetall(CPU_ATTEMPTS_KEY) == {document_id: "1"}
    assert not backend.redis.exists(CLAIMED_KEY)


@pytest.mark.parametrize("key", [QUEUE, CPU_QUEUE_KEY])
def test_waiting_ends_when_either_list_has_a_document(
    document_queue: DocumentQueue, backend: FilotBackend, key: str
) -> None:
    nothing = [document_queue.wait(0.01) for _ in range(3)]
    backend.redis.rpush(key, FIRST, SECOND)

    found = [document_queue.wait(0.01) for _ in range(2)]

    assert nothing == [False, False, False]
    assert any(found)
    assert backend.redis.lrange(key, 0, -1) == [FIRST, SECOND]


def test_both_lists_are_counted_apart(document_queue: DocumentQueue, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, CARD)
    backend.redis.rpush(CPU_QUEUE_KEY, FIRST, SECOND)

    assert (document_queue.queue_length(), document_queue.claimable_length()) == (1, 2)


def test_what_waits_in_the_cpu_list_is_neither_queued_again_nor_erased(
    document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = str(uuid.uuid4())
    process_route(backend, document_id)

    assert document_queue.enqueue(document_id) is False
    assert document_queue.erase(document_id) is None
    assert backend.redis.llen(QUEUE) == 0


def test_without_the_setting_the_cpu_pipeline_is_left_alone(
    settings: Settings, backend: FilotBackend
) -> None:
    document_queue = DocumentQueue(connect_redis(settings), settings)
    document_id = str(uuid.uuid4())
    process_route(backend, document_id)
    backend.redis.zadd(CPU_DELAYED_KEY, {document_id: 1})

    job, waits = document_queue.fetch(token()), document_queue.wait(0.01)

    assert (job, waits, document_queue.claimable_length()) == (None, False, 0)
    assert backend.redis.lrange(CPU_QUEUE_KEY, 0, -1) == [document_id]
    assert backend.redis.hgetall(CPU_ATTEMPTS_KEY) == {document_id: "0"}
