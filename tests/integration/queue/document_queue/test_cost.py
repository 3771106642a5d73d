"""What the queue asks of a shared server: commands while idle, steps that do not grow."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from devstack.backend import ATTEMPTS, QUEUE, FilotBackend
from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey
from service.errors import SettingsError
from service.queue import document_queue as module
from service.queue.document_queue import (
    LEASES_KEY,
    RETRY_KEY,
    WATCH_KEY,
    DocumentQueue,
    Settlement,
    connect_redis,
)
from service.settings import Settings
from tests.support.ids import CARD, FIRST, OTHER, SECOND
from tests.support.waiting import wait_until

QueueMaker = Callable[..., DocumentQueue]


class Clock:
    """A clock that a wait moves on, in the queue's module only."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def commands(backend: FilotBackend) -> int:
    """Commands that the server has run so far, those inside scripts included."""
    statistics: dict[str, Any] = backend.redis.info("commandstats")
    own = ("cmdstat_info", "cmdstat_auth", "cmdstat_hello", "cmdstat_client|setinfo", "cmdstat_select")
    return sum(each["calls"] for name, each in statistics.items() if name not in own)


def idle(document_queue: DocumentQueue, clock: Clock, seconds: int) -> None:
    """What the broker does while nothing waits; a wait takes a second by the clock, not by ours."""
    for _ in range(seconds):
        document_queue.return_due()
        assert document_queue.fetch(str(uuid.uuid4())) is None
        assert not document_queue.wait(0.001)
        clock.sleep(1)


@pytest.mark.parametrize("claiming", ["false", "true"])
def test_an_idle_worker_sends_at_most_two_commands_a_second(
    make_queue: QueueMaker, backend: FilotBackend, clock: Clock, claiming: str
) -> None:
    document_queue = make_queue(OCR_GPU_CLAIM_CPU_QUEUE=claiming)
    idle(document_queue, clock, 2)
    before = commands(backend)

    idle(document_queue, clock, 60)

    assert commands(backend) - before <= 120


def test_an_idle_worker_that_may_not_block_sends_as_few(
    make_queue: QueueMaker, backend: FilotBackend, clock: Clock
) -> None:
    document_queue = make_queue()
    document_queue._may_block = False
    idle(document_queue, clock, 2)
    before = commands(backend)

    idle(document_queue, clock, 60)

    assert commands(backend) - before <= 180


def test_a_retry_is_returned_when_it_is_due(
    make_queue: QueueMaker, backend: FilotBackend, clock: Clock
) -> None:
    document_queue = make_queue()
    backend.push(CARD)
    job = document_queue.fetch("token")
    assert job is not None
    document_queue.return_due()
    document_queue.finish(job.token, Settlement("retry", delay=2))
    backend.redis.zadd(RETRY_KEY, {CARD: 1})

    early = document_queue.return_due()
    clock.sleep(2)
    due = document_queue.return_due()

    assert (early, due) == ((0, 0), (0, 1))


def test_a_lease_is_returned_when_it_expires_although_another_worker_held_it(
    make_queue: QueueMaker, backend: FilotBackend, clock: Clock
) -> None:
    document_queue = make_queue()
    backend.push(CARD)
    document_queue.fetch("token")
    seconds, _ = backend.redis.time()
    backend.redis.set(WATCH_KEY, "1", ex=60)
    backend.redis.zadd(LEASES_KEY, {CARD: (seconds + 3) * 1000})
    document_queue.return_due()
    backend.redis.zadd(LEASES_KEY, {CARD: 1})

    early = document_queue.return_due()
    clock.sleep(3)
    due = document_queue.return_due()

    assert (early, due) == ((0, 0), (1, 0))


