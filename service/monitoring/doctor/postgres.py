"""PostgreSQL: the connection, its version, and whether it accepts writes."""

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
from service.store.server_problems import postgres_problem

#: s for a connection, and ms for a statement of ours.
CONNECT_TIMEOUT, STATEMENT_TIMEOUT = 5, 5000

#: The oldest version that supports our own tables, as ``server_version_num``.
OLDEST = 100_000


@contextmanager
def connect(settings: Settings) -> Iterator[RealDictCursor]:
    """Open a read-only cursor with short time limits, which works through a transaction pooler as well.

    Raises:
        SettingsError: ``DATABASE_URL`` is not set, or cannot be used.
        psycopg2.Error: PostgreSQL is away, or refuses us; see `postgres_problem`.
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
        says, advice = postgres_problem(error)
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
