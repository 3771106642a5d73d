"""Parameters that other clients put into `DATABASE_URL` are translated for libpq, or refused in one line."""

import pytest
from psycopg2.extensions import parse_dsn

from service.errors import SettingsError
from service.store.database_url import DatabaseUrl, parse_database_url

BASE = "postgresql://filot:s%40cret@db.example:6543/filot"


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("?pgbouncer=true&statement_cache_size=0&prepare=false", {}),
        ("?sslmode=no-verify", {"sslmode": "require"}),
        ("?sslmode=require&sslaccept=accept_invalid_certs", {"sslmode": "require"}),
        ("?sslmode=verify-full&sslrootcert=system", {"sslmode": "verify-full", "sslrootcert": "system"}),
        ("?ssl=true", {"sslmode": "require"}),
        (
            "?connect_timeout=10&application_name=a%20b+c",
            {"connect_timeout": "10", "application_name": "a b+c"},
        ),
        (
            "?options=endpoint%3Dep-cool-1&sslmode=require",
            {"options": "endpoint=ep-cool-1", "sslmode": "require"},
        ),
        ("?options=-c%20geqo%3Doff", {"options": "-c geqo=off"}),
        ("?channel_binding=require", {"channel_binding": "require"}),
    ],
)
def test_libpq_gets_what_it_knows(query: str, parameters: dict[str, str]) -> None:
    parsed = parse_dsn(parse_database_url(BASE + query).dsn)

    assert parsed == {
        "user": "filot",
        "password": "s@cret",
        "host": "db.example",
        "port": "6543",
        "dbname": "filot",
        **parameters,
    }


def test_what_libpq_does_not_know_is_done_by_the_service() -> None:
    parsed = parse_database_url(f"{BASE}?schema=Filot%20App&connection_limit=1&pool_timeout=20")

    assert parsed == DatabaseUrl(BASE, schema="Filot App", connection_limit=1, pool_timeout=20.0)


def test_no_limit_is_no_limit() -> None:
    parsed = parse_database_url(f"{BASE}?connection_limit=0&pool_timeout=0&schema=")

    assert parsed == DatabaseUrl(BASE)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?foo=1", "'foo'"),
        ("?sslaccept=strict", "'sslaccept'"),
        ("?ssl=maybe", "'ssl'"),
        ("?sslmode=secure", "sslmode"),
        ("?connection_limit=many", "connection_limit"),
        ("?pool_timeout=-1", "pool_timeout"),
    ],
)
def test_the_rest_is_refused_in_one_line_that_names_it(query: str, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_database_url(BASE + query)

    message = str(caught.value)
    assert message.startswith("DATABASE_URL cannot be used: ")
    assert named in message
    assert "\n" not in message
    assert "cret" not in message


def test_a_password_that_is_not_encoded_is_not_quoted() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_database_url("postgresql://filot:s%zzecret@db/filot")

    assert "percent-encode" in str(caught.value)
    assert "ecret" not in str(caught.value)
