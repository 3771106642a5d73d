"""Connections outlive restarts and poolers; refusals by PostgreSQL differ from errors that data causes."""

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import psycopg2
import pytest
from psycopg2.extensions import connection, set_wait_callback

from bench.chaos.proxy import Proxy
from devstack.backend import FilotBackend
from devstack.servers import FilotStack
from devstack.servers.pgbouncer import PgBouncer
from service.errors import DatabaseRefusedError, LeaseLostError, OcrWorkerError, UnavailableError
from service.settings import Settings, needed
from service.store import database as module
from service.store import outbox
from service.store.database import Database
from service.store.documents import complete
from service.store.migrations import migration_files
from tests.integration.store.rows import begin, success
from tests.support import programs
from tests.support.waiting import wait_until


@pytest.fixture
def proxy(stack: FilotStack) -> Iterator[Proxy]:
    proxy = Proxy(stack.sandbox.reserve_port(), stack.postgres.port)
    yield proxy
    proxy.close()


@pytest.fixture
def distant(stack: FilotStack, proxy: Proxy) -> Iterator[Database]:
    """PostgreSQL behind the proxy."""
    address = urlsplit(stack.postgres.url)
    url = address._replace(netloc=address.netloc.replace(str(stack.postgres.port), str(proxy.port))).geturl()
    database = Database(url, 4)
    yield database
    database.close()


def open_database(settings: Settings, query: str = "", connections: int = 2) -> Database:
    return Database(needed(settings.database_url, "DATABASE_URL") + query, connections)


def server_process(database: Database) -> int:
    with database.transaction() as cursor:
        cursor.execute("SELECT pg_backend_pid() AS pid")
        (row,) = cursor.fetchall()
    return int(row["pid"])


def test_a_connection_is_used_again(database: Database) -> None:
    assert server_process(database) == server_process(database)


def test_connections_that_were_open_at_once_are_all_kept(database: Database, backend: FilotBackend) -> None:
    with database.transaction(), database.transaction(), database.transaction():
        pass

    (row,) = backend.execute(
        "SELECT count(*) AS idle FROM pg_stat_activity WHERE application_name = 'filot-ocr-worker'"
    )
    assert row["idle"] >= 3


def test_after_a_restart_new_connections_take_the_place_of_the_old(
    database: Database, stack: FilotStack
) -> None:
    with database.transaction(), database.transaction():
        pass

    stack.postgres.kill()
    stack.postgres.start()

    with database.transaction() as cursor:
        cursor.execute("SELECT 1 AS one")
        (row,) = cursor.fetchall()
    assert row["one"] == 1


def test_a_silent_server_costs_one_wait_and_not_one_for_each_connection(
    distant: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with distant.transaction(), distant.transaction(), distant.transaction(), distant.transaction():
        pass
    waits = []

    def noted(connected: connection) -> None:
        try:
            module._wait_for_answer(connected)
        except psycopg2.OperationalError:
            waits.append(connected)
            raise

    set_wait_callback(noted)
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 0.5)
    proxy.stall()
    with pytest.raises(UnavailableError), distant.transaction():
        pass
    # The server is back; the connections of before stay silent.
    proxy.abandon()
    for _ in range(4):
        server_process(distant)

    assert len(waits) == 1


@contextmanager
def made_so(backend: FilotBackend, change: str, undo: str) -> Iterator[None]:
    backend.execute(change)
    try:
        yield
    finally:
        # Also where the database would refuse it as it is now.
        backend.execute(f"SET TRANSACTION READ WRITE; {undo}")


WRITE = "UPDATE documents SET status = 'processing', ocr_text = 'SECRET'"


def refusal(database: Database, statement: str = WRITE) -> DatabaseRefusedError:
    with pytest.raises(DatabaseRefusedError) as caught, database.transaction() as cursor:
        cursor.execute(statement)
    return caught.value


@pytest.mark.parametrize(
    ("change", "undo", "sqlstate", "sentence"),
    [
        (
            "ALTER DATABASE postgres SET default_transaction_read_only = on",
            "ALTER DATABASE postgres RESET default_transaction_read_only",
            "25006",
            "the database is read-only: a standby, or default_transaction_read_only is on",
        ),
        (
            "ALTER TABLE documents RENAME TO hidden",
            "ALTER TABLE hidden RENAME TO documents",
            "42P01",
            "the table documents is missing: run FiLot's migrations",
        ),
        (
            "ALTER TABLE documents RENAME COLUMN ocr_text TO hidden",
            "ALTER TABLE documents RENAME COLUMN hidden TO ocr_text",
            "42703",
            "the column ocr_text of documents is missing: run FiLot's migrations",
        ),
        (
            """CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$
               BEGIN RAISE 'it broke on %%', NEW.ocr_text USING ERRCODE = 'XX000'; END $$;
               CREATE TRIGGER broken BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION broken()""",
            "DROP FUNCTION broken CASCADE",
            "XX000",
            "PostgreSQL answers with SQLSTATE XX000",
        ),
    ],
)
def test_a_refusal_that_is_no_documents_fault_is_ours_and_says_what_to_mend(
    change: str,
    undo: str,
    sqlstate: str,
    sentence: str,
    settings: Settings,
    backend: FilotBackend,
) -> None:
    backend.add_document(b"picture")
    with made_so(backend, change, undo), closing(open_database(settings)) as database:
        error = refusal(database)

        assert (error.sqlstate, error.sentence) == (sqlstate, sentence)
        assert database.last_refusal == sentence
        assert f" {sqlstate}: {sentence}" in str(error)
        assert "SECRET" not in str(error)


