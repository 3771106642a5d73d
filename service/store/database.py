"""PostgreSQL: a pool that survives restarts of the server, and the rows of FiLot's `documents`."""

import select
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, connection, cursor, set_wait_callback
from psycopg2.extras import Json, RealDictCursor
from psycopg2.pool import ThreadedConnectionPool

from service.errors import LeaseLostError, OcrWorkerError, UnavailableError

#: Server-side limit on one statement, ms; none of ours takes more than a few.
STATEMENT_TIMEOUT = 10_000

#: ms without a statement after which the server ends a transaction of ours: its process is frozen, and others
#: wait for what it holds.
IDLE_TIMEOUT = 10_000

#: s that we wait for any answer: beyond the server's own limit, so that only a silent connection meets it.
ANSWER_TIMEOUT = 15.0

#: One number for everyone who creates the tables: PostgreSQL's advisory locks are keyed by integer.
SCHEMA_LOCK = 0x0C2_F110


@dataclass(frozen=True, slots=True)
class Document:
    """A row of `documents`, as far as this service needs it."""

    id: str
    user_id: str
    #: ``KTP`` or ``NPWP``, or whatever else the row holds.
    type: str
    file_url: str | None
    status: str
    score: int | None
    decision: str | None
    #: ``verification_status``: the contract's outcome once the document is completed.
    outcome: str | None
    ticket_id: str | None
    parsed: dict[str, Any] | None
    text: str | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class CompletedWork:
    """What a successful reading writes into the row."""

    text: str
    #: The parsed fields, and the reasons for review when there are any.
    parsed: dict[str, Any]
    score: int
    decision: str
    outcome: str


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


def is_document_id(text: str) -> bool:
    """Whether a queue entry can be a row's id at all."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def existing(work: RealDictCursor, document_ids: list[str]) -> set[str]:
    """Those of these UUIDs that are a row's id."""
    work.execute("SELECT id::text FROM documents WHERE id = ANY(%s::uuid[])", (document_ids,))
    return {row["id"] for row in work.fetchall()}


def find_document(work: RealDictCursor, document_id: str) -> Document | None:
    """The row of a document, or None."""
    work.execute(
        """SELECT id::text, user_id::text, type, file_url, status::text, ai_score AS score,
                  ai_decision AS decision, verification_status AS outcome, buli2_ticket_id AS ticket_id,
                  result_json AS parsed, ocr_text AS text, created_at
           FROM documents WHERE id = %s""",
        (document_id,),
    )
    row = work.fetchone()
    return Document(**row) if row else None


def begin_work(work: RealDictCursor, document_id: str, fence: int) -> Document | None:
    """Claim a document for the take with this fence and mark it as processing, unless it is completed.

    Raises:
        LeaseLostError: a later take has claimed it.
    """
    document = find_document(work, document_id)
    if document is None or document.status == "completed":
        return document
    work.execute(
        """INSERT INTO ocr_worker.claims (document_id, fence) VALUES (%(id)s, %(fence)s)
           ON CONFLICT (document_id) DO UPDATE SET fence = %(fence)s, claimed_at = now()
           WHERE claims.fence <= %(fence)s""",
        {"id": document_id, "fence": fence},
    )
    if work.rowcount == 0:
        raise LeaseLostError("a later take has claimed this document")
    work.execute("UPDATE documents SET status = 'processing' WHERE id = %s", (document_id,))
    return document


def hold_claim(work: RealDictCursor, document_id: str, fence: int) -> None:
    """Make sure, until the transaction ends, that no later take has claimed the document.

    Raises:
        LeaseLostError: one has: its result is the one that counts.
    """
    work.execute("SELECT fence FROM ocr_worker.claims WHERE document_id = %s FOR UPDATE", (document_id,))
    row = work.fetchone()
    if row is None or row["fence"] != fence:
        raise LeaseLostError("a later take has claimed this document")


def complete_document(work: RealDictCursor, document_id: str, result: CompletedWork) -> None:
    """Store a successful reading."""
    work.execute(
        """UPDATE documents SET status = 'completed', ocr_text = %s, result_json = %s, ai_score = %s,
                  ai_decision = %s, verification_status = %s, processed_at = timezone('UTC', now())
           WHERE id = %s""",
        (
            # PostgreSQL's text cannot hold NUL.
            result.text.replace("\x00", ""),
            Json(result.parsed),
            result.score,
            result.decision,
            result.outcome,
            document_id,
        ),
    )


def fail_document(work: RealDictCursor, document_id: str, error: str, *, retries_exceeded: bool) -> None:
    """Store a failure for good; ``error`` is shown to the user as it stands."""
    failed_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    work.execute(
        "UPDATE documents SET status = 'failed', result_json = %s WHERE id = %s AND status <> 'completed'",
        (
            Json({"error": error, "failedAt": failed_at, "maxRetriesExceeded": retries_exceeded}),
            document_id,
        ),
    )


def store_ticket(work: RealDictCursor, document_id: str, ticket_id: str) -> None:
    """Store the review service's ticket; a decision that came back meanwhile is left alone."""
    work.execute(
        """UPDATE documents SET buli2_ticket_id = %s, ai_decision = 'needs_review',
                  verification_status = CASE WHEN verification_status IS NULL
                      OR verification_status IN ('pending', 'auto_approved')
                      THEN 'pending_manual_review' ELSE verification_status END
           WHERE id = %s""",
        (ticket_id, document_id),
    )


def find_processing(work: RealDictCursor) -> set[str]:
    """Ids of all documents that are to be worked on or in work."""
    work.execute("SELECT id::text FROM documents WHERE status = 'processing'")
    return {row["id"] for row in work.fetchall()}


def reopen(work: RealDictCursor, document_id: str) -> None:
    """Mark a failed document as to be worked on, as the backend does before it queues one."""
    work.execute(
        "UPDATE documents SET status = 'processing' WHERE id = %s AND status = 'failed'", (document_id,)
    )
