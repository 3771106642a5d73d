"""`make bench-latency`: how long a document takes from push to published result, at several loads.

Arrivals are open-loop: documents are pushed at moments drawn beforehand (a Poisson process), however far
behind the worker is. Timed in a client that waits for results only, the way a user waits.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.contenders import Pipeline
from bench.machine import describe_machine, usable_cores
from bench.markdown import replace_block
from bench.throughput import bench_cards
from devstack.backend import FilotBackend
from devstack.cards import DemoCard
from devstack.result_channel import ResultChannel
from devstack.servers import FilotStack, filot_stack
from devstack.servers.worker import Worker

#: Draws the moments of the pushes.
SEED = 2026

#: Different cards, and documents at each load.
CARDS, DOCUMENTS = 32, 100

#: Loads as a share of the worker's own measured capacity. The first is one document at a time.
IDLE, LOADS = 0.0, (0.0, 0.5, 0.8, 0.95)

#: s between a result and the next push to an idle worker.
PAUSE = 0.2

#: s for one document, far more than any needs.
TIMEOUT = 120.0

SHARED, ONE_CORE = "all free cores a document", "one core a document"


class OneCoreWorker(Worker):
    """A worker that reads each page on one core only."""

    def command(self) -> list[str]:
        """The bench's module in place of the service."""
        return [sys.executable, "-m", "bench.one_core_worker", "worker"]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one worker took at one load."""

    way: str
    load: float
    #: Documents a second that the worker reads when all are pushed at once.
    capacity: float
    #: s from push to result, one for each document.
    seconds: Sequence[float]


def main() -> None:
    """Measure, print the table, and write it into a Markdown file where one is named."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="at each load")
    parser.add_argument("--markdown", type=Path, help="replace the table between the marks in this file")
    arguments = parser.parse_args()
    machine = describe_machine()
    table = as_markdown(measure(bench_cards(CARDS), arguments.documents))
    text = f"{table}\n\n{', '.join(f'{name} {value}' for name, value in machine.items())}"
    Console().print(text, markup=False, soft_wrap=True)
    if arguments.markdown:
        replace_block(arguments.markdown, "latency", text)


def measure(cards: Sequence[DemoCard], documents: int) -> list[Measured]:
    """Measure both ways at every load, one worker after the other on the same servers."""
    found = []
    with filot_stack() as servers, FilotBackend(servers.environment()) as backend:
        for way, kind in ((SHARED, Worker), (ONE_CORE, OneCoreWorker)):
            worker = _worker(servers, kind)
            worker.start()
            pipeline = Pipeline(backend, worker)
            pipeline.read(cards)
            capacity = len(cards) / pipeline.read(cards).seconds
            for load in LOADS:
                ids = [_upload(backend, cards[number % len(cards)]) for number in range(documents)]
                with backend.listen() as channel:
                    if load == IDLE:
                        seconds = _one_by_one(backend, channel, ids)
                    else:
                        seconds = _open_loop(backend, channel, ids, load * capacity)
                found.append(Measured(way, load, capacity, seconds))
            worker.stop()
    return found


def _worker(servers: FilotStack, kind: Callable[..., Worker]) -> Worker:
    settings = {"OCR_GPU_DRIVER": "onnx", "OCR_GPU_CONCURRENCY": str(usable_cores())}
    return kind(servers.sandbox, {**servers.environment(), **settings}, name=f"worker-{kind.__name__}")


def _upload(backend: FilotBackend, card: DemoCard) -> str:
    extension = Path(card.filename).suffix.removeprefix(".")
    document_id = backend.add_document(card.content, card.document_type, extension=extension)
    backend.execute("UPDATE documents SET status = 'processing' WHERE id = %s::uuid", document_id)
    return document_id


def _one_by_one(backend: FilotBackend, channel: ResultChannel, ids: Sequence[str]) -> list[float]:
    seconds = []
    for number, document_id in enumerate(ids, 1):
        time.sleep(PAUSE)
        started = time.perf_counter()
        backend.push(document_id)
        channel.wait_for(number, TIMEOUT)
        seconds.append(time.perf_counter() - started)
    return seconds


def _open_loop(backend: FilotBackend, channel: ResultChannel, ids: Sequence[str], rate: float) -> list[float]:
    rng = random.Random(SEED)
    moments = list(accumulate(rng.expovariate(rate) for _ in ids))
    started, pushed = time.perf_counter(), dict[str, float]()

    def push() -> None:
        for moment, document_id in zip(moments, ids, strict=True):
            time.sleep(max(0.0, started + moment - time.perf_counter()))
            pushed[document_id] = time.perf_counter()
            backend.push(document_id)

    client = threading.Thread(target=push)
    client.start()
    seconds = []
    for number in range(1, len(ids) + 1):
        result = channel.wait_for(number, TIMEOUT)[-1]
        seconds.append(time.perf_counter() - pushed[result["documentId"]])
    client.join()
    return seconds


def as_markdown(found: Sequence[Measured]) -> str:
    """The table: milliseconds from push to published result."""
    rows: list[tuple[str, ...]] = [
        ("way", "load", "capacity, documents/s", "p50 ms", "p95 ms", "p99 ms"),
        ("---", "---", "---:", "---:", "---:", "---:"),
    ]
    for each in found:
        load = "one at a time" if each.load == IDLE else f"{each.load:.0%} of capacity"
        milliseconds = [f"{1000 * value:.0f}" for value in np.percentile(each.seconds, (50, 95, 99))]
        rows.append((each.way, load, f"{each.capacity:.2f}", *milliseconds))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
