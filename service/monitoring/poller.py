"""The one poller of Redis and PostgreSQL: the page, the metrics and `status` read what it saw."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import redis

from service.monitoring.backlog import Backlog, OutboxBacklog
from service.monitoring.cached_probe import CachedProbe
from service.monitoring.gpu_usage import GpuMeter, GpuUse
from service.monitoring.status import (
    DatabaseState,
    History,
    Status,
    Traffic,
    TrafficReader,
    combine,
    read_database_state,
    read_history,
)
from service.settings import Settings
from service.store.database import Database

#: s between two polls by the scheduler, however many read the metrics.
POLL_INTERVAL = 5

#: s for which an answer of Redis, and of PostgreSQL, is recent enough for a viewer.
TRAFFIC_MAX_AGE, RECORDS_MAX_AGE = 1.0, 3.0

#: s after which an open question says that its server hangs: before the next poll is due.
SLOW = 4.0

#: s that a viewer waits for both servers together: a browser should hear of a silent one soon.
TIMEOUT = 2.0

T = TypeVar("T")


class Poller:
    """Polls both servers: what the metrics need by the clock, everything while somebody looks.

    The scheduler calls each of `tasks` every ``POLL_INTERVAL`` s; one that hangs does not delay the others.
    `look` is for viewers and asks anew for what is not recent. Both fill one cache: no server is asked the
    same twice.

    Parameters:
        client: a connection to Redis that answers in text
        database: None: PostgreSQL is not asked
        settings: names in Redis, and whether there is a GPU to measure
        timeout: s that `look` waits for both servers together
    """

    def __init__(
        self, client: redis.Redis, database: Database | None, settings: Settings, timeout: float = TIMEOUT
    ) -> None:
        self.timeout = timeout
        self._reading = threading.Lock()
        self.traffic: CachedProbe[Traffic] = CachedProbe(
            "redis", TrafficReader(client, settings).read, TRAFFIC_MAX_AGE
        )
        self.database_state: CachedProbe[DatabaseState] | None = None
        self.history: CachedProbe[History] | None = None
        if database is not None:
            self.database_state = CachedProbe(
                "postgresql", self._one_at_a_time(read_database_state, database), RECORDS_MAX_AGE
            )
            self.history = CachedProbe(
                "history", self._one_at_a_time(read_history, database), RECORDS_MAX_AGE
            )
        self._gpu_meter = GpuMeter(settings.cuda_visible_devices) if settings.gpu_enabled else None
        self.gpu: GpuUse | None = None

    def _one_at_a_time(self, read: Callable[[Database], T], database: Database) -> Callable[[], T]:
        """Let PostgreSQL be asked over one connection, so that viewers take none from the jobs."""

        def read_alone() -> T:
            with self._reading:
                return read(database)

        return read_alone

    def tasks(self) -> list[Callable[[], None]]:
        """Return what is to be called every ``POLL_INTERVAL`` s."""
        gpu = [self.poll_gpu] if self._gpu_meter else []
        return [self.poll_redis, self.poll_postgresql, *gpu]

    def poll_redis(self) -> None:
        """Ask Redis, unless a viewer just did."""
        self.traffic.refresh()

    def poll_postgresql(self) -> None:
        """Ask PostgreSQL for our rights and the outbox, unless a viewer just did."""
        if self.database_state is not None:
            self.database_state.refresh()

    def poll_gpu(self) -> None:
        """Ask the GPU's driver."""
        if self._gpu_meter is not None:
            self.gpu = self._gpu_meter.read()

    def look(self) -> Status:
        """Return a recent snapshot; a server that did not answer in time is reported with the reason."""
        # All questions are asked at once: two servers that are away cost no more waiting than one.
        probes = [probe for probe in (self.traffic, self.database_state, self.history) if probe is not None]
        for probe in probes:
            probe.ask()
        deadline = time.monotonic() + self.timeout

        def remaining() -> float:
            return max(0.0, deadline - time.monotonic())

        traffic = self.traffic.latest(remaining())
        if self.database_state is None or self.history is None:
            return Status(traffic.value, None, traffic.problem, redis_advice=traffic.advice)
        state, history = self.database_state.latest(remaining()), self.history.latest(remaining())
        records = combine(state.value, history.value) if state.value and history.value else None
        failed = state if state.value is None else history
        return Status(traffic.value, records, traffic.problem, failed.problem, traffic.advice, failed.advice)

    @property
    def backlog(self) -> Backlog | None:
        """The queue as the latest poll saw it; None when Redis did not answer."""
        result = self.traffic.result
        return result.value.backlog if result and result.value else None

    @property
    def outbox_backlog(self) -> OutboxBacklog | None:
        """The outbox as the latest poll saw it; None when PostgreSQL did not answer."""
        result = self.database_state.result if self.database_state else None
        return result.value.outbox_backlog if result and result.value else None

    def redis_answers(self) -> bool:
        """Whether Redis answered the latest poll, and does not hang at present."""
        return not list(_away("Redis", self.traffic))

    def postgresql_answers(self) -> bool:
        """Whether PostgreSQL answered the latest poll, and does not hang at present."""
        return self.database_state is not None and not list(_away("PostgreSQL", self.database_state))

    def database_problem(self) -> str:
        """Why PostgreSQL did not answer the latest poll, in a few words; empty when it did."""
        result = self.database_state.result if self.database_state else None
        return result.problem if result else ""

    def away(self) -> list[str]:
        """List what keeps every worker from its work, one sentence each: servers away, rights missing."""
        sentences = list(_away("Redis", self.traffic))
        if self.database_state is not None:
            sentences += _away("PostgreSQL", self.database_state)
            result = self.database_state.result
            if result is not None and result.value is not None:
                sentences += [f"PostgreSQL cannot be used: {each}" for each in result.value.obstacles]
        return sentences


def _away(server: str, probe: CachedProbe[T]) -> Iterator[str]:
    pending, result = probe.pending_for(), probe.result
    if pending > SLOW:
        yield f"{server} has not answered for {pending:.0f} s"
    elif result is None:
        yield f"{server} has not been polled yet"
    elif result.value is None:
        yield f"{server} did not answer the latest poll ({result.problem})"
