"""Connection pool and transactions for PostgreSQL: survives restarts, failovers and transaction poolers."""

import re
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg2
from psycopg2.extensions import (
    POLL_OK,
    POLL_READ,
    TRANSACTION_STATUS_IDLE,
    connection,
    set_wait_callback,
)
from psycopg2.pool import ThreadedConnectionPool

from service.errors import DatabaseRefusedError, OcrWorkerError, UnavailableError
from service.store.cursor import Cursor
from service.store.database_url import parse_database_url
from service.store.migrations import apply_migrations
from service.store.server_problems import postgres_problem, unusable

#: Server-side limit on one statement, ms; no statement of this service takes more than a few.
STATEMENT_TIMEOUT = 10_000

#: ms without a statement after which the server ends an open transaction: its process is frozen, and others
#: wait for its locks.
IDLE_TIMEOUT = 10_000

#: Seconds to wait for any answer: above the server's own limits, so that only a silent connection reaches it.
ANSWER_TIMEOUT = 15.0

#: Seconds to wait for a free connection of the pool, unless the URL says otherwise (`pool_timeout=`).
POOL_TIMEOUT = 15.0

#: Seconds for which `Database.last_refusal` reports a refusal that has not recurred: longer than the longest
#: pause between two attempts of a waiting job.
REFUSAL_MEMORY = 90.0

#: SQLSTATE of a write on a server that is read-only.
READ_ONLY = "25006"

#: SQLSTATE classes that the stored data itself can cause: data exceptions and violated constraints.
DATA_ERROR_CLASSES = frozenset({"22", "23"})


class _Connection(connection):
    """A connection that knows when it was opened, and leaves BEGIN and COMMIT to `Database`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        # psycopg2 would send BEGIN in a round trip of its own.
        self.autocommit = True
        #: `time.monotonic()` when it was opened.
        self.opened_at = time.monotonic()
        #: Whether it was given back to the pool since.
        self.was_used = False

    def has_ended(self) -> bool:
        """Whether the server ended it while it was idle: then there is something to read, if only the end."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))


class Database:
    """Thread-safe pool of connections to PostgreSQL. The first transaction applies our migrations.

    Everything that a session would hold is set per transaction, because a transaction pooler (PgBouncer,
    Neon, Supabase) gives each transaction another session. It travels with the transaction's first statement.

    Parameters:
        url: `DATABASE_URL`, with the parameters that `database_url` understands
        connections: upper bound on connections of this process

    Raises:
        SettingsError: the URL cannot be used.
    """

    def __init__(self, url: str, connections: int) -> None:
        address = parse_database_url(url)
        connections = min(connections, address.connection_limit or connections)
        arguments: dict[str, Any] = {
            "dsn": address.dsn,
            "connection_factory": _Connection,
            # Named here rather than at each cursor, so that tracing can wrap it.
            "cursor_factory": Cursor,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "application_name": "filot-ocr-worker",
        }
        set_wait_callback(_wait_for_answer)
        # minconn 0: an unreachable database must not keep the process from starting.
        self._pool = ThreadedConnectionPool(0, connections, **arguments)
        # But opened connections are kept: psycopg2 closes those that are returned beyond this number.
        self._pool.minconn = connections
        # psycopg2's pool fails at once when it is exhausted; callers of this class wait.
        self._free = threading.BoundedSemaphore(connections)
        self._pool_timeout = address.pool_timeout or POOL_TIMEOUT
        self._schema = address.schema
        #: `time.monotonic()` of the latest connection found dead: whatever was opened before is not trusted.
        self._distrusted = 0.0
        self._is_migrated = False
        self._refusal: tuple[float, str] | None = None

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """Open a cursor whose statements are committed at the end, or rolled back on any error.

        Each `execute` and the commit are a round trip; what waits for them by `Cursor.later` costs none.

        Raises:
            DatabaseRefusedError: the server refuses the statement for a reason that is not its data.
            UnavailableError: the server is away or went away; whether a commit took effect is then unknown.
            OcrWorkerError: the data cannot be stored. PostgreSQL's own text is withheld: it quotes rows.
        """
        with self._connected() as connected, _begin(connected, self._schema) as cursor:
            yield cursor

    @contextmanager
    def autocommit(self) -> Iterator[Cursor]:
        """Open a cursor each of whose `execute` is a transaction and one round trip, `Cursor.later` included.

        Raises the errors of `transaction`.
        """
        with self._connected() as connected, connected.cursor() as statements:
            cursor = cast(Cursor, statements)
            cursor.before_each(*_settings(self._schema))
            yield cursor

    @property
    def last_refusal(self) -> str | None:
        """What PostgreSQL refuses at present, as one sentence without row data; None when nothing."""
        refusal = self._refusal
        return refusal[1] if refusal and time.monotonic() - refusal[0] < REFUSAL_MEMORY else None

    def clear_refusal(self) -> None:
        """Note that a result was stored: what was refused is allowed again."""
        self._refusal = None

    def close(self) -> None:
        """Close every connection."""
        self._pool.closeall()

    def _sorted(self, error: psycopg2.Error) -> OcrWorkerError:
        """The error as the job's next step needs it: the document's fault, or ours."""
        code = error.pgcode or ""
        if code[:2] in DATA_ERROR_CLASSES and self._is_migrated:
            return OcrWorkerError(f"PostgreSQL refused: {type(error).__name__} {code}")
        if code == READ_ONLY:
            # After a failover, connections that are open may lead to the old primary, which is a standby now.
            self._distrusted = time.monotonic()
        sentence = refusal_sentence(error)
        self._refusal = (time.monotonic(), sentence)
        return DatabaseRefusedError(
            f"PostgreSQL refused: {type(error).__name__} {code}: {sentence}", code, sentence
        )

    @contextmanager
    def _connected(self) -> Iterator[_Connection]:
        """Lend a connection of the pool; errors of psycopg2 become ours."""
        if not self._free.acquire(timeout=self._pool_timeout):
            raise UnavailableError(f"no connection to PostgreSQL was free for {self._pool_timeout:.0f} s")
        connected: _Connection | None = None
        try:
            connected = self._get()
            yield connected
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            if connected is not None and connected.closed:
                # Of a silent server, the others would cost a wait each.
                self._distrusted = time.monotonic()
            cause, advice = postgres_problem(error)
            raise UnavailableError(unusable("PostgreSQL", cause), cause, advice) from None
        except psycopg2.Error as error:
            raise self._sorted(error) from None
        finally:
            if connected is not None:
                self._put_back(connected)
            self._free.release()

    def _get(self) -> _Connection:
        """A connection that the server has not ended; idle ones may date from before a restart."""
        for _ in range(self._pool.maxconn + 1):
            candidate = cast(_Connection, self._pool.getconn())
            if candidate.opened_at > self._distrusted and not (candidate.was_used and candidate.has_ended()):
                if not self._is_migrated:
                    self._migrate(candidate)
                return candidate
            self._pool.putconn(candidate, close=True)
        raise UnavailableError("PostgreSQL accepts connections but ends them")

    def _put_back(self, connected: _Connection) -> None:
        """Return a connection to the pool, without the transaction that an error left open."""
        with suppress(psycopg2.Error):
            if connected.info.transaction_status != TRANSACTION_STATUS_IDLE:
                connected.cursor().execute("ROLLBACK")
        connected.was_used = True
        self._pool.putconn(connected, close=connected.closed != 0)

    def _migrate(self, candidate: _Connection) -> None:
        try:
            with _begin(candidate, self._schema) as cursor:
                apply_migrations(cursor)
        except BaseException:
            self._pool.putconn(candidate, close=True)
            raise
        self._is_migrated = True


