"""Claims, results and failures in FiLot's rows, each in one transaction with what is published of them."""

import threading
import uuid
from contextlib import suppress

import pytest

from devstack.backend import FilotBackend
from service.errors import LeaseLostError
from service.reading.documents.scoring import Decision
from service.settings import Settings, needed
from service.store import database as database_module
from service.store import outbox
from service.store.database import Database
from service.store.documents import (
    Document,
    Exhausted,
    begin_work,
    complete,
    fail,
    find_document,
    note_refused_file,
    report_missing,
    store_ticket,
)
from service.store.result import GPUOCRResult
from tests.integration.store.rows import begin, failure, outbox_kinds, success
from tests.support.waiting import wait_until

APPROVED_ELSEWHERE = "UPDATE documents SET status = 'completed', ai_score = 99 WHERE id = %s"


def completed(
    database: Database, document: Document, *, fencing_token: int = 1, decision: Decision = "auto_approve"
) -> str:
    """Store a success; returns what became of it."""
    return complete(
        database,
        document,
        success(document.id, decision=decision),
        fencing_token=fencing_token,
        review=decision == "needs_review",
    )


def failed(database: Database, document: Document) -> str:
    return fail(database, document, failure(document.id), "not_an_image", fencing_token=1)


def test_beginning_marks_the_row_as_processing(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    document = begin(database, document_id)

    assert (document.id, document.type, document.status) == (document_id, "KTP", "processing")
    assert backend.row(document_id)["status"] == "processing"


def test_a_missing_row_is_not_claimed(database: Database, backend: FilotBackend) -> None:
    with database.autocommit() as cursor:
        document = begin_work(cursor, str(uuid.uuid4()), fencing_token=1)

    assert document is None
    assert backend.execute("SELECT 1 FROM ocr_worker.claims") == []


def test_a_completed_row_is_neither_claimed_nor_written(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", document_id)

    document = begin(database, document_id)

    assert document.status == "completed"
    assert backend.execute("SELECT 1 FROM ocr_worker.claims") == []


def test_success_fills_the_contracts_columns(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))
    (before,) = backend.execute("SELECT timezone('UTC', now()) AS utc")

    outcome = completed(database, document)

    (after,) = backend.execute("SELECT timezone('UTC', now()) AS utc")
    row = backend.row(document.id)
    assert outcome == "stored"
    assert row["status"] == "completed"
    assert row["ocr_text"] == "NIK 3174"
    assert row["result_json"] == {"nik": "3174"}
    assert (row["ai_score"], row["ai_decision"]) == (90, "auto_approve")
    assert row["verification_status"] == "auto_approved"
    assert before["utc"] <= row["processed_at"] <= after["utc"]
    assert outbox_kinds(backend, document.id) == ["result"]


def test_a_doubtful_result_comes_with_its_review(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))

    completed(database, document, decision="needs_review")

    assert backend.row(document.id)["result_json"] == {"nik": "3174", "reviewReasons": ["blurred"]}
    assert outbox_kinds(backend, document.id) == ["result", "review"]


def test_failure_is_shown_to_the_user_as_it_stands(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))

    outcome = fail(
        database,
        document,
        failure(document.id),
        "retries_exceeded",
        fencing_token=1,
        exhausted=Exhausted(3, "EngineError"),
    )

    row = backend.row(document.id)
    assert outcome == "stored"
    assert row["status"] == "failed"
    assert row["result_json"]["error"] == "Unggah ulang."
    assert row["result_json"]["errorCode"] == "retries_exceeded"
    assert row["result_json"]["maxRetriesExceeded"] is True
    assert row["result_json"]["failedAt"].endswith("Z")
    assert outbox_kinds(backend, document.id) == ["result"]
    dead = backend.execute("SELECT attempts, cause FROM ocr_worker.dead")
    assert dead == [{"attempts": 3, "cause": "EngineError"}]
    (record,) = backend.execute("SELECT outcome, code FROM ocr_worker.endings")
    assert record == {"outcome": "failed", "code": "retries_exceeded"}


