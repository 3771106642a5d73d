"""What `doctor` reports of PostgreSQL itself, on a real server with a database of the test's own."""

import pytest

from service.monitoring.doctor.postgres import check_postgres
from service.monitoring.doctor.tables import check_tables
from tests.integration.monitoring.doctor.conftest import SettingsMaker, execute


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("filot:", "filot:x", "refuses the password"),
        ("filot:", "nobody:", "refuses the password"),
        ("/spoilt_", "/none_", "there is no such database"),
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
        ("postgresql://filot:hunter2@127.0.0.1:1/db", "nothing listens on that port"),
        ("postgresql://filot:hunter2@nowhere.invalid/db", "its host name cannot be resolved"),
        ("postgresql://filot:hunter%2@127.0.0.1/db", "DATABASE_URL cannot be used"),
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

    assert found.says == "it does not support TLS"


def test_a_database_that_can_only_be_read_is_red(settings_with: SettingsMaker, poor_url: str) -> None:
    execute(poor_url, "ALTER ROLE poor SET default_transaction_read_only = on")

    (found,) = check_postgres(settings_with(DATABASE_URL=poor_url))

    assert found.level == "red"
    assert found.says.startswith("it is read-only")


def test_parameters_of_other_clients_are_understood_or_named(settings_with: SettingsMaker, url: str) -> None:
    (understood,) = check_postgres(
        settings_with(DATABASE_URL=f"{url}?schema=public&pgbouncer=true&connection_limit=1")
    )
    (named,) = check_postgres(settings_with(DATABASE_URL=f"{url}?no_such_parameter=1"))

    assert understood.level == "green"
    assert named.level == "red"
    assert "no_such_parameter" in named.says
