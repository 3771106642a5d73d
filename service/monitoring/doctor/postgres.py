"""PostgreSQL: the connection, its version, and whether it accepts writes."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import cast

import psycopg2
from psycopg2.extras import RealDictCursor

from service.errors import SettingsError
from service.monitoring.access_rights import READ_ONLY, STANDBY
from service.monitoring.doctor.check_result import CheckResult, fail, passed
from service.settings import Settings, needed
from service.store.database_url import parse_database_url

#: s for a connection, and ms for a statement of ours.
CONNECT_TIMEOUT, STATEMENT_TIMEOUT = 5, 5000

#: The oldest version that supports our own tables, as ``server_version_num``.
OLDEST = 100_000

#: Messages of libpq or the server, with the finding and the advice. Their own text is not shown: it can quote
#: the URL.
REFUSALS = tuple(
    (re.compile(pattern), says, advice)
    for pattern, says, advice in (
        (
            "password authentication failed",
            "it refuses the password or the user's name",
            "compare both in DATABASE_URL with the server's",
        ),
        ("no password supplied", "it requires a password, and DATABASE_URL has none", "add it"),
        (
            "role .* does not exist",
            "there is no such user",
            "correct the user in DATABASE_URL, or create it",
        ),
        (
            "database .* does not exist",
            "there is no such database",
            "correct the database's name in DATABASE_URL",
        ),
        (
            "no pg_hba.conf entry",
            "its pg_hba.conf does not admit this user from here",
            "add an entry; where it requires TLS, add sslmode=verify-full to DATABASE_URL",
        ),
        (
            "could not translate host name",
            "its host name cannot be resolved",
            "check the host in DATABASE_URL, and DNS",
        ),
        (
            "[Cc]onnection refused",
            "nothing listens on that port",
            "start PostgreSQL, or check host and port in DATABASE_URL",
        ),
        (
            "timeout expired",
            "it does not answer",
            "check firewalls and security groups on the way",
        ),
        (
            "certificate verify failed|root certificate file|does not match host name",
            "its certificate is not trusted",
            "add sslrootcert=system or the CA's file to DATABASE_URL, and check the host name",
        ),
        ("does not support SSL", "it does not support TLS", "enable ssl there, or change sslmode"),
        (
            "too many clients|remaining connection slots|too many connections",
            "all its connections are taken",
            "close idle clients, or raise max_connections",
        ),
        (
            "starting up|shutting down|recovery mode",
            "it is starting or shutting down",
            "wait, then run doctor again",
        ),
        (
            "unsupported startup parameter",
            "a connection pooler refuses a parameter of DATABASE_URL",
            "remove `options` from DATABASE_URL, or let the pooler ignore it",
        ),
    )
)


@contextmanager
def connect(settings: Settings) -> Iterator[RealDictCursor]:
    """Open a read-only cursor with short time limits, which works through a transaction pooler as well.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set, or cannot be used.
        psycopg2.Error: PostgreSQL is away, or refuses us; see `connection_problem`.
    """
    address = parse_database_url(needed(settings.database_url, "DATABASE_URL"))
    with closing(
        psycopg2.connect(
            address.dsn,
            cursor_factory=RealDictCursor,
            connect_timeout=CONNECT_TIMEOUT,
            application_name="filot-ocr-doctor",
        )
    ) as connected:
        connected.set_session(readonly=True)
        with connected.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", (STATEMENT_TIMEOUT,))
            if address.schema:
                cursor.execute("SELECT set_config('search_path', quote_ident(%s), true)", (address.schema,))
            yield cast(RealDictCursor, cursor)


def connection_problem(error: psycopg2.Error) -> tuple[str, str]:
    """Return why PostgreSQL could not be asked, and what to do: a wrong password is not an outage."""
    for pattern, says, advice in REFUSALS:
        if pattern.search(str(error)):
            return says, advice
    code = f"{type(error).__name__} {error.pgcode or ''}".rstrip()
    return f"it refuses the query ({code})", 'see the output of `psql "$DATABASE_URL"`'


def check_postgres(settings: Settings) -> Iterator[CheckResult]:
    """Connect; check the version, and whether the server accepts writes."""
    try:
        with connect(settings) as cursor:
            cursor.execute(
                """SELECT current_setting('server_version') AS version,
                          current_setting('server_version_num')::int AS number,
                          pg_is_in_recovery() AS standby,
                          current_setting('default_transaction_read_only')::bool AS read_only"""
            )
            (row,) = cursor.fetchall()
    except SettingsError as error:
        yield fail("postgresql", str(error), "correct DATABASE_URL")
        return
    except psycopg2.Error as error:
        says, advice = connection_problem(error)
        yield fail("postgresql", says, advice)
        return
    if row["number"] < OLDEST:
        yield fail("postgresql", f"{row['version']} is too old", "upgrade to PostgreSQL 10 or newer")
    elif row["standby"]:
        yield fail("postgresql", STANDBY, "name the primary in DATABASE_URL")
    elif row["read_only"]:
        yield fail(
            "postgresql",
            READ_ONLY,
            "turn default_transaction_read_only off, or wait for the end of a failover",
        )
    else:
        yield passed("postgresql", f"{row['version']}, accepts writes")
