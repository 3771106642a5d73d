"""How a worker hears of an operator's pause, and of its end, without asking all the time."""

from collections.abc import Iterator

import pytest

from devstack.backend import QUEUE, FilotBackend
from service.queue.active_jobs import ActiveJobs
from service.queue.broker import DocumentConsumer
from service.queue.document_queue import DocumentQueue
from service.queue.operator_pause import PAUSE_KEY, PauseWatch, pause, resume
from service.settings import Settings
from tests.support.ids import CARD


@pytest.fixture
def active_jobs(document_queue: DocumentQueue) -> Iterator[ActiveJobs]:
    jobs = ActiveJobs(document_queue, limit=2)
    yield jobs
    jobs.close()


@pytest.fixture
def consumer(document_queue: DocumentQueue, active_jobs: ActiveJobs, settings: Settings) -> DocumentConsumer:
    consumer = DocumentConsumer(document_queue, active_jobs, settings)
    consumer.poll_interval = 0.01
    return consumer


@pytest.fixture
def watch(document_queue: DocumentQueue, active_jobs: ActiveJobs) -> PauseWatch:
    return PauseWatch(document_queue.client, active_jobs)


def scripts_run(backend: FilotBackend) -> int:
    return int(backend.redis.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_a_refused_fetch_ends_the_polling_of_a_list_that_is_not_empty(
    consumer: DocumentConsumer, active_jobs: ActiveJobs, watch: PauseWatch, backend: FilotBackend
) -> None:
    backend.push(CARD)
    pause(backend.redis, "budi@desk", "new disk", None)
    assert next(consumer) is None
    before = scripts_run(backend)

    messages = [next(consumer) for _ in range(20)]
    reasons = active_jobs.pause_reasons()
    watch.look()

    assert messages == [None] * 20
    assert scripts_run(backend) == before
    assert reasons == ["paused by an operator"]
    assert "budi@desk" in active_jobs.pause_reasons()[0]
    assert backend.redis.lrange(QUEUE, 0, -1) == [CARD]


def test_the_end_of_a_pause_is_seen_by_the_next_look(
    consumer: DocumentConsumer, watch: PauseWatch, backend: FilotBackend
) -> None:
    backend.push(CARD)
    pause(backend.redis, "budi@desk", "new disk", None)
    assert next(consumer) is None
    resume(backend.redis)

    watch.look()
    message = next(consumer)

    assert message is not None
    assert message.args == (CARD,)


def test_a_worker_that_is_not_paused_does_not_ask(watch: PauseWatch, backend: FilotBackend) -> None:
    pause(backend.redis, "budi@desk", "new disk", None)

    watch.look()

    assert watch.active_jobs.pause_reasons() == []
    watch.note(str(backend.redis.get(PAUSE_KEY)))
    assert "new disk" in watch.active_jobs.pause_reasons()[0]
    watch.note(None)
    assert watch.active_jobs.pause_reasons() == []