def test_connections_to_a_server_that_became_read_only_are_replaced(
    database: Database, backend: FilotBackend
) -> None:
    """After a failover the host's name leads elsewhere; connections that are open lead to the old primary."""
    old = server_process(database)
    refusal(database, "SET TRANSACTION READ ONLY; DELETE FROM ocr_worker.dead")

    assert server_process(database) != old


def test_a_server_that_refuses_the_login_is_told_from_one_that_is_away(settings: Settings) -> None:
    address = urlsplit(needed(settings.database_url, "DATABASE_URL"))
    url = address._replace(netloc=f"nobody:secret@{address.hostname}:{address.port}").geturl()

    with (
        closing(Database(url, 1)) as database,
        pytest.raises(UnavailableError, match="PostgreSQL is up, but does not let us in"),
        database.transaction(),
    ):
        pass


def test_a_missing_right_is_named(settings: Settings, backend: FilotBackend) -> None:
    backend.add_document(b"picture")
    name = f"poor_{uuid.uuid4().hex}"
    scheme, _, rest = needed(settings.database_url, "DATABASE_URL").partition("://")
    backend.execute(
        f"""CREATE ROLE {name} LOGIN PASSWORD 'poor';
            GRANT ALL ON SCHEMA ocr_worker TO {name}; GRANT ALL ON ALL TABLES IN SCHEMA ocr_worker TO {name};
            GRANT SELECT ON documents TO {name}"""
    )
    try:
        with closing(Database(f"{scheme}://{name}:poor@{rest.partition('@')[2]}", 1)) as database:
            error = refusal(database)
    finally:
        backend.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")

    assert error.sqlstate == "42501"
    assert error.sentence == "the user of DATABASE_URL lacks a right on table documents"


