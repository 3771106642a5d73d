"""Recovery enqueues documents that no queue holds, and leaves all others alone."""

import pytest

from devstack.backend import QUEUE, FilotBackend
from service.queue.document_queue import (
    CPU_DELAYED_KEY,
    CPU_PROCESSING_KEY,
    CPU_QUEUE_KEY,
    DocumentQueue,
    connect_redis,
)
from service.queue.recovery import Recovery
from service.settings import Settings
from service.store.database import Database


@pytest.fixture
def recovery(database: Database, settings: Settings) -> Recovery:
    return Recovery(database, DocumentQueue(connect_redis(settings), settings))


def test_a_lost_document_is_enqueued_at_the_second_look(recovery: Recovery, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.enqueue(document_id)
    backend.redis.flushall()

    recovery.look()
    after_one = backend.redis.lrange(QUEUE, 0, -1)
    recovery.look()
    recovery.look()

    assert after_one == []
    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_a_document_that_is_pushed_between_two_looks_is_left_alone(
    recovery: Recovery, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'processing' WHERE id = %s", document_id)

    recovery.look()
    backend.push(document_id)
    recovery.look()

    assert backend.redis.lrange(QUEUE, 0, -1) == [document_id]


def test_documents_in_any_queue_are_left_alone(recovery: Recovery, backend: FilotBackend) -> None:
    waiting, in_work, on_cpu, in_work_on_cpu, delayed_on_cpu = (
        backend.add_document(b"picture") for _ in range(5)
    )
    backend.execute("UPDATE documents SET status = 'processing'")
    backend.push(in_work)
    recovery.document_queue.fetch("token")
    backend.push(waiting)
    backend.redis.rpush(CPU_QUEUE_KEY, on_cpu)
    backend.redis.sadd(CPU_PROCESSING_KEY, in_work_on_cpu)
    backend.redis.zadd(CPU_DELAYED_KEY, {delayed_on_cpu: 1})

    recovery.look()
    recovery.look()

    assert backend.redis.lrange(QUEUE, 0, -1) == [waiting]


def test_documents_with_another_status_are_left_alone(recovery: Recovery, backend: FilotBackend) -> None:
    for status in ("uploaded", "completed", "failed"):
        backend.execute(
            "UPDATE documents SET status = %s WHERE id = %s", status, backend.add_document(b"picture")
        )

    recovery.look()
    recovery.look()

    assert backend.redis.llen(QUEUE) == 0
