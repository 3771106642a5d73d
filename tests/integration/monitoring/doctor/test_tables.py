"""What the doctor says of PostgreSQL and its tables, on a real one with a database of the test's own."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import urlsplit

import psycopg2
import pytest

from devstack.servers import FilotStack
from devstack.servers.tables import create_filot_tables
from service.monitoring.doctor.postgres import check_postgres
from service.monitoring.doctor.tables import check_tables
from service.store.database import Database
from tests.integration.monitoring.doctor.conftest import SettingsMaker


def execute(url: str, *statements: str) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture
def url(stack: FilotStack) -> Iterator[str]:
    """A database of its own with FiLot's tables, to be spoilt."""
    name = f"spoilt_{uuid.uuid4().hex}"
    execute(stack.postgres.url, f"CREATE DATABASE {name}")
    url = urlsplit(stack.postgres.url)._replace(path=f"/{name}").geturl()
    create_filot_tables(url)
    yield url
    execute(stack.postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def poor_url(url: str, stack: FilotStack) -> Iterator[str]:
    """The same for a user who may do nothing yet: `poor`, whose password is `secret`."""
    execute(url, "CREATE ROLE poor LOGIN PASSWORD 'secret'")
    parts = urlsplit(url)
    yield parts._replace(netloc=f"poor:secret@{parts.hostname}:{parts.port}").geturl()
    execute(url, "DROP OWNED BY poor CASCADE", "DROP ROLE poor")


def test_a_sound_database_is_green(settings_with: SettingsMaker, url: str) -> None:
    with Database(url, 1).transaction():
        pass
    settings = settings_with(DATABASE_URL=url)

    results = [*check_postgres(settings), *check_tables(settings)]

    assert [result.level for result in results] == ["green"] * 3


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("filot:", "filot:x", "refuses the password"),
        ("filot:", "nobody:", "refuses the password"),
        ("/spoilt_", "/none_", "has no such database"),
    ],
)
def test_what_is_wrong_in_the_url_is_told(
    before: str, after: str, says: str, settings_with: SettingsMaker, url: str
) -> None:
    (found,) = check_postgres(settings_with(DATABASE_URL=url.replace(before, after)))

    assert found.level == "red"
    assert says in found.says


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://filot:hunter2@127.0.0.1:1/db", "nobody listens there"),
        ("postgresql://filot:hunter2@nowhere.invalid/db", "the name of its host is not known"),
        ("postgresql://filot:hunter%2@127.0.0.1/db", "DATABASE_URL cannot be understood"),
    ],
)
def test_a_server_that_cannot_be_asked_is_told_by_cause(
    url: str, says: str, settings_with: SettingsMaker
) -> None:
    (found,) = check_postgres(settings_with(DATABASE_URL=url))
    (tables,) = check_tables(settings_with(DATABASE_URL=url))

    assert says in found.says
    assert "hunter" not in str(found)
    assert tables.level == "yellow"


def test_encryption_that_is_not_offered_is_told(settings_with: SettingsMaker, url: str) -> None:
    (found,) = check_postgres(settings_with(DATABASE_URL=f"{url}?sslmode=require"))

    assert found.says == "it does not offer encryption"


def test_a_database_that_can_only_be_read_is_red(settings_with: SettingsMaker, poor_url: str) -> None:
    execute(poor_url, "ALTER ROLE poor SET default_transaction_read_only = on")

    (found,) = check_postgres(settings_with(DATABASE_URL=poor_url))

    assert (found.level, found.says) == ("red", "transactions may only read here")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DROP TABLE documents CASCADE", "there is none"),
        ("ALTER TABLE documents DROP ai_score, DROP ocr_text", "without ai_score, ocr_text"),
        ("ALTER TABLE documents ALTER result_json TYPE text", "result_json text"),
        ("ALTER TYPE document_status RENAME VALUE 'failed' TO 'broken'", "cannot be failed"),
    ],
)
def test_a_table_that_is_not_as_agreed_is_red(
    change: str, says: str, settings_with: SettingsMaker, url: str
) -> None:
    execute(url, change)

    table, _ = check_tables(settings_with(DATABASE_URL=url))

    assert table.level == "red"
    assert says in table.says


def test_missing_rights_are_named_until_they_are_given(
    settings_with: SettingsMaker, url: str, poor_url: str
) -> None:
    settings = settings_with(DATABASE_URL=poor_url)
    name = urlsplit(url).path[1:]

    before = list(check_tables(settings))
    execute(url, "GRANT SELECT, UPDATE ON documents TO poor", f"GRANT CREATE ON DATABASE {name} TO poor")
    given = list(check_tables(settings))
    with Database(poor_url, 1).transaction():
        pass
    execute(url, f"REVOKE CREATE ON DATABASE {name} FROM poor")
    with Database(poor_url, 1).transaction():
        pass
    after = list(check_tables(settings))

    assert [result.level for result in before] == ["red", "red"]
    assert "ocr_text" in before[0].says
    assert "GRANT CREATE ON DATABASE" in before[1].advice
    assert [result.level for result in given] == ["green", "yellow"]
    assert [result.level for result in after] == ["green", "green"]


def test_tables_of_another_user_are_red(settings_with: SettingsMaker, url: str, poor_url: str) -> None:
    with Database(url, 1).transaction():
        pass
    name = urlsplit(url).path[1:]
    execute(url, "GRANT SELECT, UPDATE ON documents TO poor", f"GRANT CREATE ON DATABASE {name} TO poor")

    _, own = check_tables(settings_with(DATABASE_URL=poor_url))

    assert own.level == "red"
    assert "another user" in own.says


def test_looking_makes_no_schema(settings_with: SettingsMaker, url: str) -> None:
    settings = settings_with(DATABASE_URL=url)

    for _ in range(2):
        _, own = check_tables(settings)

    assert (own.level, own.says) == ("yellow", "not there yet")
