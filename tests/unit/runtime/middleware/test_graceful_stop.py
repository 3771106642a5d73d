"""What a signal does in a worker process; each test sends real ones to this process."""

import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from service.runtime.middleware import graceful_stop
from service.runtime.middleware.graceful_stop import GracefulStop
from tests.support.fake_active_jobs import FakeActiveJobs


class Dramatiq:
    """Dramatiq's part: its handler of SIGTERM, and its broker."""

    def __init__(self) -> None:
        self.signals = 0
        self.closed = 0

    def handler(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def dramatiq() -> Iterator[Dramatiq]:
    dramatiq = Dramatiq()
    before = signal.signal(signal.SIGTERM, dramatiq.handler)
    yield dramatiq
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def active_jobs() -> FakeActiveJobs:
    return FakeActiveJobs()


def middleware(active_jobs: FakeActiveJobs, timeout: float = 600.0) -> GracefulStop:
    stop = GracefulStop(active_jobs, timeout)
    stop.after_process_boot(None)  # type: ignore[arg-type]
    return stop


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_the_first_signal_stops_fetching_and_reaches_dramatiq(
    dramatiq: Dramatiq, active_jobs: FakeActiveJobs
) -> None:
    middleware(active_jobs)

    terminate()

    assert active_jobs.stopping
    assert active_jobs.given_back == 0
    assert dramatiq.signals == 1


def test_a_duplicate_of_the_signal_is_ignored(dramatiq: Dramatiq, active_jobs: FakeActiveJobs) -> None:
    middleware(active_jobs)

    terminate()
    terminate()

    assert (dramatiq.signals, active_jobs.given_back) == (1, 0)


def test_a_second_signal_returns_the_jobs_before_dramatiq_exits(
    dramatiq: Dramatiq, active_jobs: FakeActiveJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    middleware(active_jobs)
    terminate()
    monkeypatch.setattr(graceful_stop, "SIGNAL_WINDOW", 0.0)

    terminate()

    assert (dramatiq.signals, active_jobs.given_back) == (2, 1)


def test_jobs_that_take_too_long_are_returned(dramatiq: Dramatiq, active_jobs: FakeActiveJobs) -> None:
    middleware(active_jobs, timeout=0.0)

    terminate()
    while not active_jobs.given_back:
        pass

    assert dramatiq.signals == 1


def test_a_requested_stop_ends_the_process_with_its_exit_code_after_the_jobs_went_back(
    dramatiq: Dramatiq, active_jobs: FakeActiveJobs
) -> None:
    stop = middleware(active_jobs)

    stop.request(69)
    with pytest.raises(SystemExit) as ended:
        stop.after_worker_shutdown(dramatiq, None)  # type: ignore[arg-type]

    assert active_jobs.stopping
    assert ended.value.code == 69
    assert dramatiq.closed == 1


def test_every_other_shutdown_is_left_to_dramatiq(dramatiq: Dramatiq, active_jobs: FakeActiveJobs) -> None:
    stop = middleware(active_jobs)

    stop.before_worker_shutdown(dramatiq, None)  # type: ignore[arg-type]
    stop.after_worker_shutdown(dramatiq, None)  # type: ignore[arg-type]

    assert active_jobs.stopping
    assert dramatiq.closed == 0
