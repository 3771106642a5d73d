"""When a worker counts as getting on with its work: what its heartbeat, and so an alarm, hangs on."""

import re

import pytest

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.health import HUNG_AFTER, Health, Progress
from service.monitoring.sampler import Sampler
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import DocumentQueue, connect_redis
from service.reading.ocr.devices import Devices
from service.settings import Settings
from service.store.database import Database

NOTHING_WAITS = Backlog(waiting=0, processing=0, put_off=0, oldest_waiting=0.0)


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Of a worker whose servers answered the latest look."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("OCR_GPU_DRIVER", "onnx")
    settings = Settings()
    client, database = connect_redis(settings), Database("postgresql://127.0.0.1:1/none", 1)
    sampler = Sampler(settings, client, database)
    sampler.backlog = NOTHING_WAITS
    sampler.outbox_backlog = OutboxBacklog(
        dead=0, given_up=0, undelivered={"result": (0, 0.0), "review": (0, 0.0)}
    )
    devices = Devices(settings)
    devices.probe()
    return Progress(Health(0, ActiveJobs(DocumentQueue(client, settings), limit=2), devices, sampler))


def in_vain_for(progress: Progress, seconds: float) -> ActiveJobs:
    """A worker whose jobs have been put off for so long, because of a server that is away."""
    active_jobs = progress.health.active_jobs
    active_jobs.note_outage()
    active_jobs._outage_since -= seconds
    return active_jobs


def told_seconds(sentence: str, problem: str) -> int:
    """The s that a problem names; some have passed since the test set the clock back."""
    found = re.fullmatch(sentence, problem)
    assert found, problem
    return int(found[1])


def test_a_worker_with_nothing_to_do_gets_on(progress: Progress) -> None:
    assert progress.problems() == []


def test_a_worker_that_may_take_nothing_does_not(progress: Progress) -> None:
    progress.health.active_jobs.pause("gpu", "no GPU (it is lost) and OCR_GPU_AUTOFALLBACK is false")

    assert progress.problems() == ["no GPU (it is lost) and OCR_GPU_AUTOFALLBACK is false"]
    assert progress.health.alive() == []


def test_a_worker_that_hangs_does_not(progress: Progress) -> None:
    progress.health.active_jobs.last_look -= HUNG_AFTER + 1

    (problem,) = progress.problems()

    assert HUNG_AFTER < told_seconds(r"no look for work for (\d+) s.*", problem) < 2 * HUNG_AFTER


def test_servers_that_are_away_are_named(progress: Progress) -> None:
    # Nobody listens at the addresses of the fixture.
    for look in progress.health.sampler.looks():
        look()

    assert progress.problems() == [
        "Redis did not answer the latest look",
        "PostgreSQL did not answer the latest look",
    ]


@pytest.mark.parametrize("waits", [{"waiting": 1}, {"put_off": 1}])
def test_a_worker_that_only_puts_documents_off_does_not(progress: Progress, waits: dict[str, int]) -> None:
    counts = {"waiting": 0, "processing": 0, "put_off": 0} | waits
    progress.health.sampler.backlog = Backlog(**counts, oldest_waiting=0.0)
    active_jobs = in_vain_for(progress, HUNG_AFTER + 1)

    in_vain = progress.problems()
    active_jobs.note_success()

    (problem,) = in_vain
    assert HUNG_AFTER < told_seconds(r"no document has got through for (\d+) s", problem) < 2 * HUNG_AFTER
    assert progress.problems() == []


def test_trouble_that_is_young_or_that_nothing_waits_for_any_more_is_none(progress: Progress) -> None:
    in_vain_for(progress, HUNG_AFTER + 1)
    nothing_waits = progress.problems()
    progress.health.active_jobs.note_success()
    in_vain_for(progress, HUNG_AFTER - 10)
    progress.health.sampler.backlog = Backlog(waiting=0, processing=1, put_off=1, oldest_waiting=0.0)

    assert nothing_waits == []
    assert progress.problems() == []
