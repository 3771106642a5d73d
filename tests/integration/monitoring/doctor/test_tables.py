"""What `doctor` reports of FiLot's tables and ours, on a real server with a database of the test's own."""

from urllib.parse import urlsplit

import pytest

from service.monitoring.doctor.postgres import check_postgres
from service.monitoring.doctor.tables import check_tables
from service.store.database import Database
from tests.integration.monitoring.doctor.conftest import SettingsMaker, execute


def test_a_sound_database_is_green(settings_with: SettingsMaker, url: str) -> None:
    with Database(url, 1).transaction():
        pass
    settings = settings_with(DATABASE_URL=url)

    results = [*check_postgres(settings), *check_tables(settings)]

    assert [result.level for result in results] == ["green"] * 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DROP TABLE documents CASCADE", "it is missing"),
        ("ALTER TABLE documents DROP ai_score, DROP ocr_text", "lacks the columns ai_score, ocr_text"),
        ("ALTER TABLE documents ALTER result_json TYPE text", "result_json text"),
        ("ALTER TYPE document_status RENAME VALUE 'failed' TO 'broken'", "lacks the values failed"),
    ],
)
def test_a_table_that_is_not_as_agreed_is_red(
    change: str, says: str, settings_with: SettingsMaker, url: str
) -> None:
    execute(url, change)

    table, *_ = check_tables(settings_with(DATABASE_URL=url))

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

    assert [result.level for result in before] == ["red", "yellow", "red"]
    assert "ocr_text" in before[0].says
    assert "GRANT CREATE ON DATABASE" in before[2].advice
    assert [result.level for result in given] == ["green", "yellow", "yellow"]
    assert [result.level for result in after] == ["green", "yellow", "green"]


def test_tables_of_another_user_are_red(settings_with: SettingsMaker, url: str, poor_url: str) -> None:
    with Database(url, 1).transaction():
        pass
    name = urlsplit(url).path[1:]
    execute(url, "GRANT SELECT, UPDATE ON documents TO poor", f"GRANT CREATE ON DATABASE {name} TO poor")

    *_, own = check_tables(settings_with(DATABASE_URL=poor_url))

    assert own.level == "red"
    assert "another user owns" in own.says


def test_checking_creates_no_schema(settings_with: SettingsMaker, url: str) -> None:
    settings = settings_with(DATABASE_URL=url)

    for _ in range(2):
        *_, own = check_tables(settings)

    assert (own.level, own.says) == ("yellow", "not created yet")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DROP TABLE manual_reviews", "it is missing: a reviewer's decision is lost"),
        ("ALTER TABLE manual_reviews DROP payload", "lacks the columns payload"),
    ],
)
def test_a_decision_that_would_be_lost_is_yellow(
    change: str, says: str, settings_with: SettingsMaker, url: str
) -> None:
    execute(url, change)

    _, reviews, _ = check_tables(settings_with(DATABASE_URL=url))

    assert reviews.level == "yellow"
    assert says in reviews.says


@pytest.mark.parametrize(
    ("right", "table", "says"),
    [
        ("UPDATE", "documents", "lacks SELECT or UPDATE on status"),
        ("INSERT", "ocr_worker.outbox", "lacks INSERT on ocr_worker.outbox"),
        ("DELETE", "ocr_worker.dead", "lacks DELETE on ocr_worker.dead"),
    ],
)
def test_a_right_that_was_revoked_is_red(
    right: str, table: str, says: str, settings_with: SettingsMaker, url: str, poor_url: str
) -> None:
    name = urlsplit(url).path[1:]
    execute(url, "GRANT SELECT, UPDATE ON documents TO poor", f"GRANT CREATE ON DATABASE {name} TO poor")
    with Database(poor_url, 1).transaction():
        pass
    execute(url, f"REVOKE {right} ON {table} FROM poor")

    red = [each for each in check_tables(settings_with(DATABASE_URL=poor_url)) if each.level == "red"]

    assert [says in each.says for each in red] == [True]
    assert "GRANT" in red[0].advice
