"""Numbers that have to be asked for, asked for by the clock: who wants to know never waits for a server."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import redis

from service.errors import OcrWorkerError
from service.monitoring.backlog import Backlog, BacklogMeter, OutboxBacklog, read_outbox_backlog
from service.monitoring.gpu_usage import GpuMeter, GpuUse
from service.settings import Settings
from service.store.database import Database

#: s between two looks, however many read the metrics.
SAMPLE_INTERVAL = 5

#: s after which a look that goes on says that its server hangs: before the next look would be due.
SLOW = 4.0

Server: TypeAlias = Literal["Redis", "PostgreSQL"]


class Sampler:
    """Holds the latest numbers; None where a server did not answer the latest look.

    Parameters:
        settings: names in Redis, and whether there is a GPU to look at
        client: Redis
        database: where our own tables lie
    """

    def __init__(self, settings: Settings, client: redis.Redis, database: Database) -> None:
        self._meter = BacklogMeter(client, settings)
        self._database = database
        self._gpu_meter = GpuMeter(settings.cuda_visible_devices) if settings.gpu_enabled else None
        #: `time.monotonic()` of the questions that are not answered yet.
        self._asked: dict[Server, float] = {}
        #: Servers whose first look has ended, in whatever way.
        self._looked: set[Server] = set()
        self.backlog: Backlog | None = None
        self.outbox_backlog: OutboxBacklog | None = None
        self.gpu: GpuUse | None = None

    def looks(self) -> list[Callable[[], None]]:
        """What is to be called every ``SAMPLE_INTERVAL`` seconds; one that hangs must not keep the others."""
        gpu = [self.look_at_gpu] if self._gpu_meter else []
        return [self.look_at_redis, self.look_at_postgresql, *gpu]

    def look_at_redis(self) -> None:
        """Ask Redis once."""
        with self._asking("Redis"):
            try:
                self.backlog = self._meter.read()
            except redis.RedisError:
                self.backlog = None

    def look_at_postgresql(self) -> None:
        """Ask PostgreSQL once."""
        with self._asking("PostgreSQL"):
            try:
                self.outbox_backlog = read_outbox_backlog(self._database)
            except OcrWorkerError:
                self.outbox_backlog = None

    def look_at_gpu(self) -> None:
        """Ask the driver once."""
        if self._gpu_meter is not None:
            self.gpu = self._gpu_meter.read()

    @contextmanager
    def _asking(self, server: Server) -> Iterator[None]:
        self._asked[server] = time.monotonic()
        try:
            yield
        finally:
            del self._asked[server]
            self._looked.add(server)

    def hangs_for(self, server: Server) -> float:
        """s that a server has let us wait; 0 while that is not unusual."""
        asked = self._asked.get(server)
        waited = 0.0 if asked is None else time.monotonic() - asked
        return waited if waited > SLOW else 0.0

    def away(self) -> list[str]:
        """The servers that do not answer, one sentence each: without them no worker makes progress."""
        answers: dict[Server, object] = {"Redis": self.backlog, "PostgreSQL": self.outbox_backlog}
        sentences = []
        for server, answer in answers.items():
            if waited := self.hangs_for(server):
                sentences.append(f"{server} has not answered for {waited:.0f} s")
            elif answer is None and server not in self._looked:
                sentences.append(f"{server} was not asked yet")
            elif answer is None:
                sentences.append(f"{server} did not answer the latest look")
        return sentences