@pytest.mark.parametrize("spelling", ["KTP", "ktp", "Ktp "])
def test_the_type_may_be_spelt_in_any_case(database: Database, backend: FilotBackend, spelling: str) -> None:
    assert begin(database, backend.add_document(b"picture", spelling)).type == "KTP"


@pytest.mark.parametrize("table", ["outbox", "endings"])
def test_a_result_is_stored_with_its_outbox_entry_and_record_or_not_at_all(
    table: str, database: Database, backend: FilotBackend
) -> None:
    document = begin(database, backend.add_document(b"picture"))
    refuse = f"ALTER TABLE ocr_worker.{table} ADD CONSTRAINT refused CHECK (false) NOT VALID"
    backend.execute(refuse)

    try:
        with pytest.raises(Exception, match="CheckViolation"):
            completed(database, document)
        with pytest.raises(Exception, match="CheckViolation"):
            failed(database, document)
    finally:
        backend.execute(f"ALTER TABLE ocr_worker.{table} DROP CONSTRAINT refused")

    assert backend.row(document.id)["status"] == "processing"
    assert outbox_kinds(backend, document.id) == []


def test_a_job_that_was_overtaken_can_neither_begin_nor_write(
    database: Database, backend: FilotBackend
) -> None:
    document = begin(database, backend.add_document(b"picture"), 1)
    begin(database, document.id, 2)

    with pytest.raises(LeaseLostError):
        completed(database, document)
    with pytest.raises(LeaseLostError):
        failed(database, document)
    with pytest.raises(LeaseLostError):
        begin(database, document.id, 1)

    assert backend.row(document.id)["status"] == "processing"


@pytest.mark.parametrize("store", [completed, failed])
@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ("UPDATE documents SET file_url = 'another.jpg' WHERE id = %s", "changed"),
        ("UPDATE documents SET file_url = NULL WHERE id = %s", "changed"),
        ("DELETE FROM documents WHERE id = %s", "changed"),
        (APPROVED_ELSEWHERE, "changed"),
        ("UPDATE documents SET status = 'failed' WHERE id = %s", "superseded"),
    ],
)
def test_nothing_is_written_into_a_row_that_is_not_the_one_that_was_read(
    store: object, change: str, outcome: str, database: Database, backend: FilotBackend
) -> None:
    document = begin(database, backend.add_document(b"picture"))
    backend.execute(change, document.id)
    before = backend.execute("SELECT * FROM documents WHERE id = %s", document.id)

    assert callable(store)
    assert store(database, document) == outcome

    assert backend.execute("SELECT * FROM documents WHERE id = %s", document.id) == before
    assert outbox_kinds(backend, document.id) == []
    assert backend.execute("SELECT 1 FROM ocr_worker.endings") == []


