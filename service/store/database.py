"""PostgreSQL: a connection pool that survives restarts of the server."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, connection, cursor, set_wait_callback
from psycopg2.extras import RealDictCursor
from psycopg2.pool import ThreadedConnectionPool

from service.errors import OcrWorkerError, UnavailableError

#: Server-side limit on one statement, ms; none of ours takes more than a few.
STATEMENT_TIMEOUT = 10_000

#: ms without a statement after which the server ends a transaction of ours: its process is frozen, and others
#: wait for what it holds.
IDLE_TIMEOUT = 10_000

#: s that we wait for any answer: beyond the server's own limit, so that only a silent connection meets it.
ANSWER_TIMEOUT = 15.0

#: One number for everyone who creates the tables: PostgreSQL's advisory locks are keyed by integer.
SCHEMA_LOCK = 0x0C2_F110


class _Connection(connection):
    """A connection that knows its age."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        #: `time.monotonic()` when it was begun.
        self.opened_at = time.monotonic()


class Database:
    """Connections to PostgreSQL, one transaction at a time. The first one makes our own tables.

    Parameters:
        url: libpq URL
        connections: the most that this process opens
    """

    def __init__(self, url: str, connections: int) -> None:
        arguments: dict[str, Any] = {
            "dsn": url,
            "connection_factory": _Connection,
            # Named here and not at each cursor, so that traces can put their own around it.
            "cursor_factory": RealDictCursor,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "application_name": "filot-ocr-worker",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT} "
            f"-c idle_in_transaction_session_timeout={IDLE_TIMEOUT} -c timezone=UTC",
        }
        set_wait_callback(_wait_for_answer)
        # minconn 0: a database that is away must not keep the process from starting.
        self._pool = ThreadedConnectionPool(0, connections, **arguments)
        # But what was opened stays: psycopg2 closes what it is given back beyond this number.
        self._pool.minconn = connections
        #: `time.monotonic()` of the latest connection found dead: whatever was opened before is as old.
        self._distrusted = 0.0
        self._has_own_tables = False

    @contextmanager
    def transaction(self) -> Iterator[RealDictCursor]:
        """A cursor whose work is committed at the end, or rolled back on any error.

        Raises:
            UnavailableError: the server is away, or went away; whether a commit took hold is then unknown.
            OcrWorkerError: the server refused a statement. PostgreSQL's own text is withheld: it quotes rows.
        """
        connected: connection | None = None
        try:
            connected = self._checked_connection()
            if not self._has_own_tables:
                self._create_own_tables(connected)
            with connected, connected.cursor() as work:
                yield cast(RealDictCursor, work)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            raise UnavailableError(f"PostgreSQL is away or refuses us: {type(error).__name__}") from None
        except psycopg2.Error as error:
            raise OcrWorkerError(f"PostgreSQL refused: {type(error).__name__} {error.pgcode}") from None
        finally:
            if connected is not None:
                self._pool.putconn(connected, close=connected.closed != 0)

    def _checked_connection(self) -> connection:
        """A connection that answers: the pool's idle ones may date from before a restart of the server."""
        for _ in range(self._pool.maxconn + 1):
            candidate = cast(_Connection, self._pool.getconn())
            # One silent server costs one wait, not one for each connection to it.
            if candidate.opened_at > self._distrusted:
                if _answers(candidate):
                    return candidate
                self._distrusted = time.monotonic()
            self._pool.putconn(candidate, close=True)
        raise UnavailableError("PostgreSQL accepts connections but does not answer")

    def _create_own_tables(self, connected: connection) -> None:
        """Make the schema ``ocr_worker`` where it is missing; FiLot's tables are never touched."""
        with connected, connected.cursor() as work:
            work.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
            work.execute((Path(__file__).parent / "schema.sql").read_text())
            for migration in sorted((Path(__file__).parent / "migrations").glob("*.sql")):
                work.execute(migration.read_text())
        self._has_own_tables = True

    def close(self) -> None:
        """Close every connection."""
        self._pool.closeall()


def _wait_for_answer(connected: connection) -> None:
    """Wait as libpq would, but not for ever: a connection may stay open with nobody at its other end.

    psycopg2 calls this for every wait of the process' connections, and closes one that raises here.
    """
    deadline = time.monotonic() + ANSWER_TIMEOUT
    while (state := connected.poll()) != POLL_OK:
        poll = select.poll()
        poll.register(connected.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError("no answer")


def _answers(candidate: connection) -> bool:
    try:
        # A plain cursor is not traced: this would be half of all spans.
        with candidate.cursor(cursor_factory=cursor) as work:
            work.execute("SELECT 1")
        candidate.rollback()
    except psycopg2.Error:
        return False
    return True
