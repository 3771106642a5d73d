"""PostgreSQL: whether it lets us in, and may be written to."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import cast

import psycopg2
from psycopg2.extras import RealDictCursor

from service.errors import SettingsError
from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.settings import Settings, needed
from service.store.database_url import parse_database_url

#: s for a connection, and ms for a statement of ours.
CONNECT_TIMEOUT, STATEMENT_TIMEOUT = 5, 5000

#: The oldest version that knows everything in our own tables, as ``server_version_num``.
OLDEST = 100_000

#: What libpq or the server says, and what is to be told and done. Their own text is not shown: it can quote
#: the URL.
REFUSALS = tuple(
    (re.compile(pattern), says, advice)
    for pattern, says, advice in (
        (
            "password authentication failed",
            "it refuses the password or the user's name",
            "compare those in DATABASE_URL with the server's",
        ),
        ("no password supplied", "it asks for a password, and DATABASE_URL has none", "add it"),
        (
            "role .* does not exist",
            "it knows no such user",
            "correct the user in DATABASE_URL, or create it",
        ),
        (
            "database .* does not exist",
            "it has no such database",
            "correct the database's name in DATABASE_URL",
        ),
        (
            "no pg_hba.conf entry",
            "its pg_hba.conf does not let this user in from here",
            "add an entry; if it asks for encryption, say sslmode=verify-full in DATABASE_URL",
        ),
        (
            "could not translate host name",
            "the name of its host is not known",
            "check the host in DATABASE_URL, and DNS",
        ),
        (
            "[Cc]onnection refused",
            "nobody listens there",
            "start PostgreSQL, or check host and port in DATABASE_URL",
        ),
        (
            "timeout expired",
            "it does not answer",
            "check firewalls and security groups between here and there",
        ),
        (
            "certificate verify failed|root certificate file|does not match host name",
            "its certificate is not trusted",
            "say sslrootcert=system or name the CA's file in DATABASE_URL, and check the host's name",
        ),
        ("does not support SSL", "it does not offer encryption", "turn ssl on there, or change sslmode"),
        (
            "too many clients|remaining connection slots|too many connections",
            "it has no connection left",
            "end idle clients, or raise max_connections",
        ),
        ("starting up|shutting down|recovery mode", "it is just starting or ending", "wait, then look again"),
        (
            "unsupported startup parameter",
            "a pooler before it refuses our options",
            "name PostgreSQL itself in DATABASE_URL, or let the pooler ignore the parameter `options`",
        ),
    )
)


@contextmanager
def connect(settings: Settings) -> Iterator[RealDictCursor]:
    """A cursor that can only read, with short limits.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set.
        psycopg2.Error: PostgreSQL is away, or refuses us; see `trouble`.
    """
    url = needed(settings.database_url, "DATABASE_URL")
    try:
        dsn = parse_database_url(url).dsn
    except SettingsError as error:
        # Told as libpq's own complaint about a URL is.
        raise psycopg2.ProgrammingError(str(error)) from None
    with closing(
        psycopg2.connect(
            dsn,
            cursor_factory=RealDictCursor,
            connect_timeout=CONNECT_TIMEOUT,
            application_name="filot-ocr-doctor",
            options=f"-c statement_timeout={STATEMENT_TIMEOUT} -c timezone=UTC",
        )
    ) as connected:
        connected.set_session(readonly=True)
        with connected.cursor() as cursor:
            yield cast(RealDictCursor, cursor)


def connection_problem(error: psycopg2.Error) -> tuple[str, str]:
    """Why PostgreSQL could not be asked, and what to do; a wrong password is not a server that is away."""
    if isinstance(error, psycopg2.ProgrammingError) and error.pgcode is None:
        return (
            "DATABASE_URL cannot be understood",
            str(error).partition("DATABASE_URL cannot be used: ")[2]
            or "percent-encode the special characters of its password",
        )
    for pattern, says, advice in REFUSALS:
        if pattern.search(str(error)):
            return says, advice
    code = f"{type(error).__name__} {error.pgcode or ''}".rstrip()
    return f"it cannot be asked ({code})", 'see what `psql "$DATABASE_URL"` says'


def check_postgres(settings: Settings) -> Iterator[CheckResult]:
    """Connect, then look at version and whether it may be written to.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set.
    """
    try:
        with connect(settings) as cursor:
            cursor.execute(
                """SELECT current_setting('server_version') AS version,
                          current_setting('server_version_num')::int AS number,
                          pg_is_in_recovery() AS standby,
                          current_setting('default_transaction_read_only')::bool AS read_only"""
            )
            (row,) = cursor.fetchall()
    except psycopg2.Error as error:
        says, advice = connection_problem(error)
        yield fail("postgresql", says, advice)
        return
    if row["number"] < OLDEST:
        yield fail("postgresql", f"{row['version']} is too old", "update PostgreSQL to 10 or newer")
    elif row["standby"]:
        yield fail("postgresql", "a standby, which cannot be written to", "name the primary in DATABASE_URL")
    elif row["read_only"]:
        yield fail(
            "postgresql",
            "transactions may only read here",
            "turn default_transaction_read_only off for this user and database",
        )
    else:
        yield passed("postgresql", f"{row['version']}, can be written to")
