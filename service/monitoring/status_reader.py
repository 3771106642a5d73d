"""One look at Redis and PostgreSQL, however many ways there are to show it."""

import redis

from service.monitoring.cached_probe import CachedProbe
from service.monitoring.status import Records, Status, Traffic, TrafficReader, read_records
from service.settings import Settings
from service.store.database import Database

#: s for which what Redis said, and what PostgreSQL said, is good enough: the last hour changes slowly.
TRAFFIC_MAX_AGE, RECORDS_MAX_AGE = 1.0, 3.0


class StatusReader:
    """Looks whenever somebody wants to know, and never waits for long.

    Parameters:
        client: a connection to Redis that answers in text
        database: where rows lie; None: it is not asked
        settings: the backend's names
        patience: s that a look waits for either server
    """

    def __init__(
        self, client: redis.Redis, database: Database | None, settings: Settings, timeout: float
    ) -> None:
        reader = TrafficReader(client, settings)
        self._traffic: CachedProbe[Traffic] = CachedProbe("redis", reader.read, TRAFFIC_MAX_AGE, timeout)
        self._records: CachedProbe[Records] | None = None
        if database is not None:
            self._records = CachedProbe(
                "postgresql", lambda: read_records(database), RECORDS_MAX_AGE, timeout
            )

    def look(self) -> Status:
        """What both say; of a server that says nothing, why."""
        # Both are asked at the same time: two servers that are away cost no more patience than one.
        self._traffic.ask()
        if self._records is None:
            traffic = self._traffic.latest()
            return Status(traffic.value, None, traffic.problem)
        self._records.ask()
        traffic, records = self._traffic.latest(), self._records.latest()
        return Status(traffic.value, records.value, traffic.problem, records.problem)