@contextmanager
def _begin(connected: connection, schema: str | None) -> Iterator[Cursor]:
    """Commit what is executed inside; an error leaves the transaction open."""
    with connected.cursor() as statements:
        cursor = cast(Cursor, statements)
        cursor.later("BEGIN")
        cursor.later(*_settings(schema))
        yield cursor
        cursor.execute("COMMIT")


def _settings(schema: str | None) -> tuple[str, list[str]]:
    """The statement, and its values, that sets what holds for one transaction: `true` is SET LOCAL."""
    settings = {
        "statement_timeout": str(STATEMENT_TIMEOUT),
        "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT),
        "timezone": "UTC",
        **({"search_path": f'"{schema.replace(chr(34), chr(34) * 2)}"'} if schema else {}),
    }
    return (
        "SELECT " + ", ".join("set_config(%s, %s, true)" for _ in settings),
        [text for setting in settings.items() for text in setting],
    )


def _wait_for_answer(connected: connection) -> None:
    """Wait as libpq would, but with a limit: a connection may stay open with nobody at its other end.

    psycopg2 calls this for every wait of the process' connections, and closes a connection that raises here.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while (state := connected.poll()) != POLL_OK:
        poll = select.poll()
        poll.register(connected.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("no answer")


#: SQLSTATEs of which more can be said: a sentence with the names of SQL objects that the server's message
#: holds.
_SENTENCES = {
    "25006": "the database is read-only: a standby, or default_transaction_read_only is on",
    "3F000": "the schema {0} is missing",
    "42501": "the user of DATABASE_URL lacks a right on {0}",
    "42703": "the column {0} is missing: run FiLot's migrations",
    "42P01": "the table {0} is missing: run FiLot's migrations",
}

#: Names in messages of class 42: quoted, or the last word of "permission denied for table documents". Such
#: messages quote names of our statements, never values.
_NAMES = re.compile(r'"([^"\s]{1,63})"|permission denied for ([a-z ]{1,30} [^"\s]{1,63})$')


def refusal_sentence(error: psycopg2.Error) -> str:
    """What PostgreSQL refused, without its own text."""
    code = error.pgcode or ""
    sentence = _SENTENCES.get(code)
    if sentence is None:
        return f"PostgreSQL answers with SQLSTATE {code}" if code else "PostgreSQL did not answer as expected"
    found = [first or second for first, second in _NAMES.findall(error.diag.message_primary or "")]
    return sentence.format(" of ".join(found) or "one of the tables")
