"""`make bench-queue`: how long Redis is busy with each operation of the queue, by the length of the queue."""

import argparse
import os
import statistics
import uuid
from collections.abc import Callable
from typing import Any

from redis import Redis
from rich.console import Console
from rich.table import Table

from devstack.servers.sandbox import open_sandbox
from devstack.servers.valkey import Valkey
from service.queue.document_queue import TOKENS_KEY, DocumentQueue, Job, Settlement, connect_redis
from service.settings import Settings

#: Documents that wait.
LENGTHS = (100, 10_000, 1_000_000)

#: Times that each operation is measured.
REPEATS = 50


def main() -> None:
    """Measure every operation at every length and print the medians."""
    parser = argparse.ArgumentParser(prog="python -m bench.redis_cost", description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS)
    lengths = parser.parse_args().lengths
    table = Table(
        "operation", *(f"{length:,} waiting" for length in lengths), title="ms that Redis is busy, median"
    )
    columns = [measure(length) for length in lengths]
    for name in columns[0]:
        table.add_row(name, *(f"{column[name]:.2f}" for column in columns))
    Console(soft_wrap=True).print(table)


def measure(length: int) -> dict[str, float]:
    """The median of each operation in ms while so many documents wait."""
    with open_sandbox() as sandbox:
        server = Valkey(sandbox)
        server.start()
        os.environ["REDIS_URL"] = server.url
        settings = Settings()
        with connect_redis(settings) as client:
            fill(client, settings, length)
            return operations(DocumentQueue(client, settings))


def fill(client: Redis, settings: Settings, length: int) -> None:
    """Enqueue as the backend does."""
    for start in range(0, length, 10_000):
        ids = [str(uuid.uuid4()) for _ in range(min(10_000, length - start))]
        client.rpush(settings.queue_key, *ids)
        client.hset(settings.attempts_key, mapping=dict.fromkeys(ids, "0"))
        client.hset("filot:ocr:gpu:correlation", mapping={each: each for each in ids})


def operations(queue: DocumentQueue) -> dict[str, float]:
    """Measure on a queue that holds documents."""
    some = [str(each) for each in queue.client.lrange(queue.settings.queue_key, -500, -1)]
    requeue = Settlement("requeue", counts=False)

    def fetch() -> Job:
        job = queue.fetch(str(uuid.uuid4()))
        assert job is not None
        return job

    def finish(settlement: Settlement) -> Callable[[Job], object]:
        return lambda job: queue.finish(job.token, settlement)

    def nothing() -> None:
        pass

    def median(
        operation: Callable[..., object],
        before: Callable[[], object] = nothing,
        after: Callable[[], object] = nothing,
    ) -> float:
        return statistics.median(_busy(queue.client, operation, before, after) for _ in range(REPEATS))

    def return_all() -> None:
        for token in queue.client.hkeys(TOKENS_KEY):
            queue.finish(str(token), requeue)

    return {
        "fetch": median(lambda _: fetch(), after=return_all),
        "renew": median(lambda job: queue.renew([job.token]), fetch, return_all),
        "finish: back to the list": median(finish(requeue), fetch),
        "finish: retry": median(finish(Settlement("retry")), fetch),
        f"return {REPEATS} retries": _busy(
            queue.client, lambda _: queue.return_due(at_once=True), nothing, nothing
        ),
        "return due, nothing is": median(lambda _: queue.return_due(at_once=True)),
        "finish: done": median(finish(Settlement("done")), fetch),
        "known, 500 ids": median(lambda _: queue.known(some)),
        "reap": median(lambda _: queue.reap([])),
        "enqueue (LPOS, as the backend does)": median(lambda _: queue.enqueue(str(uuid.uuid4()))),
    }


def _busy(
    client: Redis,
    operation: Callable[..., object],
    before: Callable[[], object],
    after: Callable[[], object],
) -> float:
    """ms that the server works on one operation; what runs before and after is not measured."""
    argument = before()
    client.config_resetstat()
    operation(argument)
    calls: dict[str, Any] = client.info("commandstats")
    after()
    # A script's time includes that of its commands.
    scripts = calls.get("cmdstat_evalsha")
    measured = [scripts] if scripts else [each for name, each in calls.items() if "config" not in name]
    return sum(float(each["usec"]) for each in measured) / 1000


if __name__ == "__main__":
    main()
