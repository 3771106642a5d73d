"""Settings as a test wants them, on the test's servers."""

from collections.abc import Callable

import pytest

from service.settings import Settings

SettingsMaker = Callable[..., Settings]


@pytest.fixture
def settings_with(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> SettingsMaker:
    def make(**changes: str) -> Settings:
        for name, value in {**environment, **changes}.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return make
