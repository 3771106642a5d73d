"""When a worker counts as making progress: its heartbeat in CloudWatch, and so an alarm, depends on it."""

import re
from dataclasses import dataclass

import pytest

from service.monitoring.backlog import Backlog
from service.monitoring.health import HUNG_AFTER, Health, Progress
from service.monitoring.poller import Poller
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import DocumentQueue, connect_redis
from service.reading.ocr.devices import Devices
from service.settings import Settings
from service.store.database import Database
from tests.support.polled import set_answers


@dataclass(frozen=True, slots=True)
class Parts:
    active_jobs: ActiveJobs
    poller: Poller
    health: Health
    progress: Progress


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    """Those of a worker whose servers answered the latest poll."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("OCR_GPU_DRIVER", "onnx")
    settings = Settings()
    client = connect_redis(settings)
    poller = Poller(client, Database("postgresql://127.0.0.1:1/none", 1), settings)
    set_answers(poller)
    devices = Devices(settings)
    devices.probe()
    active_jobs = ActiveJobs(DocumentQueue(client, settings), limit=2)
    health = Health(0, active_jobs, devices, poller, settings.job_timeout)
    return Parts(active_jobs, poller, health, Progress(health.alive, active_jobs, poller))


def outage_of(active_jobs: ActiveJobs, seconds: float) -> None:
    """Let every job have been put off for so long, because of a server that is away."""
    active_jobs.note_outage()
    active_jobs._outage_since -= seconds


def seconds_in(sentence: str, problem: str) -> int:
    """Return the s that a problem names; some have passed since the test set the clock back."""
    found = re.fullmatch(sentence, problem)
    assert found, problem
    return int(found[1])


def test_an_idle_worker_makes_progress(parts: Parts) -> None:
    assert parts.progress.problems() == []


def test_a_paused_worker_makes_none(parts: Parts) -> None:
    parts.active_jobs.pause("gpu", "no GPU (it is lost) and OCR_GPU_AUTOFALLBACK is false")

    assert parts.progress.problems() == ["no GPU (it is lost) and OCR_GPU_AUTOFALLBACK is false"]
    assert parts.health.alive() == []


def test_a_worker_that_hangs_makes_none(parts: Parts) -> None:
    parts.active_jobs.last_look -= HUNG_AFTER + 1

    (problem,) = parts.progress.problems()

    assert HUNG_AFTER < seconds_in(r"the queue has not been polled for (\d+) s", problem) < 2 * HUNG_AFTER


def test_servers_that_are_away_are_named(parts: Parts) -> None:
    # Nobody listens at the addresses of the fixture.
    for task in parts.poller.tasks():
        task()

    assert parts.progress.problems() == [
        "Redis did not answer the latest poll (nothing listens on that port)",
        "PostgreSQL did not answer the latest poll (nothing listens on that port)",
    ]


def test_a_missing_right_is_named_and_the_worker_is_not_ready(parts: Parts) -> None:
    set_answers(parts.poller, obstacles=["our user lacks UPDATE on documents (status)"])

    problem = "PostgreSQL cannot be used: our user lacks UPDATE on documents (status)"
    assert parts.progress.problems() == [problem]
    assert parts.health.ready() == [problem]
    assert parts.health.alive() == []


@pytest.mark.parametrize("waits", [{"waiting": 1}, {"put_off": 1}])
def test_a_worker_that_only_puts_documents_off_makes_none(parts: Parts, waits: dict[str, int]) -> None:
    counts = {"waiting": 0, "processing": 0, "put_off": 0} | waits
    set_answers(parts.poller, Backlog(**counts, oldest_waiting=0.0))
    outage_of(parts.active_jobs, HUNG_AFTER + 1)

    during = parts.progress.problems()
    parts.active_jobs.note_success()

    (problem,) = during
    assert HUNG_AFTER < seconds_in(r"no document has been finished for (\d+) s", problem) < 2 * HUNG_AFTER
    assert parts.progress.problems() == []


def test_a_short_outage_or_one_that_nothing_waits_for_is_no_problem(parts: Parts) -> None:
    outage_of(parts.active_jobs, HUNG_AFTER + 1)
    nothing_waits = parts.progress.problems()
    parts.active_jobs.note_success()
    outage_of(parts.active_jobs, HUNG_AFTER - 10)
    set_answers(parts.poller, Backlog(waiting=0, processing=1, put_off=1, oldest_waiting=0.0))

    assert nothing_waits == []
    assert parts.progress.problems() == []
