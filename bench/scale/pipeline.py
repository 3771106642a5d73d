"""Real servers and workers whose reading takes no time; a backlog that is kept up; what a document costs."""

import operator
import pickle
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from typing import Any, Self

import psycopg2
import redis

from bench.processes import cpu_seconds
from bench.scale import READING
from devstack.backend import ATTEMPTS, CORRELATION, PROCESSING, QUEUE, RESULTS
from devstack.cards import sample_cards
from devstack.servers import create_filot_tables
from devstack.servers.postgres import Postgres
from devstack.servers.sandbox import Sandbox, open_sandbox
from devstack.servers.server import Server
from devstack.servers.valkey import Valkey
from devstack.servers.worker import Worker
from service.reading.ocr.loading import load_engine
from service.reading.reader import read_document

#: Connections that PostgreSQL takes: its default of 100 is too few for 32 workers.
MAX_CONNECTIONS = 400

#: Workers that start at a time: all at once, each would take longer than a server may.
STARTS = 4

#: s between two looks at how many documents are missing in the backlog.
FEED_INTERVAL = 0.02

#: Documents for which rows are made ahead, for each second of a measurement; more than two cores ever do.
MAX_RATE = 1_500

#: Rows, and entries of the list, that are written in one step.
STEP = 50_000

#: Name of the bench's own connections to Redis, of which there is one that listens.
OWN, OWN_LISTENER = "bench", "bench-listener"

#: s that anything may take that is waited for, and a message.
TIMEOUT, TIMEOUT_OF_MESSAGE = 120.0, 3.0


#: How a line of PostgreSQL's log begins that ends a round trip of a worker; `%a` is the application's name.
ROUND_TRIP = b"filot-ocr-worker LOG:  duration:"


class CountingPostgres(Postgres):
    """PostgreSQL that counts its statements and round trips."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self._read, self._round_trips = 0, 0

    def command(self) -> list[str]:
        """The server with the extension `pg_stat_statements`, and a line in its log for each round trip.

        A query has one duration, however many statements it holds.
        """
        return [
            *super().command(),
            *("-c", "shared_preload_libraries=pg_stat_statements"),
            *("-c", "log_duration=on"),
            *("-c", "log_line_prefix=%a "),
            *("-c", f"max_connections={MAX_CONNECTIONS}"),
        ]

    def round_trips(self) -> int:
        """How many there were since the start."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                self._round_trips += line.startswith(ROUND_TRIP)
            self._read = log.tell()
        return self._round_trips


