"""Our own schema is made from nothing, or upgraded from the version before migrations, once each."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor

from devstack.servers import FilotStack
from devstack.servers.tables import create_filot_tables
from service.errors import DatabaseRefusedError
from service.store.database import Database
from service.store.migrations import LOCK_KEY, migration_files

#: The schema as the version before migrations made it: `service/store/schema.sql`, word for word.
BEFORE = Path(__file__).with_name("schema_before_migrations.sql").read_text()

ROWS = """
INSERT INTO ocr_worker.claims (document_id, fence) VALUES ('{id}', 7);
INSERT INTO ocr_worker.outbox (kind, job_id, document_id, correlation_id)
    VALUES ('review', '{id}', '{id}', 'c');
INSERT INTO ocr_worker.dead (document_id, job_id, attempts, cause) VALUES ('{id}', '{id}', 3, 'EngineError');
INSERT INTO ocr_worker.endings (job_id, document_id, document_type, outcome, device, milliseconds)
    VALUES ('{id}', '{id}', 'KTP', 'auto_approved', 'cpu', 400);
"""


def execute(url: str, statement: str) -> list[dict[str, Any]]:
    with closing(psycopg2.connect(url, cursor_factory=RealDictCursor)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return [dict(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.fixture
def url(stack: FilotStack) -> Iterator[str]:
    """A database of the test's own, with FiLot's tables and none of ours."""
    name = f"migrated_{uuid.uuid4().hex}"
    execute(stack.postgres.url, f"CREATE DATABASE {name}")
    own = f"{stack.postgres.url.rpartition('/')[0]}/{name}"
    create_filot_tables(own)
    yield own
    execute(stack.postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


def use(url: str) -> None:
    """Open and close a transaction, as any process of the service does."""
    with closing(Database(url, 1)) as database, database.transaction():
        pass


def columns(url: str) -> list[dict[str, Any]]:
    return execute(
        url,
        """SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
           FROM information_schema.columns WHERE table_schema = 'ocr_worker' ORDER BY 1, 2""",
    )


def indexes(url: str) -> list[dict[str, Any]]:
    return execute(url, "SELECT indexdef FROM pg_indexes WHERE schemaname = 'ocr_worker' ORDER BY indexname")


def applied(url: str) -> list[int]:
    return [row["number"] for row in execute(url, "SELECT number FROM ocr_worker.migrations ORDER BY number")]


def test_the_files_are_numbered_without_a_gap() -> None:
    assert list(migration_files()) == list(range(1, len(migration_files()) + 1))


def test_from_nothing_every_migration_is_applied_once(url: str) -> None:
    use(url)
    (first,) = execute(url, "SELECT min(applied_at) AS at FROM ocr_worker.migrations")
    use(url)

    assert applied(url) == list(migration_files())
    assert execute(url, "SELECT min(applied_at) AS at FROM ocr_worker.migrations") == [first]


def test_a_database_of_the_version_before_keeps_its_rows_and_gets_the_same_schema(
    url: str, stack: FilotStack
) -> None:
    document_id = str(uuid.uuid4())
    execute(url, BEFORE)
    execute(url, ROWS.format(id=document_id))
    before = columns(url)

    use(url)

    use(stack.postgres.url)
    assert columns(url) == columns(stack.postgres.url)
    assert indexes(url) == indexes(stack.postgres.url)
    assert [each for each in before if each not in columns(url)] == []
    assert applied(url) == list(migration_files())
    for table in ("claims", "outbox", "dead", "endings"):
        assert len(execute(url, f"SELECT 1 FROM ocr_worker.{table}")) == 1
    (entry,) = execute(url, "SELECT document_id, review_id FROM ocr_worker.outbox")
    assert entry == {"document_id": document_id, "review_id": None}


def test_an_index_that_an_operator_made_before_the_upgrade_is_left_as_it_is(url: str) -> None:
    use(url)
    execute(url, "DROP INDEX ocr_worker.endings_document; DELETE FROM ocr_worker.migrations WHERE number = 4")
    execute(url, "CREATE INDEX CONCURRENTLY endings_document ON ocr_worker.endings (document_id, ended_at)")
    (made,) = execute(url, "SELECT 'ocr_worker.endings_document'::regclass::oid AS oid")

    use(url)

    assert execute(url, "SELECT 'ocr_worker.endings_document'::regclass::oid AS oid") == [made]
    assert applied(url) == list(migration_files())


def test_the_version_before_goes_on_beside_an_upgraded_schema(url: str) -> None:
    use(url)

    execute(url, BEFORE)
    execute(url, ROWS.format(id=uuid.uuid4()))

    assert len(execute(url, "SELECT 1 FROM ocr_worker.outbox")) == 1


def test_processes_that_come_at_once_apply_them_once(url: str) -> None:
    with closing(psycopg2.connect(url)) as holder, holder.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        threads = [threading.Thread(target=use, args=(url,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        while len(waiting(url)) < 2:
            pass
        holder.commit()
        for thread in threads:
            thread.join()

    assert applied(url) == list(migration_files())


def waiting(url: str) -> list[dict[str, Any]]:
    return execute(url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_a_migration_that_fails_leaves_nothing_of_itself(url: str) -> None:
    execute(url, "CREATE SCHEMA ocr_worker CREATE VIEW endings AS SELECT 1 AS one")

    with pytest.raises(DatabaseRefusedError):
        use(url)

    assert [row["table_name"] for row in columns(url)] == ["endings"]


def test_a_user_who_may_create_nothing_uses_a_schema_that_is_up_to_date(url: str) -> None:
    use(url)
    before = columns(url)
    name = f"poor_{uuid.uuid4().hex}"
    execute(
        url,
        f"""CREATE ROLE {name} LOGIN PASSWORD 'poor';
            GRANT USAGE ON SCHEMA ocr_worker TO {name};
            GRANT SELECT ON ALL TABLES IN SCHEMA ocr_worker TO {name}""",
    )
    try:
        use(as_user(url, name))
    finally:
        execute(url, f"DROP OWNED BY {name}; DROP ROLE {name}")

    assert columns(url) == before


def test_a_user_who_may_create_nothing_is_told_so_where_there_is_no_schema(url: str) -> None:
    name = f"poor_{uuid.uuid4().hex}"
    execute(url, f"CREATE ROLE {name} LOGIN PASSWORD 'poor'")
    try:
        with pytest.raises(DatabaseRefusedError) as caught:
            use(as_user(url, name))
    finally:
        execute(url, f"DROP ROLE {name}")

    assert caught.value.sqlstate == "42501"
    assert caught.value.sentence.startswith("the user of DATABASE_URL lacks a right on database migrated_")


def as_user(url: str, name: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{name}:poor@{rest.partition('@')[2]}"
