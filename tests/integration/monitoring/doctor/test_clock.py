"""What `doctor` reports of clocks that differ."""

import time

import pytest

from service.monitoring.doctor.clock import check_clock
from tests.integration.monitoring.doctor.conftest import SettingsMaker


@pytest.mark.parametrize(("ahead", "level"), [(0, "green"), (60, "yellow"), (-60, "yellow"), (3600, "red")])
def test_clocks_that_differ_are_told(ahead: float, level: str, settings_with: SettingsMaker) -> None:
    redis, postgresql = check_clock(settings_with(), now=lambda: time.time() + ahead)

    assert (redis.level, postgresql.level) == (level, level)
    assert (redis.check, postgresql.check) == ("clock of redis", "clock of postgresql")


def test_the_clock_of_a_server_that_is_away_is_not_judged(settings_with: SettingsMaker) -> None:
    redis, postgresql = check_clock(settings_with(REDIS_URL="redis://127.0.0.1:1/0"))

    assert (redis.level, postgresql.level) == ("yellow", "green")
