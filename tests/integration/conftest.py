"""Parts of the service on the test's servers."""

from collections.abc import Iterator

import pytest

from service.database import Database
from service.settings import Settings, needed


@pytest.fixture
def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the test's environment makes."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """PostgreSQL with FiLot's tables and ours."""
    database = Database(needed(settings.database_url, "DATABASE_URL"), 4)
    yield database
    database.close()
