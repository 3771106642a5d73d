"""One review is pending per document; what was delivered is purged after a day."""

import uuid

from devstack.backend import FilotBackend
from service.store import outbox
from service.store.database import Database
from tests.integration.store.rows import claim_review, put_review


def put_result(database: Database) -> str:
    job_id = str(uuid.uuid4())
    with database.transaction() as cursor:
        outbox.put_result(cursor, job_id, "card", "correlation", {"jobId": job_id})
    return job_id


def test_the_purge_removes_what_was_delivered_long_ago(database: Database, backend: FilotBackend) -> None:
    old, new, undelivered = put_result(database), put_result(database), put_result(database)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() WHERE job_id = %s", new)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() - interval '2 days' WHERE job_id = %s", old)

    with database.transaction() as cursor:
        count = outbox.purge(cursor)

    left = {row["id"] for row in backend.execute("SELECT job_id::text AS id FROM ocr_worker.outbox")}
    assert count == 1
    assert left == {new, undelivered}


def test_a_second_reading_adds_no_second_review_while_one_is_pending(
    database: Database, backend: FilotBackend
) -> None:
    first = put_review(database, "card")
    second = put_review(database, "card")

    assert second.id == first.id
    assert len(backend.execute("SELECT 1 FROM ocr_worker.outbox")) == 1


def test_a_second_reading_leaves_a_review_to_the_worker_that_has_claimed_it(database: Database) -> None:
    put_review(database, "card")

    with database.transaction() as cursor:
        outbox.put_review(cursor, str(uuid.uuid4()), "card", "correlation")
        entry = outbox.claim_due(cursor, "review")

    assert entry is None


def test_a_second_reading_revives_a_review_that_was_given_up(database: Database) -> None:
    first = put_review(database, "card")
    with database.transaction() as cursor:
        outbox.give_up(cursor, first.id)

    with database.transaction() as cursor:
        outbox.put_review(cursor, str(uuid.uuid4()), "card", "correlation")
        entry = outbox.claim_due(cursor, "review")

    assert entry is not None
    assert (entry.id, entry.attempts) == (first.id, 1)


def test_after_a_delivered_review_a_second_reading_asks_again(database: Database) -> None:
    first = put_review(database, "card")
    with database.transaction() as cursor:
        outbox.mark_delivered(cursor, first.id)

    second = put_review(database, "card")

    assert second.id != first.id


def test_an_entry_keeps_its_review_id(database: Database) -> None:
    entry = put_review(database, "card")
    ids = []
    for _ in range(2):
        with database.transaction() as cursor:
            ids.append(outbox.assign_review_id(cursor, entry.id))

    assert ids[0] == ids[1] == str(uuid.UUID(ids[0]))
    assert claim_review(database).id == entry.id