def test_after_an_error_the_next_look_asks(
    make_queue: QueueMaker, backend: FilotBackend, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_queue = make_queue()
    document_queue.return_due()
    backend.redis.set(QUEUE, "no list")
    with pytest.raises(redis.RedisError):
        document_queue.fetch("token")
    before = commands(backend)

    document_queue.return_due()

    assert commands(backend) > before


def test_one_worker_does_the_upkeep_for_all(make_queue: QueueMaker, backend: FilotBackend) -> None:
    first, second = make_queue(), make_queue()
    backend.redis.hset(ATTEMPTS, OTHER, "0")

    found = [first.reap([]), second.reap([]), first.reap([])]
    backend.redis.delete(f"{WATCH_KEY}:reap")
    by_second = second.reap([])

    assert found == [(0, {OTHER}), (0, set()), (0, {OTHER})]
    assert by_second == (0, {OTHER})
    assert backend.redis.pttl(f"{WATCH_KEY}:reap") > 0


def test_a_long_queue_is_not_searched_for_leftovers(make_queue: QueueMaker, backend: FilotBackend) -> None:
    document_queue = make_queue()
    backend.redis.hset(ATTEMPTS, OTHER, "0")
    backend.redis.rpush(QUEUE, *[str(uuid.uuid4()) for _ in range(module.MAX_WAITING + 1)])

    long = document_queue.reap([OTHER])
    backend.redis.ltrim(QUEUE, 0, 10)
    short = document_queue.reap([])

    assert long == (0, set())
    assert short == (0, {OTHER})


def test_many_members_without_a_worker_return_in_steps(
    make_queue: QueueMaker, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SCAN_STEP", 10)
    document_queue = make_queue()
    documents = [str(uuid.uuid4()) for _ in range(1200)]
    backend.redis.sadd("filot:ocr:gpu:processing", *documents)
    backend.redis.hset("filot:ocr:gpu:processing:timestamps", mapping=dict.fromkeys(documents, "1"))

    returned, _ = document_queue.reap([])

    assert returned == len(documents)
    assert set(backend.redis.lrange(QUEUE, 0, -1)) == set(documents)


def test_what_waits_twice_near_the_head_is_one_job(make_queue: QueueMaker, backend: FilotBackend) -> None:
    document_queue = make_queue()
    backend.redis.rpush(QUEUE, FIRST, SECOND, FIRST, FIRST)

    for expected in (FIRST, SECOND):
        job = document_queue.fetch(expected)
        assert job is not None
        assert job.document_id == expected
        document_queue.finish(job.token, Settlement("done"))

    assert document_queue.fetch("third") is None


@contextmanager
def as_user(backend: FilotBackend, settings: Settings, *rules: str) -> Iterator[redis.Redis]:
    """A client of a Redis user with these access rules."""
    backend.redis.execute_command("ACL", "SETUSER", "worker", "on", "nopass", *rules)
    client = connect_redis(settings)
    client.connection_pool.connection_kwargs.update(username="worker", password="x")
    try:
        yield client
    finally:
        client.close()
        backend.redis.execute_command("ACL", "DELUSER", "worker")


def test_without_the_right_to_block_the_list_is_polled(
    settings: Settings, backend: FilotBackend, clock: Clock
) -> None:
    with as_user(backend, settings, "+@all", "-@blocking", "~*", "&*") as client:
        document_queue = DocumentQueue(client, settings)

        nothing = document_queue.wait(1)
        backend.push(CARD)
        something = document_queue.wait(1)
        job = document_queue.fetch("token")

    assert (nothing, something) == (False, True)
    assert clock.now == 1001
    assert job is not None


@pytest.fixture
def cluster() -> Iterator[Valkey]:
    """A server in cluster mode that holds every slot."""
    with open_sandbox() as sandbox:
        server = Valkey(sandbox, cluster=True)
        server.start()
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"))
        yield server


def test_cluster_mode_is_refused_in_one_line(make_queue: QueueMaker, cluster: Valkey) -> None:
    document_queue = make_queue(REDIS_URL=cluster.url)

    with pytest.raises(SettingsError, match="cluster mode") as refused:
        document_queue.check_server()

    assert "\n" not in str(refused.value)


def test_a_single_server_is_accepted(make_queue: QueueMaker, backend: FilotBackend) -> None:
    make_queue().check_server()

    assert backend.redis.keys("*") == []
