"""Harness of the fault scenarios: servers, a proxy for each, workers behind the proxies, documents."""

import json
import random
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.chaos import pictures
from bench.chaos.listener import Listener
from bench.chaos.pictures import Behaviour, Marks
from bench.chaos.proxy import Proxy
from bench.chaos.trace import Trace
from bench.chaos.variables import SKEW, TAG, TRACE
from devstack.backend import QUEUE, RESULTS, FilotBackend
from devstack.servers import FilotStack
from devstack.servers.worker import Worker

#: ms; a fifteenth of the default, so that recovery takes seconds.
LEASE = 2000

#: Factor of the timeouts in the short form, which runs beside other tests on any machine.
TIMEOUT = 4

#: The workers' settings; scenarios change some.
SETTINGS = {
    "OCR_GPU_DRIVER": "onnx",
    "OCR_GPU_LEASE": str(LEASE),
    "OCR_GPU_POLL_INTERVAL": "100",
    "OCR_GPU_STUCK_TIMEOUT": "2000",
    "OCR_GPU_REAPER_INTERVAL": "500",
    "OCR_GPU_SHUTDOWN_TIMEOUT": "1000",
    "OCR_GPU_MAX_RETRIES": "3",
    "OPENBLAS_NUM_THREADS": "1",
    # Nobody decides; `doctor` would warn without it.
    "BULI2_CALLBACK_URL": "http://127.0.0.1:1/internal/reviews",
}

#: The variable that leads to each server, by the server's name.
VARIABLES = {
    "redis": "REDIS_URL",
    "postgres": "DATABASE_URL",
    "storage": "CF_R2_ENDPOINT",
    "reviews": "BULI2_API_URL",
}

#: Documents that are marked in one statement before their ids are pushed.
ENQUEUED_AT_ONCE = 10


class ChaosWorker(Worker):
    """The worker as `bench.chaos.worker` changes it."""

    def command(self) -> list[str]:
        """The command line's worker, with the bench's changes."""
        return [sys.executable, "-m", "bench.chaos.worker", "worker"]

    def child(self) -> int:
        """Return the id of the process that reads documents: the innermost one, decoders excluded."""
        pid = self.pid
        while below := [child for child in child_processes(pid) if not is_decoder(child)]:
            pid = min(below)
        return pid

    def is_running(self) -> bool:
        """Whether the command's own process runs."""
        return self._process is not None and self._process.exit_code() is None

    def signal(self, number: int) -> None:
        """Send a signal to all processes of this worker."""
        if self._process is not None:
            self._process.signal(number)


def child_processes(pid: int) -> list[int]:
    """The ids of the processes that a process started, from Linux' `/proc`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The parent is the second field after the name, which is in brackets and may hold spaces.
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def is_decoder(pid: int) -> bool:
    """Whether a process decodes files for a worker."""
    try:
        return b"decoder" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a scenario, with the marks in its picture."""

    id: str
    marks: Marks


