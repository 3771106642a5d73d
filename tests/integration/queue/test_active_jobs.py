"""What one process takes, and when."""

import time
from collections.abc import Callable

import pytest
import redis

from devstack.backend import QUEUE, FilotBackend
from devstack.servers import FilotStack
from service.queue.active_jobs import LONGEST_PAUSE, InHand
from service.queue.broker import DocumentConsumer
from service.queue.document_queue import LEASES_KEY, Ledger, Settlement, connect_redis
from service.settings import Settings

DONE = Settlement("done")


@pytest.fixture
def in_hand(settings: Settings) -> InHand:
    return InHand(Ledger(connect_redis(settings), settings), limit=2)


@pytest.fixture
def consumer(in_hand: InHand, settings: Settings) -> DocumentConsumer:
    consumer = DocumentConsumer(in_hand, settings)
    consumer.poll = 0.01
    return consumer


def take_all(consumer: DocumentConsumer) -> list[str]:
    """What the worker's threads are given until nothing more comes."""
    taken = []
    while message := next(consumer):
        taken.append(str(message.args[0]))
    return taken


def settle(in_hand: InHand, document_id: str) -> None:
    (token,) = [token for token, job in in_hand._jobs.items() if job.document_id == document_id]
    in_hand.settle(token, DONE)


def kill_holder(backend: FilotBackend, in_hand: InHand) -> None:
    """As if the process that holds these jobs had died long ago."""
    for document_id in backend.redis.zrange(LEASES_KEY, 0, -1):
        backend.redis.zadd(LEASES_KEY, {str(document_id): 1})
    in_hand._jobs.clear()
    in_hand.ledger.return_due()


def test_no_more_jobs_are_taken_than_there_are_threads(
    consumer: DocumentConsumer, in_hand: InHand, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b", "c")

    first = take_all(consumer)
    settle(in_hand, "a")
    then = take_all(consumer)

    assert (first, then) == (["a", "b"], ["c"])


def test_a_job_whose_worker_died_works_alone(
    consumer: DocumentConsumer, in_hand: InHand, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "suspect")
    take_all(consumer)
    kill_holder(backend, in_hand)
    backend.redis.lpush(QUEUE, "before")
    backend.redis.rpush(QUEUE, "after")

    beside = take_all(consumer)
    settle(in_hand, "before")
    alone = take_all(consumer)
    settle(in_hand, "suspect")
    then = take_all(consumer)

    assert (beside, alone, then) == (["before"], ["suspect"], ["after"])


def pause(in_hand: InHand) -> None:
    """Note trouble until the pause is the longest: the first is over before a slow machine has looked."""
    before = time.monotonic()
    while in_hand._paused_until < before + LONGEST_PAUSE:
        in_hand.note_trouble()


@pytest.mark.parametrize("forbid", [InHand.stop_taking, lambda in_hand: in_hand.hold("gpu", "no GPU"), pause])
def test_nothing_is_taken_while_stopping_held_or_pausing(
    consumer: DocumentConsumer, in_hand: InHand, backend: FilotBackend, forbid: Callable[[InHand], None]
) -> None:
    backend.redis.rpush(QUEUE, "a")

    forbid(in_hand)
    taken = take_all(consumer)

    assert taken == []
    assert backend.redis.llen(QUEUE) == 1


def test_what_is_in_hand_at_the_end_goes_back_to_the_head(
    consumer: DocumentConsumer, in_hand: InHand, backend: FilotBackend
) -> None:
    backend.redis.rpush(QUEUE, "a", "b", "c")
    take_all(consumer)

    in_hand.give_back()

    assert sorted(backend.redis.lrange(QUEUE, 0, 1)) == ["a", "b"]
    assert in_hand.tokens() == []


def test_a_consumer_survives_redis(
    consumer: DocumentConsumer, backend: FilotBackend, stack: FilotStack
) -> None:
    stack.valkey.kill()
    without = next(consumer)
    stack.valkey.start()
    backend.redis.rpush(QUEUE, "a")

    assert without is None
    assert take_all(consumer) == ["a"]


def test_room_is_made_only_when_the_ledger_knows(
    consumer: DocumentConsumer, in_hand: InHand, backend: FilotBackend, stack: FilotStack
) -> None:
    backend.redis.rpush(QUEUE, "a")
    take_all(consumer)
    stack.valkey.kill()

    with pytest.raises(redis.RedisError):
        settle(in_hand, "a")
    stack.valkey.start()

    assert len(in_hand.tokens()) == 1
