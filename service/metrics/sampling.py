"""Numbers that have to be asked for, asked for by the clock: a scrape reads the latest and never waits."""

import redis

from service.database import Database
from service.errors import OcrWorkerError
from service.metrics.backlog import Backlog, BacklogMeter, Owed, read_owed
from service.metrics.gpu_use import GpuMeter, GpuUse
from service.settings import Settings

#: s between two looks, however many read the metrics.
INTERVAL = 5


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
        self.backlog: Backlog | None = None
        self.owed: Owed | None = None
        self.gpu: GpuUse | None = None

    def sample(self) -> None:
        """Look once; to be called every ``INTERVAL`` seconds."""
        try:
            self.backlog = self._meter.read()
        except redis.RedisError:
            self.backlog = None
        try:
            self.owed = read_owed(self._database)
        except OcrWorkerError:
            self.owed = None
        if self._gpu_meter is not None:
            self.gpu = self._gpu_meter.read()

    def away(self) -> list[str]:
        """The servers that did not answer, one sentence each: without them no worker makes progress."""
        answers = {"Redis": self.backlog, "PostgreSQL": self.owed}
        return [
            f"{server} did not answer the latest look" for server, answer in answers.items() if not answer
        ]
