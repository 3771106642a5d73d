"""Active jobs and the consumer: what one process fetches, and when."""

import time
from collections.abc import Callable

import pytest
import redis

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from service.queue.active_jobs import MAX_PAUSE, ActiveJobs
from service.queue.broker import DocumentConsumer
from service.queue.document_queue import LEASES_KEY, DocumentQueue, Settlement, connect_redis
from service.settings import Settings
from tests.support.ids import CARD, FIRST, NEXT, OTHER, SECOND, THIRD

DONE = Settlement("done")


@pytest.fixture
def active_jobs(settings: Settings) -> ActiveJobs:
    return ActiveJobs(DocumentQueue(connect_redis(settings), settings), limit=2)


@pytest.fixture
def consumer(active_jobs: ActiveJobs, settings: Settings) -> DocumentConsumer:
    consumer = DocumentConsumer(active_jobs.document_queue, active_jobs, settings)
    consumer.poll_interval = 0.01
    return consumer


def take_all(consumer: DocumentConsumer) -> list[str]:
    """What the worker's threads are given until nothing more comes."""
    taken = []
    while message := next(consumer):
        taken.append(str(message.args[0]))
    return taken


def finish(active_jobs: ActiveJobs, document_id: str) -> None:
    (token,) = [token for token, job in active_jobs._jobs.items() if job.document_id == document_id]
    active_jobs.finish(token, DONE)


def kill_holder(backend: FilotBackend, active_jobs: ActiveJobs) -> None:
    """As if the process that holds these jobs had died long ago."""
    for document_id in backend.redis.zrange(LEASES_KEY, 0, -1):
        backend.redis.zadd(LEASES_KEY, {str(document_id): 1})
    active_jobs._jobs.clear()
    active_jobs.document_queue.return_due(at_once=True)


def test_no_more_jobs_are_fetched_than_there_are_slots(
    consumer: DocumentConsumer, active_jobs: ActiveJobs, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, FIRST, SECOND, THIRD)

    first = take_all(consumer)
    finish(active_jobs, FIRST)
    then = take_all(consumer)

    assert (first, then) == ([FIRST, SECOND], [THIRD])


def test_a_quarantined_job_runs_alone(
    consumer: DocumentConsumer, active_jobs: ActiveJobs, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, CARD)
    take_all(consumer)
    kill_holder(backend, active_jobs)
    backend.redis.lpush(QUEUE, NEXT)
    backend.redis.rpush(QUEUE, OTHER)

    beside = take_all(consumer)
    finish(active_jobs, NEXT)
    alone = take_all(consumer)
    finish(active_jobs, CARD)
    then = take_all(consumer)

    assert (beside, alone, then) == ([NEXT], [CARD], [OTHER])


def pause(active_jobs: ActiveJobs) -> None:
    """Note trouble until the pause is the longest: the first is over before a slow machine has looked."""
    before = time.monotonic()
    while active_jobs._paused_until < before + MAX_PAUSE:
        active_jobs.note_outage()


@pytest.mark.parametrize(
    "forbid", [ActiveJobs.stop_fetching, lambda active_jobs: active_jobs.pause("gpu", "no GPU"), pause]
)
def test_nothing_is_fetched_while_stopping_or_paused(
    consumer: DocumentConsumer,
    active_jobs: ActiveJobs,
    backend: FilotBackend,
    forbid: Callable[[ActiveJobs], None],
) -> None:
    backend.redis.rpush(QUEUE, FIRST)

    forbid(active_jobs)
    taken = take_all(consumer)

    assert taken == []
    assert backend.redis.llen(QUEUE) == 1


def test_active_jobs_go_back_to_the_head_at_the_end(
    consumer: DocumentConsumer, active_jobs: ActiveJobs, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, FIRST, SECOND, THIRD)
    take_all(consumer)

    active_jobs.give_back()

    assert set(backend.redis.lrange(QUEUE, 0, 1)) == {FIRST, SECOND}
    assert active_jobs.tokens() == []


def test_a_consumer_survives_an_outage_of_redis(
    consumer: DocumentConsumer, backend: FilotBackend, stack: FilotStack
) -> None:
    stack.valkey.kill()
    without = next(consumer)
    stack.valkey.start()
    backend.redis.rpush(QUEUE, FIRST)

    assert without is None
    assert take_all(consumer) == [FIRST]


def test_a_slot_is_freed_only_once_redis_has_finished_the_job(
    consumer: DocumentConsumer, active_jobs: ActiveJobs, backend: FilotBackend, stack: FilotStack
) -> None:
    backend.redis.rpush(QUEUE, FIRST)
    take_all(consumer)
    stack.valkey.kill()

    with pytest.raises(redis.RedisError):
        finish(active_jobs, FIRST)
    stack.valkey.start()

    assert len(active_jobs.tokens()) == 1