def test_a_row_that_the_backends_recovery_set_back_is_still_ours(
    database: Database, backend: FilotBackend
) -> None:
    document = begin(database, backend.add_document(b"picture"))
    backend.execute("UPDATE documents SET status = 'uploaded' WHERE id = %s", document.id)

    assert completed(database, document) == "stored"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (APPROVED_ELSEWHERE, "completed"),
        ("UPDATE documents SET file_url = 'another.jpg' WHERE id = %s", "processing"),
        ("DELETE FROM documents WHERE id = %s", None),
    ],
)
def test_a_row_that_changes_while_a_job_begins_is_returned_as_it_is_then(
    change: str, status: str | None, database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    begun: list[Document | None] = []

    def begin_beside() -> None:
        with database.autocommit() as cursor:
            begun.append(begin_work(cursor, document_id, 1))

    beside = threading.Thread(target=begin_beside)
    with database.transaction() as cursor:
        cursor.execute(change, (document_id,))
        beside.start()
        wait_until(lambda: backend.execute("SELECT 1 FROM pg_locks WHERE NOT granted"))
    beside.join()

    (document,) = begun
    assert (document.status if document else None) == status
    assert document is None or document.file_url == backend.row(document_id)["file_url"]


def test_a_process_frozen_inside_a_transaction_keeps_no_one_waiting(
    database: Database, backend: FilotBackend, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = begin(database, backend.add_document(b"picture"))
    frozen = Database(needed(settings.database_url, "DATABASE_URL"), connections=1)
    with frozen.transaction():
        pass

    held = False
    # Where the machine stands still for a moment, the server may end a connection before it holds anything.
    while not held:
        monkeypatch.setattr(database_module, "IDLE_TIMEOUT", 300)
        with suppress(Exception), frozen.transaction() as cursor:
            cursor.execute("SELECT FROM ocr_worker.claims WHERE document_id = %s FOR UPDATE", (document.id,))
            held = True
            monkeypatch.setattr(database_module, "IDLE_TIMEOUT", 10_000)
            completed(database, document)

    frozen.close()
    assert backend.row(document.id)["status"] == "completed"


def test_a_transaction_that_fails_changes_nothing(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    with suppress(ZeroDivisionError), database.transaction() as cursor:
        begin_work(cursor, document_id, fencing_token=1)
        raise ZeroDivisionError

    assert backend.row(document_id)["status"] == "uploaded"
    with database.transaction() as cursor:
        assert find_document(cursor, document_id) is not None


def test_the_failure_of_a_missing_row_is_published_all_the_same(
    database: Database, backend: FilotBackend
) -> None:
    result = failure("not even an id")

    report_missing(database, result, "no_such_document")

    assert outbox_kinds(backend, "not even an id") == ["result"]


def test_the_seconds_of_refusals_count_from_the_first(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))
    with database.transaction() as cursor:
        first = note_refused_file(cursor, document.id)
    backend.execute("UPDATE ocr_worker.claims SET refused_since = refused_since - interval '3 hours'")
    begin(database, document.id, 2)

    with database.transaction() as cursor:
        later = note_refused_file(cursor, document.id)

    assert first == 0
    assert 3 * 3600 <= later < 4 * 3600


def test_refusals_before_a_long_gap_do_not_count(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))
    with database.transaction() as cursor:
        note_refused_file(cursor, document.id)
    backend.execute(
        """UPDATE ocr_worker.claims SET refused_since = refused_since - interval '3 hours',
               claimed_at = claimed_at - interval '2 hours'"""
    )
    begin(database, document.id, 2)

    with database.transaction() as cursor:
        seconds = note_refused_file(cursor, document.id)

    assert seconds == 0


@pytest.mark.parametrize(
    ("row", "afterwards"),
    [
        (("auto_approved", "auto_approve"), ("pending_manual_review", "needs_review")),
        (("pending_manual_review", "needs_review"), ("pending_manual_review", "needs_review")),
        (("manually_approved", "approved"), ("manually_approved", "approved")),
        (("manually_rejected", "rejected"), ("manually_rejected", "rejected")),
    ],
)
def test_a_ticket_leaves_a_persons_decision_alone(
    row: tuple[str, str], afterwards: tuple[str, str], database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute(
        "UPDATE documents SET verification_status = %s, ai_decision = %s WHERE id = %s", *row, document_id
    )

    with database.transaction() as cursor:
        store_ticket(cursor, document_id, "T-1")

    stored = backend.row(document_id)
    assert stored["buli2_ticket_id"] == "T-1"
    assert (stored["verification_status"], stored["ai_decision"]) == afterwards


def test_one_job_has_one_result(database: Database, backend: FilotBackend) -> None:
    document = begin(database, backend.add_document(b"picture"))
    result: GPUOCRResult = success(document.id)

    complete(database, document, result, fencing_token=1, review=False)
    with database.transaction() as cursor:
        outbox.put_result(cursor, result.job_id, document.id, "correlation", {"jobId": "another"})

    (row,) = backend.execute("SELECT payload FROM ocr_worker.outbox")
    assert row["payload"]["jobId"] == result.job_id
