"""Queue lengths and ages, read from a real Redis whose lists hold bare ids."""

import json
import time

import pytest

from devstack.backend import PROCESSING, QUEUE, FilotBackend
from service.monitoring.backlog import CLAIMABLE_MARKS_KEY, MARKS_KEY, read_outbox_backlog
from service.monitoring.heartbeat import HEARTBEAT_PREFIX, SEEN_KEY, WorkerState
from service.monitoring.status import MAX_SEARCH, TrafficReader
from service.queue.document_queue import CPU_QUEUE_KEY, connect_redis
from service.settings import Settings
from service.store import dead_letters, outbox
from service.store.database import Database
from tests.support.waiting import wait_until

MINUTE = 60_000


@pytest.fixture
def reader(settings: Settings) -> TrafficReader:
    return TrafficReader(connect_redis(settings), settings)


@pytest.fixture
def claiming(settings: Settings) -> TrafficReader:
    """One that takes documents from the backend's CPU list as well."""
    return TrafficReader(connect_redis(settings), settings.model_copy(update={"claim_cpu_queue": True}))


def minutes_pass(backend: FilotBackend, minutes: float, marks: str = MARKS_KEY) -> None:
    """Move every mark into the past: the same as if that time had passed since."""
    for mark in map(str, backend.redis.zrange(marks, 0, -1)):
        backend.redis.zincrby(marks, -minutes * MINUTE, mark)


def test_an_empty_queue_has_no_age_and_leaves_no_key(reader: TrafficReader, backend: FilotBackend) -> None:
    backlog = reader.read().backlog

    assert (backlog.waiting, backlog.processing, backlog.put_off, backlog.oldest_waiting) == (0, 0, 0, 0.0)
    assert backend.redis.keys("*") == []


