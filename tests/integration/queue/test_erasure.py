"""Erasure removes what this service keeps of a document, and nothing of FiLot's."""

import uuid

import pytest

from devstack.backend import ATTEMPTS, CORRELATION, QUEUE, FilotBackend
from service.errors import LeaseLostError
from service.queue.document_queue import JOB_PREFIX, LOCK_PREFIX, TIMESTAMPS_KEY, DocumentQueue
from service.queue.erasure import InWorkError, erase
from service.store import dead_letters, outbox
from service.store.database import Database
from service.store.documents import complete
from tests.integration.store.rows import begin, success

#: An invented person's number, as a payload would hold it.
NIK = "3171234567890123"


def leave_traces(backend: FilotBackend, database: Database) -> str:
    """A document of which something is in every place that is ours."""
    document_id, job_id = backend.add_document(b"picture"), str(uuid.uuid4())
    backend.execute(
        "UPDATE documents SET status = 'completed', ocr_text = %s WHERE id = %s", NIK, document_id
    )
    with database.transaction() as cursor:
        outbox.put_result(cursor, job_id, document_id, job_id, {"parsedResult": {"nik": NIK}})
        outbox.put_review(cursor, job_id, document_id, job_id)
        dead_letters.put(cursor, document_id, job_id, 3, "EngineError")
        cursor.execute("INSERT INTO ocr_worker.claims (document_id, fence) VALUES (%s, 1)", (document_id,))
        cursor.execute(
            """INSERT INTO ocr_worker.endings
               (job_id, document_id, document_type, outcome, device, milliseconds)
               VALUES (%s, %s, 'KTP', 'auto_approved', 'cpu', 400)""",
            (job_id, document_id),
        )
    for key in (ATTEMPTS, CORRELATION, TIMESTAMPS_KEY, JOB_PREFIX + document_id):
        backend.redis.hset(key, document_id, "1")
    backend.redis.set(LOCK_PREFIX + document_id, "1")
    return document_id


def traces(backend: FilotBackend, document_id: str) -> list[str]:
    """Where of ours it can still be found."""
    tables = [
        table
        for table in ("outbox", "dead", "claims", "endings")
        if backend.execute(f"SELECT 1 FROM ocr_worker.{table} WHERE document_id::text = %s", document_id)
    ]
    hashes = [k for k in (ATTEMPTS, CORRELATION, TIMESTAMPS_KEY) if backend.redis.hexists(k, document_id)]
    return [*tables, *hashes, *map(str, backend.redis.keys(f"*{document_id}*"))]


def test_every_row_and_field_of_ours_is_removed(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id, other = leave_traces(backend, database), leave_traces(backend, database)
    of_another = traces(backend, other)

    erased = erase(database, document_queue, document_id)

    assert traces(backend, document_id) == []
    assert (
        erased.outbox_entries,
        erased.undelivered,
        erased.dead_jobs,
        erased.claims,
        erased.job_records,
    ) == (
        2,
        2,
        1,
        1,
        1,
    )
    assert erased.redis_fields == 5
    assert len(of_another) == 9
    assert traces(backend, other) == of_another


def test_the_row_in_documents_is_not_touched(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = leave_traces(backend, database)
    before = backend.row(document_id)

    erased = erase(database, document_queue, document_id)

    assert erased.row_remains
    assert backend.row(document_id) == before


def test_filots_review_stays_and_is_counted(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = leave_traces(backend, database)
    backend.execute(
        """INSERT INTO manual_reviews (document_id, user_id, payload)
           SELECT id, user_id, '{}' FROM documents WHERE id = %s""",
        document_id,
    )

    erased = erase(database, document_queue, document_id)

    assert erased.review_rows == 1
    assert len(backend.execute("SELECT 1 FROM manual_reviews")) == 1


def test_a_second_erasure_finds_nothing(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = leave_traces(backend, database)
    erase(database, document_queue, document_id)

    again = erase(database, document_queue, document_id)

    assert (again.outbox_entries, again.dead_jobs, again.claims, again.redis_fields) == (0, 0, 0, 0)


@pytest.mark.parametrize("taken", [False, True])
def test_nothing_is_removed_while_it_waits_or_is_in_work(
    taken: bool, database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    backend.push(document_id)
    if taken:
        document_queue.fetch("token")
    with database.transaction() as cursor:
        dead_letters.put(cursor, document_id, document_id, 3, "EngineError")
    before = traces(backend, document_id)

    with pytest.raises(InWorkError):
        erase(database, document_queue, document_id)

    assert traces(backend, document_id) == before
    assert backend.redis.llen(QUEUE) == (0 if taken else 1)


def test_a_late_worker_cannot_store_its_result(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    document = begin(database, document_id)
    erase(database, document_queue, document_id)

    with pytest.raises(LeaseLostError):
        complete(database, document, success(document_id), fencing_token=1, review=False)


def test_a_document_whose_row_is_gone_can_be_erased(
    database: Database, document_queue: DocumentQueue, backend: FilotBackend
) -> None:
    document_id = leave_traces(backend, database)
    backend.execute("DELETE FROM documents WHERE id = %s", document_id)

    erased = erase(database, document_queue, document_id)

    assert not erased.row_remains
    assert traces(backend, document_id) == []
