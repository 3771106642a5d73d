"""Results are published out of the outbox at least once, and not again once that is known."""

import uuid
from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from devstack.backend import FilotBackend
from service.errors import DatabaseRefusedError
from service.queue.document_queue import connect_redis
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.publisher import Publisher
from service.store.result import GPUOCRResult
from tests.integration.store.rows import success


@pytest.fixture
def publisher(database: Database, settings: Settings) -> Iterator[Publisher]:
    client = connect_redis(settings)
    yield Publisher(database, client, settings)
    client.close()


def put_result(database: Database, *, due: bool = False) -> str:
    job_id = str(uuid.uuid4())
    with database.transaction() as cursor:
        outbox.put_result(cursor, job_id, "card", "correlation", {"jobId": job_id})
        if due:
            cursor.execute("UPDATE ocr_worker.outbox SET due_at = now() WHERE job_id = %s", (job_id,))
    return job_id


def test_a_result_is_published_once(publisher: Publisher, backend: FilotBackend) -> None:
    job_id = put_result(publisher.database)

    with backend.listen() as channel:
        publisher.publish_job(job_id)
        publisher.publish_job(job_id)
        publisher.publish_pending()
        marker = put_result(publisher.database)
        publisher.publish_job(marker)
        results = channel.wait_for(2)

    assert [result["jobId"] for result in results] == [job_id, marker]


def test_a_result_counts_as_delivered_only_once_a_primary_took_it(
    publisher: Publisher, backend: FilotBackend
) -> None:
    job_id = put_result(publisher.database, due=True)

    with backend.listen() as channel:
        backend.redis.replicaof("127.0.0.1", "1")
        try:
            with pytest.raises(redis.RedisError):
                publisher.publish_job(job_id)
        finally:
            backend.redis.replicaof("NO", "ONE")
        undelivered = backend.execute("SELECT 1 FROM ocr_worker.outbox WHERE told_at IS NULL")
        backend.execute("UPDATE ocr_worker.outbox SET due_at = now()")
        publisher.publish_pending()
        results = channel.wait_for(1)

    assert len(undelivered) == 1
    assert [result["jobId"] for result in results] == [job_id]


def test_a_result_without_a_subscriber_is_delivered_and_counted(
    publisher: Publisher, backend: FilotBackend
) -> None:
    unreceived = put_result(publisher.database)
    received = put_result(publisher.database)

    publisher.publish_job(unreceived)
    with backend.listen() as channel:
        publisher.publish_job(received)
        channel.wait_for(1)

    assert publisher.unreceived == 1
    assert backend.execute("SELECT 1 FROM ocr_worker.outbox WHERE told_at IS NULL") == []


def test_missing_subscribers_are_logged_once_and_not_for_each_result(publisher: Publisher) -> None:
    jobs = [put_result(publisher.database) for _ in range(5)]

    with capture_logs() as lines:
        for job_id in jobs:
            publisher.publish_job(job_id)

    assert [line["event"] for line in lines] == ["result_unheard"]
    assert publisher.unreceived == 5


def test_missing_subscribers_are_logged_again_after_one_has_listened(
    publisher: Publisher, backend: FilotBackend
) -> None:
    with capture_logs() as lines:
        publisher.publish_job(put_result(publisher.database))
        with backend.listen() as channel:
            publisher.publish_job(put_result(publisher.database))
            channel.wait_for(1)
        publisher.publish_job(put_result(publisher.database))

    assert [line["event"] for line in lines] == ["result_unheard", "result_published", "result_unheard"]


def stored(publisher: Publisher) -> GPUOCRResult:
    """The result of a job of this process that was just stored."""
    result = success("card")
    with publisher.database.transaction() as cursor:
        outbox.put_result(cursor, result.job_id, "card", "correlation", result.published())
    return result


def test_what_was_just_stored_is_published_and_marked_later_together(
    publisher: Publisher, backend: FilotBackend
) -> None:
    results = [stored(publisher) for _ in range(3)]
    other = put_result(publisher.database)

    with backend.listen() as channel:
        for result in results:
            publisher.publish_stored(result)
        published = channel.wait_for(3)
    before = undelivered(backend)
    publisher.mark_delivered()
    after = undelivered(backend)

    assert published == [result.published() for result in results]
    assert before == {other, *(result.job_id for result in results)}
    assert after == {other}


def undelivered(backend: FilotBackend) -> set[str]:
    """The jobs of entries that are not delivered, or still hold what the card says."""
    rows = backend.execute(
        "SELECT job_id::text FROM ocr_worker.outbox WHERE told_at IS NULL OR payload IS NOT NULL"
    )
    return {row["job_id"] for row in rows}


def test_a_result_that_was_published_before_a_crash_and_not_marked_is_published_again(
    publisher: Publisher, backend: FilotBackend, database: Database, settings: Settings
) -> None:
    result = stored(publisher)

    with backend.listen() as channel:
        publisher.publish_stored(result)
        backend.execute("UPDATE ocr_worker.outbox SET due_at = now()")
        other_worker = Publisher(database, publisher.client, settings)
        count = other_worker.publish_pending()
        published = channel.wait_for(2)

    assert count == 1
    assert published == [result.published()] * 2


def test_a_worker_does_not_repeat_what_it_published_itself(
    publisher: Publisher, backend: FilotBackend
) -> None:
    publisher.publish_stored(stored(publisher))
    backend.execute("UPDATE ocr_worker.outbox SET due_at = now()")

    assert publisher.publish_pending() == 0
    assert undelivered(backend) == set()


def test_marks_that_postgresql_did_not_take_are_made_by_the_next_call(
    publisher: Publisher, backend: FilotBackend
) -> None:
    publisher.publish_stored(stored(publisher))
    backend.execute("ALTER TABLE ocr_worker.outbox RENAME TO hidden")
    try:
        with pytest.raises(DatabaseRefusedError):
            publisher.mark_delivered()
    finally:
        backend.execute("ALTER TABLE ocr_worker.hidden RENAME TO outbox")
    publisher.mark_delivered()

    assert undelivered(backend) == set()


def test_a_stored_result_that_redis_does_not_take_is_left_to_the_sweep(
    publisher: Publisher, backend: FilotBackend
) -> None:
    result = stored(publisher)
    backend.redis.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(redis.RedisError):
            publisher.publish_stored(result)
    finally:
        backend.redis.replicaof("NO", "ONE")

    publisher.mark_delivered()

    assert undelivered(backend) == {result.job_id}


def test_a_delivered_result_keeps_no_personal_data(publisher: Publisher, backend: FilotBackend) -> None:
    job_id = put_result(publisher.database)

    publisher.publish_job(job_id)

    (row,) = backend.execute("SELECT payload, told_at FROM ocr_worker.outbox WHERE job_id = %s", job_id)
    assert row["payload"] is None
    assert row["told_at"] is not None


def test_the_sweep_leaves_fresh_results_to_their_jobs(publisher: Publisher, backend: FilotBackend) -> None:
    put_result(publisher.database)
    forgotten = {put_result(publisher.database, due=True), put_result(publisher.database, due=True)}

    with backend.listen() as channel:
        count = publisher.publish_pending()
        results = channel.wait_for(2)

    assert count == 2
    assert {result["jobId"] for result in results} == forgotten
