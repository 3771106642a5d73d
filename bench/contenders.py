"""The compared ways to read cards; each reads a list of cards and returns what that took."""

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from bench import plain
from bench.processes import cpu_seconds
from devstack.backend import FilotBackend
from devstack.cards import DemoCard
from devstack.servers.worker import Worker
from service.reading.documents.fields import DocumentType
from service.reading.ocr.loading import load_engine, warm_up
from service.reading.reader import parsed_result, read_document

#: s for all cards of one run, far more than any machine needs.
TIMEOUT = 600.0

#: Cards that each contender reads untimed before.
WARM_UP_CARDS = 4


class Card(Protocol):
    """A file to read, and the truth about it."""

    @property
    def level(self) -> str:
        """How it was taken."""

    @property
    def document_type(self) -> DocumentType:
        """What it shows."""

    @property
    def content(self) -> bytes:
        """The file."""

    @property
    def truth(self) -> Mapping[str, str]:
        """What it says, by the contract's keys."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a contender over all cards."""

    #: s of wall time from the first card's start to the last one's result.
    seconds: float
    #: CPU s of the reading processes.
    cpu_seconds: float
    #: CPU s of everything else that took part: servers, and the client that pushes and listens.
    other_cpu_seconds: float
    #: What was read from each card, by the contract's keys, in the cards' order.
    fields: Sequence[Mapping[str, str]]


class Contender(Protocol):
    """A started way to read cards."""

    def read(self, cards: Sequence[DemoCard]) -> Run:
        """Read all cards."""


class Pipeline:
    """The whole job: ids pushed on FiLot's list, results taken from the channel, a worker in between.

    Parameters:
        backend: FiLot's side
        worker: a running worker
    """

    def __init__(self, backend: FilotBackend, worker: Worker) -> None:
        self.backend = backend
        self.worker = worker

    def read(self, cards: Sequence[DemoCard]) -> Run:
        """Upload all cards, then push all ids and wait for their results: only the latter is timed."""
        ids = [self._upload(card) for card in cards]
        self.backend.execute("UPDATE documents SET status = 'processing' WHERE id = ANY(%s::uuid[])", ids)
        with self.backend.listen() as channel:
            worker_before, all_before = cpu_seconds(self.worker.pid), cpu_seconds(os.getpid())
            started = time.perf_counter()
            for document_id in ids:
                self.backend.push(document_id)
            results = channel.wait_for(len(ids), timeout=TIMEOUT)
            seconds = time.perf_counter() - started
            worker_cpu = cpu_seconds(self.worker.pid) - worker_before
            all_cpu = cpu_seconds(os.getpid()) - all_before
        read = {result["documentId"]: result.get("parsedResult", {}) for result in results}
        return Run(seconds, worker_cpu, all_cpu - worker_cpu, [read[document_id] for document_id in ids])

    def _upload(self, card: DemoCard) -> str:
        extension = Path(card.filename).suffix.removeprefix(".")
        return self.backend.add_document(card.content, card.document_type, extension=extension)


class FreshPipeline(Pipeline):
    """The same with a worker that runs for one run only: those with other settings share the list."""

    def read(self, cards: Sequence[DemoCard]) -> Run:
        """Start the worker, let it read a few cards, and then all of them."""
        self.worker.start()
        try:
            super().read(cards[:WARM_UP_CARDS])
            return super().read(cards)
        finally:
            self.worker.stop()


#: Reads one card; made anew in the process that reads.
Reader: TypeAlias = Callable[[Card], Mapping[str, str]]


def engine_reader() -> Reader:
    """The worker's own engine and parsers, without anything around them."""
    engine = load_engine("onnx")
    warm_up(engine)
    return lambda card: parsed_result(read_document(card.content, card.document_type, engine))


def plain_reader() -> Reader:
    """The script of `plain.py`, as Tesseract comes: each card on as many threads as it likes."""
    os.environ.pop("OMP_THREAD_LIMIT", None)
    return lambda card: plain.read_card(card.content, card.document_type)


def limited_plain_reader() -> Reader:
    """The same with Tesseract kept to one thread a card: that is its fastest way in bulk."""
    os.environ["OMP_THREAD_LIMIT"] = "1"
    return lambda card: plain.read_card(card.content, card.document_type)


class Loop:
    """A loop over the cards in a process of its own, in as many threads as the worker has jobs.

    Parameters:
        make_reader: called once in that process
        jobs: threads

    A context manager; its process ends with it.
    """

    def __init__(self, make_reader: Callable[[], Reader], jobs: int) -> None:
        # Forked, the process would share this one's state; spawned, it is as fresh as the worker's.
        self._process = ProcessPoolExecutor(
            1, multiprocessing.get_context("spawn"), initializer=_prepare, initargs=(make_reader, jobs)
        )

    def __enter__(self) -> "Loop":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.shutdown()

    def read(self, cards: Sequence[Card]) -> Run:
        """Read all cards, which are handed over before the clock starts."""
        return self._process.submit(_read_all, cards).result(TIMEOUT)

    def peak_memory(self) -> float:
        """MiB that the process held at most, programs that it starts not included."""
        return self._process.submit(_peak_memory).result(TIMEOUT)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a loop's process keeps between runs."""

    reader: Reader
    threads: ThreadPoolExecutor


_prepared: list[_Prepared] = []


def _prepare(make_reader: Callable[[], Reader], jobs: int) -> None:
    _prepared.append(_Prepared(make_reader(), ThreadPoolExecutor(jobs)))


def _read_all(cards: Sequence[Card]) -> Run:
    (prepared,) = _prepared
    cpu_before, started = cpu_seconds(os.getpid()), time.perf_counter()
    fields = list(prepared.threads.map(prepared.reader, cards))
    seconds = time.perf_counter() - started
    return Run(seconds, cpu_seconds(os.getpid()) - cpu_before, 0.0, fields)


def _peak_memory() -> float:
    # `ru_maxrss` would begin with what the parent held; this begins with the process's own program.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
