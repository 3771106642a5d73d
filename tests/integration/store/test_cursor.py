"""Statements that wait are sent in order with the next one, and their errors are raised there."""

import pytest

from devstack.backend import FilotBackend
from service.errors import OcrWorkerError
from service.store.database import Database


def test_statements_that_wait_run_in_order_before_the_next(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.later("CREATE TEMPORARY TABLE notes (note text) ON COMMIT DROP")
        cursor.later("INSERT INTO notes VALUES (%s)", ("50 % of 'all'; -- \\",))
        cursor.later("UPDATE notes SET note = note || %(more)s", {"more": "!"})
        cursor.execute("SELECT note FROM notes")
        row = cursor.fetchone()

    assert row == {"note": "50 % of 'all'; -- \\!"}


def test_a_statement_that_waits_is_sent_once(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.later("CREATE TEMPORARY TABLE notes (note text) ON COMMIT DROP")
        cursor.later("INSERT INTO notes VALUES ('one')")
        for _ in range(2):
            cursor.execute("SELECT count(*) AS notes FROM notes")
            assert cursor.fetchone() == {"notes": 1}


def test_the_commit_sends_what_still_waits(database: Database, backend: FilotBackend) -> None:
    document_id = backend.add_document(b"picture")

    with database.transaction() as cursor:
        cursor.later("UPDATE documents SET ai_score = 7 WHERE id = %s", (document_id,))

    assert backend.row(document_id)["ai_score"] == 7


def test_an_error_of_a_statement_that_waits_undoes_the_transaction(
    database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")

    def write() -> None:
        with database.transaction() as cursor:
            cursor.later("UPDATE documents SET ai_score = 7 WHERE id = %s", (document_id,))
            cursor.later("SELECT 1 / 0")
            cursor.later("UPDATE documents SET ai_score = 8 WHERE id = %s", (document_id,))

    with pytest.raises(OcrWorkerError, match="DivisionByZero"):
        write()

    assert backend.row(document_id)["ai_score"] is None
