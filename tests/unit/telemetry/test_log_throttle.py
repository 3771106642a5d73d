"""What lasts is said at once, and then ever more seldom."""

import pytest

from service.telemetry import log_throttle
from service.telemetry.log_throttle import FIRST_PAUSE, MAX_PAUSE, LogThrottle


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


def said_at(throttle: LogThrottle, clock: Clock, seconds: int) -> list[float]:
    """When it was due, in s, of an outage that is noticed every second."""
    began, moments = clock.now, []
    for _ in range(seconds):
        if throttle.should_log():
            moments.append(clock.now - began)
        clock.now += 1
    return moments


def test_pauses_between_two_lines_grow_up_to_a_limit(clock: Clock) -> None:
    moments = said_at(LogThrottle(), clock, 3600)

    assert moments[:4] == [0, FIRST_PAUSE, 3 * FIRST_PAUSE, 7 * FIRST_PAUSE]
    assert moments[-1] - moments[-2] == MAX_PAUSE


def test_the_next_outage_is_said_at_once_again(clock: Clock) -> None:
    throttle = LogThrottle()
    said_at(throttle, clock, 60)

    lasted = throttle.reset()
    nothing = throttle.reset()

    assert (lasted, nothing) == (60, None)
    assert throttle.should_log()
