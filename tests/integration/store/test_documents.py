"""Claims, results and failures in FiLot's rows; connections that outlive the server."""

import uuid
from contextlib import suppress

import pytest

from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from service.errors import LeaseLostError, OcrWorkerError, UnavailableError
from service.settings import Settings, needed
from service.store import outbox
from service.store.database import Database
from service.store.documents import (
    CompletedWork,
    begin_work,
    complete_document,
    fail_document,
    find_document,
    hold_claim,
)

READ = CompletedWork(
    text="NIK\x00 3174", parsed={"nik": "3174"}, score=90, decision="auto_approve", outcome="auto_approved"
)


def begin(database: Database, document_id: str, fencing_token: int) -> None:
    with database.transaction() as cursor:
        begin_work(cursor, document_id, fencing_token)


def complete(database: Database, document_id: str, fencing_token: int) -> None:
    with database.transaction() as cursor:
        hold_claim(cursor, document_id, fencing_token)
        complete_document(cursor, document_id, READ)


def test_beginning_marks_the_row_as_processing(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    with database.transaction() as cursor:
        document = begin_work(cursor, document_id, fencing_token=1)

    assert document is not None
    assert (document.id, document.type) == (document_id, "KTP")
    assert backend.row(document_id)["status"] == "processing"


def test_a_process_frozen_inside_a_transaction_keeps_no_one_waiting(
    database: Database, backend: FilotBackend, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.store.database.IDLE_TIMEOUT", 300)
    frozen = Database(needed(settings.database_url, "DATABASE_URL"), connections=1)
    document_id = backend.add_document(b"picture")
    begin(database, document_id, 1)

    held = False
    # Where the machine stands still for a moment, the server may end a connection before it holds anything.
    while not held:
        with suppress(UnavailableError), frozen.transaction() as cursor:
            hold_claim(cursor, document_id, 1)
            held = True
            complete(database, document_id, 1)

    frozen.close()
    assert backend.row(document_id)["status"] == "completed"


def test_a_missing_row_is_not_claimed(database: Database) -> None:
    with database.transaction() as cursor:
        document = begin_work(cursor, str(uuid.uuid4()), fencing_token=1)

    assert document is None


def test_a_completed_row_stays_completed(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    backend.execute("UPDATE documents SET status = 'completed' WHERE id = %s", document_id)

    with database.transaction() as cursor:
        document = begin_work(cursor, document_id, fencing_token=1)
        fail_document(cursor, document_id, "late", retries_exceeded=False)

    assert document is not None
    assert document.status == "completed"
    assert backend.row(document_id)["result_json"] is None


def test_a_reading_fills_the_contracts_columns(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    begin(database, document_id, 1)
    (before,) = backend.execute("SELECT timezone('UTC', now()) AS utc")

    complete(database, document_id, 1)

    (after,) = backend.execute("SELECT timezone('UTC', now()) AS utc")
    row = backend.row(document_id)
    assert row["status"] == "completed"
    assert row["ocr_text"] == "NIK 3174"
    assert row["result_json"] == {"nik": "3174"}
    assert (row["ai_score"], row["ai_decision"]) == (90, "auto_approve")
    assert row["verification_status"] == "auto_approved"
    assert before["utc"] <= row["processed_at"] <= after["utc"]


def test_a_failure_is_shown_to_the_user_as_it_stands(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")
    begin(database, document_id, 1)

    with database.transaction() as cursor:
        fail_document(cursor, document_id, "Unggah ulang.", retries_exceeded=True)

    row = backend.row(document_id)
    assert row["status"] == "failed"
    assert row["result_json"]["error"] == "Unggah ulang."
    assert row["result_json"]["maxRetriesExceeded"] is True
    assert row["result_json"]["failedAt"].endswith("Z")


def test_a_take_that_was_overtaken_can_neither_begin_nor_write(
    database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    begin(database, document_id, 1)
    begin(database, document_id, 2)

    with pytest.raises(LeaseLostError):
        complete(database, document_id, 1)
    with pytest.raises(LeaseLostError):
        begin(database, document_id, 1)

    assert backend.row(document_id)["status"] == "processing"


def test_a_transaction_that_fails_changes_nothing(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    with suppress(ZeroDivisionError), database.transaction() as cursor:
        begin_work(cursor, document_id, fencing_token=1)
        raise ZeroDivisionError

    assert backend.row(document_id)["status"] == "uploaded"
    with database.transaction() as cursor:
        assert find_document(cursor, document_id) is not None


def test_what_the_server_refuses_is_reported_without_its_text(
    database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")

    with pytest.raises(OcrWorkerError) as caught, database.transaction() as cursor:
        cursor.execute(
            "UPDATE documents SET user_id = NULL, ocr_text = 'SECRET' WHERE id = %s", (document_id,)
        )

    assert "NotNullViolation" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert not isinstance(caught.value, UnavailableError)


def test_the_pool_recovers_from_a_restart_of_the_server(database: Database, stack: FilotStack) -> None:
    with database.transaction():
        pass
    stack.postgres.kill()
    with pytest.raises(UnavailableError), database.transaction():
        pass

    stack.postgres.start()

    with database.transaction():
        pass


def test_our_tables_are_made_on_the_first_connection_and_left_alone_on_the_next(
    settings: Settings, backend: FilotBackend
) -> None:
    backend.execute("DROP SCHEMA IF EXISTS ocr_worker CASCADE")
    first, second = (Database(needed(settings.database_url, "DATABASE_URL"), 1) for _ in range(2))

    with first.transaction() as cursor:
        outbox.put_review(cursor, str(uuid.uuid4()), "card", "correlation")
    with second.transaction() as cursor:
        cursor.execute("SELECT count(*) AS n FROM ocr_worker.outbox")
        found = cursor.fetchone()
    first.close()
    second.close()

    assert found == {"n": 1}
