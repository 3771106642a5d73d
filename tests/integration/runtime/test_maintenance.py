"""Upkeep of the queue and of our own tables, as the scheduler runs it."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from service.queue.document_queue import TIMESTAMPS_KEY, DocumentQueue, connect_redis
from service.runtime.maintenance import Maintenance
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.publisher import Publisher
from tests.support.ids import CARD, OTHER


@pytest.fixture
def maintenance(settings: Settings, database: Database) -> Iterator[Maintenance]:
    client = connect_redis(settings)
    yield Maintenance(DocumentQueue(client, settings), Publisher(database, client, settings), database)
    client.close()


def test_jobs_that_no_worker_holds_are_returned_and_logged(
    maintenance: Maintenance, backend: FilotBackend
) -> None:
    backend.redis.sadd(PROCESSING, CARD)
    backend.redis.hset(TIMESTAMPS_KEY, CARD, 1)

    with capture_logs() as lines:
        maintenance.reap()
        maintenance.reap()

    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]
    assert [(line["event"], line["jobs"]) for line in lines] == [("stuck_jobs_returned", 1)]


def test_stored_results_that_were_not_published_are_published_once(
    maintenance: Maintenance, backend: FilotBackend
) -> None:
    with maintenance.database.transaction() as cursor:
        outbox.put_result(cursor, OTHER, CARD, OTHER, {"documentId": CARD})
    backend.execute("UPDATE ocr_worker.outbox SET due_at = now()")

    with backend.listen() as channel, capture_logs() as lines:
        maintenance.publish_pending()
        maintenance.publish_pending()
        (result,) = channel.wait_for(1)

    swept = [line for line in lines if line["event"] == "results_told_by_sweep"]
    assert result == {"documentId": CARD}
    assert [line["results"] for line in swept] == [1]


def test_rows_that_were_delivered_long_ago_are_purged(
    maintenance: Maintenance, backend: FilotBackend
) -> None:
    with maintenance.database.transaction() as cursor:
        outbox.put_result(cursor, OTHER, CARD, OTHER, {})
        outbox.put_result(cursor, CARD, OTHER, OTHER, {})
    backend.execute(
        "UPDATE ocr_worker.outbox SET told_at = now() - interval '1 year' WHERE job_id = %s", OTHER
    )

    maintenance.purge()

    left = backend.execute("SELECT job_id::text FROM ocr_worker.outbox")
    assert [row["job_id"] for row in left] == [CARD]