def test_what_a_documents_own_data_causes_is_no_refusal_of_ours(
    database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")

    for statement in (
        "UPDATE documents SET user_id = NULL, ocr_text = 'SECRET' WHERE id = %s",
        "UPDATE documents SET type = repeat('SECRET', 20) WHERE id = %s",
    ):
        with pytest.raises(OcrWorkerError) as caught, database.transaction() as cursor:
            cursor.execute(statement, (document_id,))

        assert not isinstance(caught.value, UnavailableError)
        assert "SECRET" not in str(caught.value)
    assert database.last_refusal is None


def test_a_refusal_is_forgotten_once_a_result_is_stored(database: Database, backend: FilotBackend) -> None:
    refusal(database, "SELECT * FROM nowhere")
    reported = database.last_refusal
    document = begin(database, backend.add_document(b"picture"))

    complete(database, document, success(document.id), fencing_token=1, review=False)

    assert reported == "the table nowhere is missing: run FiLot's migrations"
    assert database.last_refusal is None


def test_a_refusal_that_does_not_recur_is_forgotten(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal(database, "SELECT * FROM nowhere")
    monkeypatch.setattr(module, "REFUSAL_MEMORY", 0.0)

    assert database.last_refusal is None


def test_whoever_finds_no_free_connection_waits_for_one(settings: Settings) -> None:
    with closing(open_database(settings, "?connection_limit=1", connections=5)) as database:
        with database.transaction():
            waiting = threading.Thread(target=server_process, args=(database,))
            waiting.start()
            waiting.join(0.2)
            assert waiting.is_alive()
        waiting.join()


def test_a_wait_for_a_free_connection_has_an_end(settings: Settings) -> None:
    with (
        closing(open_database(settings, "?connection_limit=1&pool_timeout=1")) as database,
        database.transaction(),
        pytest.raises(UnavailableError, match="free for 1 s"),
        database.transaction(),
    ):
        pass


def test_the_schema_of_the_url_is_where_filots_tables_are(settings: Settings, backend: FilotBackend) -> None:
    backend.execute(
        """CREATE SCHEMA "Filot App"; ALTER TABLE documents SET SCHEMA "Filot App";
           ALTER TYPE document_status SET SCHEMA "Filot App" """
    )
    try:
        with (
            closing(open_database(settings, "?schema=Filot%20App")) as database,
            database.transaction() as cursor,
        ):
            cursor.execute("SELECT count(*) AS documents FROM documents WHERE status = 'processing'")
            assert cursor.fetchall() == [{"documents": 0}]
    finally:
        backend.execute(
            """ALTER TABLE "Filot App".documents SET SCHEMA public;
               ALTER TYPE "Filot App".document_status SET SCHEMA public; DROP SCHEMA "Filot App" """
        )


LIMITS = """SELECT current_setting('statement_timeout') AS statement, current_setting('TimeZone') AS zone,
    current_setting('idle_in_transaction_session_timeout') AS idle"""


def test_time_limits_hold_for_the_transaction_alone(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute(LIMITS)
        inside = cursor.fetchone()
        cursor.execute("COMMIT; SELECT current_setting('statement_timeout') AS statement")
        outside = cursor.fetchone()

    assert inside == {"statement": "10s", "idle": "10s", "zone": "UTC"}
    assert outside == {"statement": "0"}


def test_time_limits_hold_for_each_statement_in_autocommit_mode(database: Database) -> None:
    with database.autocommit() as cursor:
        for _ in range(2):
            cursor.execute(LIMITS)
            assert cursor.fetchone() == {"statement": "10s", "idle": "10s", "zone": "UTC"}


@pytest.mark.parametrize("kind", ["transaction", "autocommit"])
def test_a_statement_that_takes_too_long_is_ended_though_its_limit_came_with_it(
    kind: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(send: str) -> None:
        with getattr(database, kind)() as cursor:
            getattr(cursor, send)("SELECT pg_sleep(60)")
            cursor.execute("SELECT 1")

    with database.transaction():
        pass
    monkeypatch.setattr(module, "STATEMENT_TIMEOUT", 100)
    for send in ("later", "execute"):
        with pytest.raises(UnavailableError, match="57014"):
            sleep(send)


def test_each_execute_in_autocommit_mode_is_a_transaction_with_what_waits_for_it(
    database: Database, backend: FilotBackend
) -> None:
    first, second = (backend.add_document(b"picture") for _ in range(2))

    def write() -> None:
        with database.autocommit() as cursor:
            cursor.later("UPDATE documents SET ai_score = 1 WHERE id = %s", (first,))
            cursor.execute("SELECT 1")
            cursor.later("UPDATE documents SET ai_score = 1 WHERE id = %s", (second,))
            cursor.execute("SELECT 1 / 0")

    with pytest.raises(OcrWorkerError):
        write()

    assert backend.row(first)["ai_score"] == 1
    assert backend.row(second)["ai_score"] is None


def test_an_error_leaves_a_connection_without_a_transaction(
    database: Database, backend: FilotBackend
) -> None:
    document_id = backend.add_document(b"picture")
    process = server_process(database)

    def write(statement: str) -> None:
        with database.transaction() as cursor:
            cursor.execute("UPDATE documents SET ai_score = 1 WHERE id = %s", (document_id,))
            cursor.execute(statement)
            raise LeaseLostError

    for statement, error in (("SELECT 1 / 0", OcrWorkerError), ("SELECT 1", LeaseLostError)):
        with pytest.raises(error):
            write(statement)

    assert backend.row(document_id)["ai_score"] is None
    assert backend.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", process) == [
        {"state": "idle"}
    ]
    assert server_process(database) == process


@pytest.fixture
def pooled_url(stack: FilotStack) -> Iterator[str]:
    """`DATABASE_URL` of a PgBouncer in transaction mode in front of PostgreSQL."""
    program = programs.find("pgbouncer")
    assert program is not None
    bouncer = PgBouncer(stack.sandbox, program, stack.postgres)
    bouncer.start()
    yield bouncer.url
    bouncer.stop()


@pytest.mark.programs("pgbouncer")
def test_a_transaction_pooler_can_stand_between(
    pooled_url: str, backend: FilotBackend, stack: FilotStack
) -> None:
    backend.execute("DROP SCHEMA IF EXISTS ocr_worker CASCADE")
    url = f"{pooled_url}?pgbouncer=true&connection_limit=4&sslmode=prefer"
    documents = [backend.add_document(b"picture") for _ in range(20)]

    def claim_review(database: Database) -> bool:
        with database.transaction() as cursor:
            return outbox.claim_due(cursor, "review") is not None

    def work(mine: list[str]) -> None:
        with closing(Database(url, 2)) as database:
            for document_id in mine:
                document = begin(database, document_id)
                complete(database, document, success(document_id), fencing_token=1, review=True)
                # A neighbour may hold the only entry that this transaction sees: then there is one more soon.
                wait_until(partial(claim_review, database))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, [documents[each::4] for each in range(4)]))

    assert len(backend.execute("SELECT 1 FROM documents WHERE status = 'completed'")) == 20
    assert len(backend.execute("SELECT 1 FROM ocr_worker.outbox WHERE kind = 'review'")) == 20
    assert {row["number"] for row in backend.execute("SELECT number FROM ocr_worker.migrations")} == {
        *migration_files()
    }


@pytest.mark.programs("pgbouncer")
def test_a_server_that_a_pooler_cannot_reach_is_away(
    pooled_url: str, stack: FilotStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The pooler lets its clients wait.
    monkeypatch.setattr(module, "ANSWER_TIMEOUT", 2.0)
    with closing(Database(pooled_url, 1)) as database:
        with database.transaction():
            pass
        stack.postgres.kill()
        try:
            with pytest.raises(UnavailableError), database.transaction():
                pass
        finally:
            stack.postgres.start()
        back = False
        while not back:
            with suppress(UnavailableError), database.transaction():
                back = True
