"""Job records are aggregated by minute."""

import uuid
from datetime import UTC, datetime

import pytest

from devstack.backend import FilotBackend
from service.store import history
from service.store.database import Database
from service.store.history import MINUTES

INSERT = """INSERT INTO ocr_worker.endings
    (job_id, document_id, document_type, outcome, device, milliseconds, ended_at)
    VALUES (%s, %s, 'KTP', %s, 'cpu', %s, date_trunc('minute', now()) - %s * interval '1 minute')"""


@pytest.fixture(autouse=True)
def tables(database: Database) -> None:
    """The first connection makes them."""
    with database.transaction():
        pass


def fail(backend: FilotBackend, document_id: str, code: str, minutes: int) -> None:
    job_id = str(uuid.uuid4())
    backend.execute(INSERT, job_id, document_id, "failed", 7, minutes)
    backend.execute("UPDATE ocr_worker.endings SET code = %s WHERE job_id = %s", code, job_id)


def test_the_last_hour_is_aggregated_as_a_whole_and_by_minute(
    database: Database, backend: FilotBackend
) -> None:
    for outcome, milliseconds, minutes in (
        ("auto_approved", 100, 0),
        ("auto_approved", 300, 0),
        ("failed", 9000, 0),
        ("pending_manual_review", 200, MINUTES - 1),
        ("auto_approved", 100, MINUTES),
    ):
        backend.execute(INSERT, str(uuid.uuid4()), str(uuid.uuid4()), outcome, milliseconds, minutes)

    with database.transaction() as cursor:
        whole, minutes_ = history.by_minute(cursor)

    # Where the minute ends between insert and look, everything is one minute older.
    last = minutes_[-1] if minutes_[-1].finished else minutes_[-2]
    assert len(minutes_) == MINUTES
    assert [each.start for each in minutes_] == [
        (minutes_[0].start or 0) + 60 * number for number in range(MINUTES)
    ]
    assert minutes_[-1].start == int(datetime.now(UTC).timestamp()) // 60 * 60 or last is minutes_[-2]
    assert (last.auto_approved, last.failed, last.median) == (2, 1, 200)
    assert whole.start is None
    assert whole.finished == sum(each.finished for each in minutes_)
    assert (whole.failed, whole.auto_approved) == (1, 2)


def test_without_records_there_are_only_zeros(database: Database, backend: FilotBackend) -> None:
    with database.transaction() as cursor:
        whole, minutes = history.by_minute(cursor)

    assert (whole.finished, whole.median, whole.percentile_95) == (0, None, None)
    assert all(each.finished == 0 and each.median is None for each in minutes)


def test_a_document_counts_once_as_it_ended_last(database: Database, backend: FilotBackend) -> None:
    for minutes in (20, 2, 1):
        fail(backend, "stays", "file_missing", minutes)
    fail(backend, "recovers", "file_missing", 3)
    backend.execute(INSERT, str(uuid.uuid4()), "recovers", "auto_approved", 400, 1)

    with database.transaction() as cursor:
        whole, minutes_ = history.by_minute(cursor)
        causes, failures = history.causes(cursor, 5), history.failures(cursor)

    assert (whole.failed, whole.auto_approved, whole.finished) == (1, 1, 2)
    assert sum(each.finished for each in minutes_) == 2
    assert causes == {"file_missing": 1}
    assert [(each.code, each.last_hour, each.last_day) for each in failures] == [("file_missing", 1, 1)]


def test_what_an_operator_cancelled_is_no_failure_and_is_shown_by_its_code(
    database: Database, backend: FilotBackend
) -> None:
    fail(backend, "cancelled", "cancelled", 1)
    fail(backend, "failed and then cancelled", "file_missing", 2)
    fail(backend, "failed and then cancelled", "cancelled", 1)
    backend.execute(INSERT, str(uuid.uuid4()), "read", "auto_approved", 400, 1)

    with database.transaction() as cursor:
        whole, minutes_ = history.by_minute(cursor)
        causes, failures = history.causes(cursor, 5), history.failures(cursor)

    assert (whole.failed, whole.finished) == (0, 1)
    assert sum(each.finished for each in minutes_) == 1
    assert causes == {}
    assert [(each.code, each.last_hour) for each in failures] == [("cancelled", 2)]


def test_a_failures_later_endings_are_looked_up_and_not_searched_for_among_all(
    database: Database, backend: FilotBackend
) -> None:
    backend.execute(
        """INSERT INTO ocr_worker.endings
               (job_id, document_id, document_type, outcome, device, milliseconds, code)
           SELECT gen_random_uuid(), number, 'KTP', 'auto_approved', 'cpu', 400, NULL
           FROM generate_series(1, 20000) AS number"""
    )
    for number in range(4):
        fail(backend, f"failed {number}", "file_missing", 1)
    backend.execute("ANALYZE ocr_worker.endings")

    with database.transaction() as cursor:
        failures = history.failures(cursor)
        cursor.execute("SELECT pg_stat_get_xact_numscans('ocr_worker.endings_document'::regclass) AS scans")
        (row,) = cursor.fetchall()

    assert [(each.code, each.last_day) for each in failures] == [("file_missing", 4)]
    assert row["scans"] == 4
