"""What lasts is said at once, and then ever more seldom."""

import pytest

from service.telemetry import log_throttle
from service.telemetry.log_throttle import FIRST_PAUSE, LONGEST_PAUSE, Reminder


class Clock:
    """Time that passes when the test says so."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(log_throttle, "time", clock)
    return clock


def said_at(reminder: Reminder, clock: Clock, seconds: int) -> list[float]:
    """When it was due, in s, of an outage that is noticed every second."""
    began, moments = clock.now, []
    for _ in range(seconds):
        if log_throttle.due():
            moments.append(clock.now - began)
        clock.now += 1
    return moments


def test_pauses_between_two_lines_grow_up_to_a_limit(clock: Clock) -> None:
    moments = said_at(Reminder(), clock, 3600)

    assert moments[:4] == [0, FIRST_PAUSE, 3 * FIRST_PAUSE, 7 * FIRST_PAUSE]
    assert moments[-1] - moments[-2] == LONGEST_PAUSE


def test_the_next_outage_is_said_at_once_again(clock: Clock) -> None:
    reminder = Reminder()
    said_at(log_throttle, clock, 60)

    lasted = log_throttle.over()
    nothing = log_throttle.over()

    assert (lasted, nothing) == (60, None)
    assert log_throttle.due()