class Harness:
    """Everything that one scenario uses; see `open_harness`."""

    def __init__(self, stack: FilotStack, proxies: dict[str, Proxy], rng: random.Random, short: bool) -> None:
        self.stack = stack
        self.proxies = proxies
        self.rng = rng
        #: Whether the short form of the scenario is wanted.
        self.short = short
        self._environment = stack.environment()
        self.backend = FilotBackend(self._environment)
        self.trace = Trace(stack.sandbox.directory / "trace")
        self.listener = Listener(stack.valkey.url, RESULTS)
        self.workers: list[ChaosWorker] = []
        self._serials = 0

    def worker(
        self,
        tag: str = "A",
        *,
        ready: bool = True,
        marks: bool = True,
        direct: bool = False,
        skew: int = 0,
        **changes: str,
    ) -> ChaosWorker:
        """Start a worker behind the proxies.

        Args:
            tag: its name in the trace and in what it reads.
            ready: wait until it takes documents.
            marks: give it the bench's engine; else it has the service's own.
            direct: let it reach Redis itself, past the proxy.
            skew: seconds by which its clock is wrong.
            changes: to its environment.
        """
        environment = {**self.stack.environment(), **SETTINGS, TAG: tag, SKEW: str(skew or ""), **changes}
        if marks:
            environment[TRACE] = str(self.trace.path)
        for name, proxy in self.proxies.items():
            if not (direct and name == "redis"):
                variable = VARIABLES[name]
                environment[variable] = _by_way_of(proxy.port, environment[variable])
        worker = ChaosWorker(self.stack.sandbox, environment, name=f"worker-{tag}-{uuid.uuid4().hex[:8]}")
        self.workers.append(worker)
        if ready:
            worker.start()
        else:
            worker.launch()
        return worker

    def add(
        self, behaviour: Behaviour, count: int = 1, *, seconds: float = 0, failures: int = 0
    ) -> list[Document]:
        """Upload documents with this behaviour, each of which takes ``seconds`` to read."""
        owner = self.backend.add_user()
        documents, rows = [], []
        for _ in range(count):
            self._serials += 1
            marks = Marks(behaviour, self._serials, round(seconds * 10), failures)
            document = Document(str(uuid.uuid4()), marks)
            key = f"{owner}/NPWP_{document.id}.png"
            self.backend.storage.put_object(Bucket=self.backend.bucket, Key=key, Body=pictures.draw(marks))
            documents.append(document)
            rows.append((document.id, key))
        self.backend.execute(
            """INSERT INTO documents (id, user_id, type, file_url)
               SELECT row.id::uuid, %s, 'NPWP', row.key FROM unnest(%s, %s) AS row (id, key)""",
            owner,
            [document_id for document_id, _ in rows],
            [key for _, key in rows],
        )
        return documents

    def enqueue(self, documents: list[Document]) -> None:
        """Queue documents, as the backend does.

        A few at a time: recovery takes a row for lost that is marked long before its id is pushed.
        """
        for start in range(0, len(documents), ENQUEUED_AT_ONCE):
            some = [document.id for document in documents[start : start + ENQUEUED_AT_ONCE]]
            self.backend.execute(
                "UPDATE documents SET status = 'processing' WHERE id = ANY(%s::uuid[])", some
            )
            for document_id in some:
                self.backend.push(document_id)

    def rows(self, documents: list[Document]) -> dict[str, dict[str, Any]]:
        """The documents' rows by id."""
        found = self.backend.execute(
            "SELECT *, id::text AS id, status::text AS status FROM documents WHERE id = ANY(%s::uuid[])",
            [document.id for document in documents],
        )
        return {row["id"]: row for row in found}

    def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait up to ``timeout`` s, in the short form longer, for a condition; return whether it held."""
        deadline = time.monotonic() + timeout * (TIMEOUT if self.short else 1)
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def move_backend(self, variable: str, url: str) -> None:
        """Let the backend use another server from now on, as after a failover."""
        self.backend.close()
        self._environment = {**self._environment, variable: url}
        self.backend = FilotBackend(self._environment)

    def listen_on(self, url: str) -> None:
        """Listen on another Redis; for before the first result is published."""
        self.listener.stop()
        self.listener = Listener(url, RESULTS)
        self.listener.start()

    def begun(self, documents: list[Document], timeout: float = 20) -> bool:
        """Wait until a worker has begun to read each of these documents; return whether all were begun."""
        serials = {document.marks.serial for document in documents}
        return self.wait_for(
            lambda: serials <= {event.serial for event in self.trace.events("begin")}, timeout
        )

    def waiting(self) -> list[str]:
        """Return the queue, head first."""
        return [str(document_id) for document_id in self.backend.redis.lrange(QUEUE, 0, -1)]

    def log_lines(self) -> Iterator[dict[str, Any]]:
        """Yield the log entries of all workers, killed ones included."""
        for worker in self.workers:
            for line in worker.log.read_text(errors="replace").splitlines():
                # A process that is killed may leave half a line.
                with suppress(ValueError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        yield entry

    def close(self) -> None:
        """Kill the workers and close the connections to the servers."""
        for worker in self.workers:
            worker.signal(signal.SIGCONT)
            worker.kill()
        self.listener.stop()
        self.backend.close()


def _by_way_of(port: int, url: str) -> str:
    """Return the URL with another port."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


@contextmanager
def start_proxies(stack: FilotStack) -> Iterator[dict[str, Proxy]]:
    """Start a proxy in front of each server."""
    targets = {
        "redis": stack.valkey.port,
        "postgres": stack.postgres.port,
        "storage": stack.storage.port,
        "reviews": stack.reviews.port,
    }
    proxies = {name: Proxy(stack.sandbox.reserve_port(), port) for name, port in targets.items()}
    try:
        yield proxies
    finally:
        for proxy in proxies.values():
            proxy.close()


@contextmanager
def open_harness(
    stack: FilotStack, proxies: dict[str, Proxy], seed: str, *, short: bool
) -> Iterator[Harness]:
    """Open a harness with empty servers, open proxies and no worker."""
    for proxy in proxies.values():
        proxy.reset()
    stack.reviews.forget()
    harness = Harness(stack, proxies, random.Random(seed), short)
    harness.backend.clear()
    harness.trace.clear()
    harness.listener.start()
    try:
        yield harness
    finally:
        harness.close()
