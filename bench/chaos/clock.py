"""A wrong wall clock for one process; the monotonic clock stays right, as on a real machine."""

import datetime as datetimes
import time

RightDatetime = datetimes.datetime
right_time = time.time

#: Seconds by which this process' clock is wrong.
_skew = 0.0


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, RightDatetime)


class _ShiftedDatetime(RightDatetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetimes.tzinfo | None = None) -> RightDatetime:  # type: ignore[override]
        return RightDatetime.now(tz) + datetimes.timedelta(seconds=_skew)


def shift_clock(seconds: float) -> None:
    """Shift this process' wall clock by ``seconds``. Modules must import `datetime` afterwards."""
    global _skew  # noqa: PLW0603 - a process has one clock
    _skew = seconds
    # The plain form of these assignments is what mypy forbids, and what is meant.
    setattr(time, "time", lambda: right_time() + seconds)  # noqa: B010
    setattr(datetimes, "datetime", _ShiftedDatetime)  # noqa: B010
