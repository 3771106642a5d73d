"""Results and reviews leave the outbox at least once, and not again once that is known."""

import uuid

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.queue.document_queue import connect_redis
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.publisher import Publisher
from service.store.reviews import Reviews


@pytest.fixture
def publisher(database: Database, settings: Settings) -> Publisher:
    return Publisher(database, connect_redis(settings), settings)


def put_result(database: Database, *, due: bool = False) -> str:
    job_id = str(uuid.uuid4())
    with database.transaction() as cursor:
        outbox.put_result(cursor, job_id, "card", "correlation", {"jobId": job_id})
        if due:
            cursor.execute("UPDATE ocr_worker.outbox SET due_at = now() WHERE job_id = %s", (job_id,))
    return job_id


def put_review(database: Database, document_id: str) -> outbox.OutboxEntry:
    with database.transaction() as cursor:
        outbox.put_review(cursor, str(uuid.uuid4()), document_id, "correlation")
    with database.transaction() as cursor:
        entry = outbox.claim_due(cursor, "review")
    assert entry is not None
    return entry


def complete_card(backend: FilotBackend) -> str:
    document_id = backend.add_document(b"picture")
    backend.execute(
        """UPDATE documents SET status = 'completed', verification_status = 'pending_manual_review',
               ai_decision = 'needs_review', ai_score = 40, ocr_text = 'NIK', result_json = '{"nik": "1"}'
           WHERE id = %s""",
        document_id,
    )
    return document_id


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


def test_a_result_that_nobody_hears_is_told_counted_and_no_error(
    publisher: Publisher, backend: FilotBackend
) -> None:
    unreceived = put_result(publisher.database)
    heard = put_result(publisher.database)

    publisher.publish_job(unreceived)
    with backend.listen() as channel:
        publisher.publish_job(heard)
        channel.wait_for(1)

    assert publisher.unreceived == 1
    assert backend.execute("SELECT 1 FROM ocr_worker.outbox WHERE told_at IS NULL") == []


def test_a_told_result_keeps_no_personal_data(publisher: Publisher, backend: FilotBackend) -> None:
    job_id = put_result(publisher.database)

    publisher.publish_job(job_id)

    (row,) = backend.execute("SELECT payload, told_at FROM ocr_worker.outbox WHERE job_id = %s", job_id)
    assert row["payload"] is None
    assert row["told_at"] is not None


def test_the_sweep_leaves_fresh_results_to_their_job_and_tells_the_others(
    publisher: Publisher, backend: FilotBackend
) -> None:
    put_result(publisher.database)
    forgotten = {put_result(publisher.database, due=True), put_result(publisher.database, due=True)}

    with backend.listen() as channel:
        count = publisher.publish_pending()
        results = channel.wait_for(2)

    assert count == 2
    assert {result["jobId"] for result in results} == forgotten


def test_one_job_has_one_result(database: Database, backend: FilotBackend) -> None:
    job_id = put_result(database)

    with database.transaction() as cursor:
        outbox.put_result(cursor, job_id, "card", "correlation", {"jobId": "another"})

    rows = backend.execute("SELECT payload FROM ocr_worker.outbox")
    assert [row["payload"] for row in rows] == [{"jobId": job_id}]


def test_the_purge_removes_what_was_told_long_ago(database: Database, backend: FilotBackend) -> None:
    old, new, undelivered = put_result(database), put_result(database), put_result(database)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() WHERE job_id = %s", new)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() - interval '2 days' WHERE job_id = %s", old)

    with database.transaction() as cursor:
        count = outbox.purge(cursor)

    left = {row["id"] for row in backend.execute("SELECT job_id::text AS id FROM ocr_worker.outbox")}
    assert count == 1
    assert left == {new, undelivered}


def test_a_review_carries_what_the_contract_says(
    database: Database, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    row = backend.row(document_id)

    Reviews(database, settings).request(put_review(database, document_id))

    (received,) = stack.reviews.received()
    assert received.authorization == f"Bearer {stack.reviews.api_key}"
    body = dict(received.body)
    metadata = body.pop("metadata")
    assert body == {
        "documentId": document_id,
        "userId": row["user_id"],
        "documentType": "KTP",
        "parsedData": {"nik": "1"},
        "aiScore": 40,
        "ocrText": "NIK",
        "correlationId": "correlation",
    }
    assert metadata["r2Key"] == row["file_url"]
    assert row["file_url"].endswith(metadata["originalFilename"])
    assert metadata["submittedAt"].startswith(row["created_at"].isoformat()[:19])


def test_the_ticket_ends_up_in_the_row(
    database: Database, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)

    Reviews(database, settings).request(put_review(database, document_id))

    row = backend.row(document_id)
    assert row["buli2_ticket_id"]
    assert row["verification_status"] == "pending_manual_review"
    assert row["ai_decision"] == "needs_review"


def test_a_document_with_a_ticket_is_not_sent_again(
    database: Database, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    backend.execute("UPDATE documents SET buli2_ticket_id = 'T-1' WHERE id = %s", document_id)

    Reviews(database, settings).request(put_review(database, document_id))

    assert stack.reviews.received() == []
    (row,) = backend.execute("SELECT told_at FROM ocr_worker.outbox")
    assert row["told_at"] is not None


def test_a_decision_that_came_back_first_is_not_overwritten(
    database: Database, settings: Settings, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    backend.execute("UPDATE documents SET verification_status = 'verified' WHERE id = %s", document_id)

    Reviews(database, settings).request(put_review(database, document_id))

    assert backend.row(document_id)["verification_status"] == "verified"


def test_a_failing_review_service_is_asked_again_later(
    database: Database, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    stack.reviews.answer_with(500)
    reviews = Reviews(database, settings)

    reviews.request(put_review(database, document_id))
    put_off = backend.execute("SELECT told_at, due_at > now() AS later FROM ocr_worker.outbox")
    stack.reviews.answer_with(201)
    backend.execute("UPDATE ocr_worker.outbox SET due_at = now()")
    with database.transaction() as cursor:
        entry = outbox.claim_due(cursor, "review")
    assert entry is not None
    reviews.request(entry)

    assert put_off == [{"told_at": None, "later": True}]
    assert entry.attempts == 2
    assert backend.row(document_id)["buli2_ticket_id"]