class FastWorker(Worker):
    """The worker as `bench.scale.worker` changes it."""

    def command(self) -> list[str]:
        """The command line's worker, with the bench's changes."""
        return [sys.executable, "-m", "bench.scale.worker", "worker"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters since the servers started, or what they grew by."""

    seconds: float
    #: Results that were published.
    documents: float
    #: Commands that the workers sent to Redis, each in a round trip of its own, and those that Redis ran for
    #: them, in scripts included.
    commands_sent: float
    commands_run: float
    #: What Redis received from the workers, and what it sent to them and to one listening backend.
    bytes_in: float
    bytes_out: float
    transactions: float
    #: Queries of the workers, of which each may hold several statements.
    round_trips: float
    worker_cpu: float
    redis_cpu: float
    postgres_cpu: float

    def since(self, before: "Counts") -> "Counts":
        """What was counted since then."""
        return Counts(*map(operator.sub, astuple(self), astuple(before)))


@dataclass(frozen=True, slots=True)
class Measured:
    """What so many workers did in steady state."""

    workers: int
    #: Documents that waited or were in work all the time; 0: idle workers.
    backlog: int
    #: The workers' connections to PostgreSQL.
    connections: int
    counts: Counts

    @property
    def documents_a_second(self) -> float:
        """How fast all workers were together."""
        return self.counts.documents / self.counts.seconds

    def per_document(self, count: float) -> float:
        """A count's share of one document."""
        return count / self.counts.documents


class Pipeline:
    """Servers and a growing number of workers; see `open_pipeline`."""

    def __init__(self, sandbox: Sandbox, valkey: Valkey, postgres: CountingPostgres) -> None:
        self.sandbox = sandbox
        self.valkey = valkey
        self.postgres = postgres
        self.workers: list[FastWorker] = []
        self.client = redis.Redis.from_url(valkey.url, decode_responses=True, client_name=OWN)
        #: Requests of the bench's own that Redis has read.
        self._requests = 0
        self.connection = psycopg2.connect(postgres.url)
        self.connection.autocommit = True
        self._execute("CREATE EXTENSION pg_stat_statements")
        ((self._owner,),) = self._execute("INSERT INTO users (email) VALUES ('a@filot.example') RETURNING id")
        #: Documents that have a row and are not in Redis.
        self._ready: deque[str] = deque()
        self._listener = _Listener(valkey.url)
        self._reading = sandbox.directory / "reading"
        self._reading.write_bytes(pickle.dumps(_read_one_card()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.client.close()
        self.connection.close()

    def scale_to(self, workers: int) -> None:
        """Start as many workers as are missing."""
        while len(self.workers) < workers:
            new = [self._worker() for _ in range(min(STARTS, workers - len(self.workers)))]
            for worker in new:
                worker.launch()
            for worker in new:
                worker.wait_until_ready()
            self.workers += new

    def measure(self, backlog: int, seconds: float) -> Measured:
        """Keep up a backlog, let the workers settle, and count for so long; the rest is taken away again.

        Raises:
            TimeoutError: a document that was taken did not finish.
        """
        self._make_rows(backlog + round(MAX_RATE * (2 * seconds + 1)))
        pushed = self._push(backlog)
        finished = self._listener.heard
        stop = threading.Event()
        feeder = threading.Thread(target=self._feed, args=(backlog, pushed, finished, stop))
        feeder.start()
        try:
            # The first documents open connections and fill caches.
            time.sleep(seconds / 2)
            counts = self._count(seconds)
            connections = self._connections()
        finally:
            stop.set()
            feeder.join()
        self._take_away()
        return Measured(len(self.workers), backlog, connections, counts)

    def measure_idle(self, seconds: float) -> Measured:
        """Count for so long while nothing waits."""
        return Measured(len(self.workers), 0, self._connections(), self._count(seconds))

    def unfinished(self) -> int:
        """How many documents that a worker took have no result in their row."""
        ((count,),) = self._execute(
            "SELECT count(*) FROM documents WHERE status NOT IN ('uploaded', 'completed')"
        )
        return int(count)

    def _count(self, seconds: float) -> Counts:
        before = self._snapshot()
        time.sleep(seconds)
        return self._snapshot().since(before)

    def _feed(self, backlog: int, pushed: int, finished: int, stop: threading.Event) -> None:
        while not stop.wait(FEED_INTERVAL):
            open_documents = pushed - (self._listener.heard - finished)
            pushed += self._push(backlog - open_documents)

    def _push(self, count: int) -> int:
        """Queue as the backend does, but many ids in one command; returns how many."""
        for start in range(0, count, STEP):
            ids = [self._ready.popleft() for _ in range(min(STEP, count - start))]
            with self.client.pipeline(transaction=False) as commands:
                commands.hset(CORRELATION, mapping={each: str(uuid.uuid4()) for each in ids})
                commands.rpush(QUEUE, *ids)
                commands.hset(ATTEMPTS, mapping=dict.fromkeys(ids, "0"))
                commands.execute()
            self._requests += 1
        return max(0, count)

    def _take_away(self) -> None:
        """Empty the list, and wait until the documents in work are finished."""
        with self.client.pipeline(transaction=True) as transaction:
            transaction.lrange(QUEUE, 0, -1)
            transaction.delete(QUEUE)
            waiting, _ = transaction.execute()
        self._ready.extend(waiting)
        _wait_for(lambda: not self.client.scard(PROCESSING))
        self.client.delete(ATTEMPTS, CORRELATION)

    def _make_rows(self, count: int) -> None:
        # In status `uploaded`: recovery would queue rows in `processing` that no key knows. The worker sets
        # the status in any case.
        while (missing := count - len(self._ready)) > 0:
            rows = self._execute(
                """INSERT INTO documents (user_id, type, file_url)
                   SELECT %s, 'KTP', %s || '/KTP_' || number || '.jpg' FROM generate_series(1, %s) AS number
                   RETURNING id::text""",
                self._owner,
                self._owner,
                min(STEP, missing),
            )
            self._ready.extend(document_id for (document_id,) in rows)

    def _snapshot(self) -> Counts:
        clients: list[dict[str, str]] = self.client.client_list()
        stats: dict[str, Any] = self.client.info("stats")
        self._requests += 2
        workers = [each for each in clients if each["name"] not in (OWN, OWN_LISTENER)]
        ours = [each for each in clients if each["name"] in (OWN, OWN_LISTENER)]
        heard = [each for each in clients if each["name"] == OWN_LISTENER]

        def total(name: str, among: list[dict[str, str]]) -> int:
            return sum(int(each[name]) for each in among)

        # Each transaction of the workers begins with its settings.
        ((transactions,),) = self._execute(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE 'SELECT set_config%%'"
        )
        return Counts(
            seconds=time.perf_counter(),
            documents=self._listener.heard,
            commands_sent=stats["total_reads_processed"] - self._requests,
            commands_run=stats["total_commands_processed"] - total("tot-cmds", ours),
            bytes_in=total("tot-net-in", workers),
            bytes_out=total("tot-net-out", workers + heard),
            transactions=float(transactions),
            round_trips=float(self.postgres.round_trips()),
            worker_cpu=sum(cpu_seconds(worker.pid) for worker in self.workers),
            redis_cpu=cpu_seconds(_pid(self.valkey)),
            postgres_cpu=cpu_seconds(_pid(self.postgres)),
        )

    def _connections(self) -> int:
        ((count,),) = self._execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'filot-ocr-worker'"
        )
        return int(count)

    def _execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def _worker(self) -> FastWorker:
        environment = {
            "REDIS_URL": self.valkey.url,
            "DATABASE_URL": self.postgres.url,
            # Nobody is asked for a file.
            "CF_R2_ENDPOINT": "http://127.0.0.1:1",
            "CF_R2_ACCESS_KEY_ID": "none",
            "CF_R2_SECRET_ACCESS_KEY": "none",
            "CF_R2_BUCKET_NAME": "none",
            "OCR_GPU_DRIVER": "onnx",
            "OPENBLAS_NUM_THREADS": "1",
            READING: str(self._reading),
        }
        return FastWorker(self.sandbox, environment, name=f"worker-{uuid.uuid4().hex[:8]}")


class _Listener:
    """The backend's subscription, which only counts results."""

    def __init__(self, url: str) -> None:
        self.heard = 0
        self._client = redis.Redis.from_url(url, client_name=OWN_LISTENER)
        self._subscription: Any = self._client.pubsub(ignore_subscribe_messages=True)
        self._subscription.subscribe(RESULTS)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._closed.is_set():
            # Redis pauses in the middle of a message while it hands out a long list; the client raises if the
            # rest takes longer than this.
            if self._subscription.get_message(timeout=TIMEOUT_OF_MESSAGE) is not None:
                self.heard += 1

    def close(self) -> None:
        """End the subscription."""
        self._closed.set()
        self._thread.join()
        self._subscription.close()
        self._client.close()


@contextmanager
def open_pipeline() -> Iterator[Pipeline]:
    """Start the servers; they and all workers end with the context."""
    with open_sandbox() as sandbox:
        valkey, postgres = Valkey(sandbox), CountingPostgres(sandbox)
        for server in (valkey, postgres):
            server.start()
        create_filot_tables(postgres.url)
        with Pipeline(sandbox, valkey, postgres) as pipeline:
            yield pipeline


def measure(
    workers: Sequence[int], backlogs: Sequence[int], seconds: float
) -> tuple[list[Measured], Measured]:
    """Every backlog with every number of workers, the fewest first; and the most of them while idle."""
    with open_pipeline() as pipeline:
        found = []
        for count in sorted(workers):
            pipeline.scale_to(count)
            found += [pipeline.measure(backlog, seconds) for backlog in backlogs]
        return found, pipeline.measure_idle(seconds)


def _read_one_card() -> object:
    """What the real engine reads from a flat KTP, so that rows and messages have their real size."""
    (card,) = sample_cards(seed=1, count=1, level="flat")
    reading = read_document(card.content, card.document_type, load_engine("onnx"))
    # No process but the engine's can look again.
    return replace(reading, pages=(), page=replace(reading.page, look_again=None))


def _pid(server: Server) -> int:
    assert server._process is not None
    return server._process.pid


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("documents are still in work")
        time.sleep(0.02)
