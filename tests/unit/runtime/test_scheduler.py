"""Tasks run at their intervals; an outage, or a task that hangs, is one line in the log."""

import threading
from collections.abc import Iterator

import pytest
import redis
from structlog.testing import capture_logs

from service.runtime.scheduler import Scheduler

#: s that no test comes near.
LONG = 600.0


class FakeHeartbeat:
    """Counts heartbeats."""

    def __init__(self) -> None:
        self.beats = 0
        self.deregistered = 0

    def beat(self) -> None:
        self.beats += 1

    def deregister(self) -> None:
        self.deregistered += 1
        raise redis.ConnectionError("away")


class Unanswering:
    """The servers that do not answer, as a test says."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def __call__(self) -> list[str]:
        return self.sentences


@pytest.fixture
def heartbeat() -> FakeHeartbeat:
    return FakeHeartbeat()


@pytest.fixture
def unanswering() -> Unanswering:
    return Unanswering()


@pytest.fixture
def scheduler(heartbeat: FakeHeartbeat, unanswering: Unanswering) -> Iterator[Scheduler]:
    scheduler = Scheduler(heartbeat, unanswering)  # type: ignore[arg-type]
    yield scheduler
    scheduler.close()


class Task:
    """Counts its runs; fails or waits as a test says."""

    def __init__(self) -> None:
        self.ran = threading.Semaphore(0)
        self.failure: Exception | None = None
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self) -> None:
        self.ran.release()
        self.go_on.wait()
        if self.failure is not None:
            raise self.failure


def test_the_heartbeat_is_written_at_the_start_and_removed_once_at_the_end(
    scheduler: Scheduler, heartbeat: FakeHeartbeat
) -> None:
    scheduler.start()
    beats = heartbeat.beats
    scheduler.stop()
    scheduler.close()

    assert beats == 1
    assert heartbeat.deregistered == 1


def test_a_task_runs_again_and_again(scheduler: Scheduler) -> None:
    task = Task()
    scheduler.every(0.01, task.run)

    scheduler.start()

    assert all(task.ran.acquire(timeout=30) for _ in range(3))


def test_a_task_can_run_at_once(scheduler: Scheduler) -> None:
    task = Task()
    scheduler.every(LONG, task.run, at_once=True)

    scheduler.start()

    assert task.ran.acquire(timeout=30)


def test_an_outage_is_logged_once_and_the_task_is_called_again(scheduler: Scheduler) -> None:
    task = Task()
    # The client's own text may quote what it was given.
    task.failure = redis.ConnectionError("AUTH failed for redis://:secret@host")
    scheduler.every(0.01, task.run)

    with capture_logs() as lines:
        scheduler.start()
        for _ in range(4):
            assert task.ran.acquire(timeout=30)

    failed = [line for line in lines if line["event"] == "task_failed"]
    assert [(line["task"], line["reason"]) for line in failed] == [
        ("Task.run", "Redis is away: the connection broke")
    ]


def test_a_task_that_hangs_is_logged_with_its_cause_and_when_it_continues(
    scheduler: Scheduler, unanswering: Unanswering
) -> None:
    task = Task()
    task.go_on.clear()
    unanswering.sentences = ["Redis has not answered for 5 s"]
    scheduler.every(0.01, task.run)

    with capture_logs() as lines:
        scheduler.start()
        while not lines:
            task.ran.acquire(timeout=0.01)
        unanswering.sentences = []
        task.go_on.set()
        while len(lines) < 2:
            task.ran.acquire(timeout=0.01)

    assert [line["event"] for line in lines] == ["task_hangs", "tasks_go_on"]
    assert lines[0]["task"] == "Task.run"
    assert lines[0]["reason"].startswith("Redis has not answered for 5 s: ")


def test_closing_waits_for_running_tasks(scheduler: Scheduler) -> None:
    task = Task()
    task.go_on.clear()
    scheduler.every(LONG, task.run, at_once=True)
    scheduler.start()
    assert task.ran.acquire(timeout=30)
    closed = threading.Thread(target=scheduler.close)

    closed.start()
    closed.join(0.2)
    while_running = closed.is_alive()
    task.go_on.set()
    closed.join(30)

    assert while_running
    assert not closed.is_alive()
