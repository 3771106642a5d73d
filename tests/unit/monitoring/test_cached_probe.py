"""However many ask, a server is asked once; however silent it is, nobody waits for long."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from service.errors import UnavailableError
from service.monitoring import cached_probe
from service.monitoring.cached_probe import CachedProbe, ProbeResult

#: s, more than a test takes.
FRESH = 600.0

#: s that a look waits where an answer will come.
TIMEOUT = 60.0


class Server:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.error: Exception | None = None

    def read(self) -> int:
        self.asked += 1
        self.may_answer.wait(30)
        if self.error:
            raise self.error
        return self.asked


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.may_answer.set()


def outdate(asked: CachedProbe[int]) -> None:
    """The same as if the time for which an answer is fresh had passed."""
    asked._result_at -= FRESH


def test_many_viewers_at_once_cost_one_question(server: Server) -> None:
    asked = CachedProbe("test", server.read, FRESH)

    with ThreadPoolExecutor(8) as viewers:
        questions = [viewers.submit(asked.latest, TIMEOUT) for _ in range(8)]
        server.may_answer.set()
        answers = [each.result() for each in questions]

    assert answers == [ProbeResult(1)] * 8
    assert server.asked == 1


def test_an_answer_is_asked_for_again_when_it_is_no_longer_fresh(server: Server) -> None:
    server.may_answer.set()
    asked = CachedProbe("test", server.read, FRESH)

    first = asked.latest(TIMEOUT)
    outdate(asked)
    second = asked.latest(TIMEOUT)

    assert (first, second) == (ProbeResult(1), ProbeResult(2))


def test_nobody_waits_long_for_a_silent_server(server: Server) -> None:
    asked = CachedProbe("test", server.read, FRESH)

    answers = [asked.latest(0.01), asked.latest(0.01)]

    assert [answer.value for answer in answers] == [None, None]
    assert all(re.fullmatch(r"no answer for \d+ s", answer.problem) for answer in answers)
    assert server.asked == 1


def test_a_slow_answer_is_bridged_by_the_one_before(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached_probe, "STALE", FRESH)
    asked = CachedProbe("test", server.read, max_age=0)
    server.may_answer.set()
    asked.latest(TIMEOUT)
    server.may_answer.clear()

    bridged = asked.latest(0.01)
    asked._result_at -= cached_probe.STALE
    too_old = asked.latest(0.01)

    assert bridged == ProbeResult(1)
    assert too_old.value is None


def test_the_clock_and_a_viewer_share_one_question(server: Server) -> None:
    asked = CachedProbe("test", server.read, FRESH)
    asked.ask()

    with ThreadPoolExecutor(1) as clock:
        polled = clock.submit(asked.refresh)
        pending = asked.pending_for()
        server.may_answer.set()
        polled.result()
    asked.refresh()

    assert asked.result == ProbeResult(1)
    assert server.asked == 1
    assert pending > 0
    assert asked.pending_for() == 0


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (redis.ConnectionError("redis://:hunter2@cache"), "the connection broke"),
        (redis.AuthenticationError("WRONGPASS hunter2"), "it refuses the password or the user's name"),
        (UnavailableError("PostgreSQL is unavailable: it sleeps", "it sleeps"), "it sleeps"),
        (UnavailableError("no connection was free"), "no connection was free"),
        (ValueError("hunter2"), "the check failed"),
    ],
)
def test_the_reason_of_no_answer_is_a_few_words(server: Server, error: Exception, problem: str) -> None:
    server.error = error
    server.may_answer.set()

    assert CachedProbe("test", server.read, FRESH).latest(TIMEOUT).problem == problem