def test_the_age_is_that_of_the_oldest_although_others_came_later(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    first = reader.read().backlog
    minutes_pass(backend, 10)
    backend.redis.rpush(QUEUE, "c")
    second = reader.read().backlog
    minutes_pass(backend, 5)

    third = reader.read().backlog

    assert [round(each.oldest_waiting / 60) for each in (first, second, third)] == [0, 10, 15]
    assert [each.waiting for each in (first, second, third)] == [2, 3, 3]


def test_the_age_falls_to_that_of_the_next_when_the_oldest_are_taken(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    reader.read()
    minutes_pass(backend, 10)
    backend.redis.rpush(QUEUE, "c")
    reader.read()
    minutes_pass(backend, 5)

    backend.redis.lpop(QUEUE, 1)
    one_taken = reader.read().backlog
    backend.redis.lpop(QUEUE, 1)
    both_taken = reader.read().backlog
    backend.redis.lpop(QUEUE, 1)
    reader.read()

    assert round(one_taken.oldest_waiting / 60) == 15
    assert round(both_taken.oldest_waiting / 60) == 5
    assert backend.redis.keys("*") == []


def test_a_document_that_goes_back_to_the_head_hides_no_age(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a")
    reader.read()
    minutes_pass(backend, 10)
    backend.redis.lpush(QUEUE, "returned")

    backlog = reader.read().backlog

    assert round(backlog.oldest_waiting / 60) == 10


def test_reading_writes_to_no_key_of_the_backend(reader: TrafficReader, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    backend.redis.sadd(PROCESSING, "c")

    backlog = reader.read().backlog

    assert (backlog.waiting, backlog.processing) == (2, 1)
    assert backend.redis.lrange(QUEUE, 0, -1) == ["a", "b"]
    assert backend.redis.smembers(PROCESSING) == {"c"}
    assert set(map(str, backend.redis.keys("*"))) == {QUEUE, PROCESSING, MARKS_KEY}
    assert backend.redis.ttl(MARKS_KEY) > 0


def test_what_is_undelivered_is_counted_with_its_age(database: Database, backend: FilotBackend) -> None:
    delivered, undelivered, given_up = (backend.add_document(b"picture") for _ in range(3))
    with database.transaction() as cursor:
        for document_id in (delivered, undelivered, given_up):
            outbox.put_review(cursor, document_id, document_id, "correlation")
        dead_letters.put(cursor, delivered, delivered, 3, "EngineError")
    age = "UPDATE ocr_worker.outbox SET created_at = now() - interval '1 hour' WHERE document_id = %s"
    backend.execute(age, undelivered)
    backend.execute("UPDATE ocr_worker.outbox SET told_at = now() WHERE document_id = %s", delivered)
    backend.execute("UPDATE ocr_worker.outbox SET given_up_at = now() WHERE document_id = %s", given_up)

    with database.transaction() as cursor:
        outbox_backlog = read_outbox_backlog(cursor)

    assert (outbox_backlog.dead, outbox_backlog.given_up) == (1, 1)
    assert outbox_backlog.undelivered["result"] == (0, 0.0)
    count, seconds = outbox_backlog.undelivered["review"]
    assert (count, round(seconds / 60)) == (1, 60)


def test_a_queue_that_nobody_has_read_is_as_old_as_its_latest_change(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b")
    # Asking for the idle time is the one command that does not end it.
    wait_until(lambda: int(backend.redis.object("IDLETIME", QUEUE)) >= 2)

    backlog = reader.read().backlog

    assert backlog.oldest_waiting >= 2


def test_an_age_survives_a_backlog_too_long_to_search(reader: TrafficReader, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, *(f"early-{number}" for number in range(3 * MAX_SEARCH)))
    reader.read()
    minutes_pass(backend, 10)
    backend.redis.rpush(QUEUE, *(f"late-{number}" for number in range(3 * MAX_SEARCH)))
    reader.read()
    minutes_pass(backend, 5)

    whole = reader.read().backlog
    backend.redis.ltrim(QUEUE, 3 * MAX_SEARCH, -1)
    early_taken = reader.read().backlog
    backend.redis.ltrim(QUEUE, 2 * MAX_SEARCH + 1, -1)
    near_the_end = reader.read().backlog

    assert round(whole.oldest_waiting / 60) == 15
    # Too high while the next mark is far from the head, and right again as soon as it is near.
    assert round(early_taken.oldest_waiting / 60) == 15
    assert round(near_the_end.oldest_waiting / 60) == 5


def test_both_lists_are_counted_and_shown_apart(claiming: TrafficReader, backend: FilotBackend) -> None:
    backend.redis.rpush(QUEUE, "a")
    backend.redis.rpush(CPU_QUEUE_KEY, "b", "c")
    claiming.read()
    minutes_pass(backend, 10, CLAIMABLE_MARKS_KEY)

    backlog = claiming.read().backlog

    assert (backlog.waiting, backlog.claimable) == (3, 2)
    assert round(backlog.oldest_waiting / 60) == 10
    assert backend.redis.lrange(CPU_QUEUE_KEY, 0, -1) == ["b", "c"]


def test_the_cpu_list_is_counted_apart_while_no_worker_takes_from_it(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(CPU_QUEUE_KEY, "b")

    backlog = reader.read().backlog

    assert (backlog.waiting, backlog.claimable, backlog.oldest_waiting) == (0, 0, 0.0)
    assert backlog.not_taken == 1


def test_the_workers_say_whether_the_cpu_list_is_a_source(
    reader: TrafficReader, backend: FilotBackend
) -> None:
    backend.redis.rpush(CPU_QUEUE_KEY, "b")
    for worker, claims in (("one:1", False), ("two:2", True)):
        state = WorkerState(worker=worker, claims_cpu_queue=claims)
        backend.redis.set(f"{HEARTBEAT_PREFIX}{worker}", json.dumps(state.written()))
        backend.redis.zadd(SEEN_KEY, {worker: time.time()})

    backlog = reader.read().backlog

    assert (backlog.waiting, backlog.claimable, backlog.not_taken) == (1, 1, None)
