"""Each worker says every few seconds that it lives and what it does; whoever wants a status reads that."""

import json
import os
import socket
import threading
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import redis

from service.queue.active_jobs import ActiveJobs
from service.store.publisher import Publisher
from service.telemetry.stages import longest

if TYPE_CHECKING:
    from service.reading.ocr.devices import Devices

#: Redis keys of the workers' heartbeats; they expire by themselves.
HEARTBEAT_PREFIX = "filot:ocr:gpu:worker:"

#: Zset of the workers, scored by the epoch s of their latest heartbeat by Redis' clock. It names those that
#: fell silent too, and spares whoever looks a search through all keys. No worker's name: that holds a colon.
SEEN_KEY = f"{HEARTBEAT_PREFIX}seen"

#: s between two heartbeats, s after which a silent worker counts as gone, and s after which it is forgotten.
HEARTBEAT_INTERVAL, EXPIRY, FORGOTTEN = 3, 10, 3600


#: Key of a field's metadata: its name in JSON, where that is another one than in Python.
WIRE = "wire"


def wire_name(field: "Field[Any]") -> str:
    """The name of a dataclass field in JSON."""
    return str(field.metadata.get(WIRE, field.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """What one worker process says of itself.

    Workers of several versions share one Redis while a new one is rolled out: every field has a default.
    """

    worker: str = ""
    started_at: str = ""
    stopping: bool = False
    #: The setting, not the fact.
    gpu_enabled: bool = False
    gpu_available: bool = False
    #: Why no GPU is used; empty while one is.
    gpu_absence: str = ""
    #: Why no documents are taken; empty while they are.
    pause_reasons: list[str] = field(default_factory=list, metadata={WIRE: "holds"})
    active_jobs: int = 0
    concurrency: int = 0
    #: Results published while nobody listened, since the process began.
    results_unheard: int = 0
    #: s that it has waited for the file store, with the document for which that takes longest.
    download_seconds: float = 0.0
    #: Ids of the documents in work.
    documents: list[str] = field(default_factory=list)

    def written(self) -> dict[str, Any]:
        """The JSON object of a heartbeat."""
        return {wire_name(each): getattr(self, each.name) for each in fields(self)}

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """The state out of a heartbeat's JSON; what this version does not know is left out."""
        said = json.loads(text)
        return cls(**{each.name: said[wire] for each in fields(cls) if (wire := wire_name(each)) in said})


@dataclass(frozen=True, slots=True)
class WorkerSighting:
    """What was heard of one worker."""

    worker: str
    #: s since its latest heartbeat.
    seconds: float
    #: None: it fell silent without a farewell.
    state: WorkerState | None


class Heartbeat:
    """Writes this process's state to Redis.

    Parameters:
        in_hand: its jobs
        devices: its engines
        publisher: what it published
    """

    def __init__(self, active_jobs: ActiveJobs, devices: "Devices", publisher: Publisher) -> None:
        self.active_jobs = active_jobs
        self.devices = devices
        self.publisher = publisher
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        # Held while Redis is told something: a farewell is the last that is heard of a worker.
        self._speaking = threading.Lock()
        self._deregistered = False

    def state(self) -> WorkerState:
        """What this worker does."""
        documents = [job.document_id for job, _ in self.active_jobs.current()]
        return WorkerState(
            worker=self.worker,
            started_at=self.started_at,
            stopping=self.active_jobs.stopping,
            gpu_enabled=self.devices.settings.gpu_enabled,
            gpu_available=self.devices.gpu_available,
            gpu_absence=self.devices.gpu_absence,
            pause_reasons=self.active_jobs.pause_reasons(),
            active_jobs=len(documents),
            concurrency=self.active_jobs.limit,
            results_unheard=self.publisher.unreceived,
            download_seconds=round(longest("download"), 1),
            documents=documents,
        )

    def beat(self) -> None:
        """Say what this worker does, unless it is gone. May raise ``redis.RedisError``."""
        client = self.active_jobs.document_queue.client
        with self._speaking, client.pipeline(transaction=True) as all_at_once:
            if self._deregistered:
                return
            now, _ = client.time()
            all_at_once.set(HEARTBEAT_PREFIX + self.worker, json.dumps(self.state().written()), ex=EXPIRY)
            all_at_once.zadd(SEEN_KEY, {self.worker: now})
            all_at_once.zremrangebyscore(SEEN_KEY, 0, now - FORGOTTEN)
            all_at_once.expire(SEEN_KEY, FORGOTTEN)
            all_at_once.execute()

    def deregister(self) -> None:
        """Say that this worker is gone. May raise ``redis.RedisError``."""
        with self._speaking, self.active_jobs.document_queue.client.pipeline(transaction=True) as all_at_once:
            self._deregistered = True
            all_at_once.delete(HEARTBEAT_PREFIX + self.worker)
            all_at_once.zrem(SEEN_KEY, self.worker)
            all_at_once.execute()


def list_workers(client: redis.Redis) -> list[WorkerSighting]:
    """The workers by name, with those that fell silent in the last hour. May raise ``redis.RedisError``."""
    with client.pipeline(transaction=False) as both:
        both.time()
        both.zrange(SEEN_KEY, 0, -1, withscores=True)
        (now, microseconds), seen = both.execute()
    if not seen:
        return []
    names = sorted((name, score) for name, score in seen)
    texts = client.mget([HEARTBEAT_PREFIX + name for name, _ in names])
    return [
        WorkerSighting(
            name, max(0.0, now + microseconds / 1e6 - at), WorkerState.read(text) if text else None
        )
        for (name, at), text in zip(names, texts, strict=True)
    ]


def worker_states(client: redis.Redis) -> list[WorkerState]:
    """What every living worker says of itself. May raise ``redis.RedisError``."""
    return [each.state for each in list_workers(client) if each.state is not None]
