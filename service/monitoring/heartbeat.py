"""Heartbeats: each worker writes its state to Redis every few seconds; any process can list the workers."""

import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from redis.commands.core import Script

from service.monitoring.gpu_usage import GpuUse
from service.queue.active_jobs import ActiveJobs
from service.queue.operator_pause import PAUSE_KEY, PauseWatch
from service.store.publisher import Publisher
from service.telemetry.stages import longest, medians

if TYPE_CHECKING:
    from service.reading.ocr.devices import Devices

#: Redis keys of the workers' heartbeats; they expire by themselves.
HEARTBEAT_PREFIX = "filot:ocr:gpu:worker:"

#: Zset of the workers, scored by the epoch s of their latest heartbeat by Redis' clock. It also lists workers
#: that stopped responding, and spares readers a SCAN. No worker has this name: theirs hold a colon.
SEEN_KEY = f"{HEARTBEAT_PREFIX}seen"

#: s between two heartbeats, s after which a worker counts as not responding, s after which it is forgotten.
HEARTBEAT_INTERVAL, EXPIRY, FORGOTTEN = 3, 10, 3600


#: Key of a field's metadata: its name in JSON, where that is another one than in Python.
WIRE = "wire"


def wire_name(field: "Field[Any]") -> str:
    """The name of a dataclass field in JSON."""
    return str(field.metadata.get(WIRE, field.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """State of one worker process, as its heartbeat holds it.

    Workers of several versions share one Redis while a new one is rolled out: every field has a default.
    """

    worker: str = ""
    started_at: str = ""
    stopping: bool = False
    #: The setting; whether a GPU is used says ``gpuAvailable``.
    gpu_enabled: bool = False
    gpu_available: bool = False
    #: Why no GPU is used; empty while one is.
    gpu_absence: str = ""
    #: Why no documents are taken; empty while they are.
    pause_reasons: list[str] = field(default_factory=list, metadata={WIRE: "holds"})
    active_jobs: int = 0
    concurrency: int = 0
    #: Results published while no client was subscribed, since the process began.
    results_unheard: int = 0
    #: Why the latest review has no row in `manual_reviews`; empty when it has one.
    review_problem: str = ""
    #: Why the review service did not accept the latest request; empty when it did.
    review_failure: str = ""
    #: What to do about that.
    review_remedy: str = ""
    #: Why PostgreSQL did not answer this worker's latest poll; empty while it does.
    database_problem: str = ""
    #: s for which the longest download in progress has lasted.
    download_seconds: float = 0.0
    #: Ids of the documents in progress.
    documents: list[str] = field(default_factory=list)
    #: Median s of each stage's latest runs.
    stage_seconds: dict[str, float] = field(default_factory=dict)
    #: Bytes of GPU memory that all programs use, and of all there is; 0: not measured.
    gpu_memory_used: int = 0
    gpu_memory_total: int = 0
    #: Share of the driver's last sample period in which the GPU was computing, 0 to 1.
    gpu_utilisation: float = 0.0
    #: Whether it takes documents from the backend's CPU list as well.
    claims_cpu_queue: bool = False

    def written(self) -> dict[str, Any]:
        """Return the JSON object of a heartbeat."""
        return {wire_name(each): getattr(self, each.name) for each in fields(self)}

    @classmethod
    def read(cls, text: str | bytes) -> Self:
        """Parse a heartbeat's JSON; fields unknown to this version are ignored."""
        given = json.loads(text)
        return cls(**{each.name: given[wire] for each in fields(cls) if (wire := wire_name(each)) in given})


@dataclass(frozen=True, slots=True)
class WorkerSighting:
    """One worker as others see it."""

    worker: str
    #: s since its latest heartbeat.
    seconds: float
    #: None: it stopped responding without a clean shutdown.
    state: WorkerState | None


class Heartbeat:
    """Writes this process's state to Redis.

    Parameters:
        client: a connection that answers in text
        active_jobs: the jobs in progress here
        devices: where they are computed
        publisher: counts results that nobody received
        gpu_enabled: the setting
        pause_watch: told of an operator's pause, which the same command reads
        gpu_use: returns the latest measurement of the GPU's use
    """

    def __init__(
        self,
        client: redis.Redis,
        active_jobs: ActiveJobs,
        devices: "Devices",
        publisher: Publisher,
        *,
        gpu_enabled: bool,
        pause_watch: PauseWatch | None = None,
        gpu_use: Callable[[], GpuUse | None] = lambda: None,
    ) -> None:
        self.client = client
        self.active_jobs = active_jobs
        self.devices = devices
        self.publisher = publisher
        self.gpu_enabled = gpu_enabled
        self.pause_watch = pause_watch
        #: Says why the latest review has no row in ``manual_reviews``; None when it has one.
        self.review_problem: Callable[[], str | None] = lambda: None
        #: Returns why the latest review was not accepted, and what to do; None when it was.
        self.review_failure: Callable[[], tuple[str, str] | None] = lambda: None
        #: Returns why PostgreSQL does not answer this worker; empty while it does.
        self.database_problem: Callable[[], str] = lambda: ""
        self.gpu_use = gpu_use
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")
        self._script = heartbeat_script(client)
        # Held while Redis is written to: nothing may follow the removal of a worker.
        self._writing = threading.Lock()
        self._deregistered = False

    def state(self) -> WorkerState:
        """Return the current state of this worker."""
        documents = [job.document_id for job, _ in self.active_jobs.current()]
        review_failure, review_remedy = self.review_failure() or ("", "")
        use = self.gpu_use() or GpuUse(0, 0, 0.0)
        return WorkerState(
            worker=self.worker,
            started_at=self.started_at,
            stopping=self.active_jobs.stopping,
            gpu_enabled=self.gpu_enabled,
            gpu_available=self.devices.gpu_available,
            gpu_absence=self.devices.gpu_absence,
            pause_reasons=self.active_jobs.pause_reasons(),
            active_jobs=len(documents),
            concurrency=self.active_jobs.limit,
            results_unheard=self.publisher.unreceived,
            review_problem=self.review_problem() or "",
            review_failure=review_failure,
            review_remedy=review_remedy,
            database_problem=self.database_problem(),
            download_seconds=round(longest("download"), 1),
            documents=documents,
            stage_seconds=medians(),
            gpu_memory_used=use.memory_used,
            gpu_memory_total=use.memory_total,
            gpu_utilisation=use.utilisation,
            claims_cpu_queue=self.active_jobs.document_queue.settings.claim_cpu_queue,
        )

    def beat(self) -> None:
        """Write a heartbeat, unless this worker has deregistered. Raises ``redis.RedisError``."""
        with self._writing:
            if self._deregistered:
                return
            # One command: idle workers are billed for what they send.
            pause = self._script(
                keys=[HEARTBEAT_PREFIX + self.worker, SEEN_KEY, PAUSE_KEY],
                args=[json.dumps(self.state().written()), EXPIRY, self.worker, FORGOTTEN],
            )
        if self.pause_watch is not None:
            self.pause_watch.note(None if pause is None else str(pause))

    def deregister(self) -> None:
        """Remove this worker from Redis after a clean shutdown. Raises ``redis.RedisError``."""
        with self._writing, self.client.pipeline(transaction=True) as pipeline:
            self._deregistered = True
            pipeline.delete(HEARTBEAT_PREFIX + self.worker)
            pipeline.zrem(SEEN_KEY, self.worker)
            pipeline.execute()


def heartbeat_script(client: redis.Redis) -> Script:
    """Return the script that writes a heartbeat, one command."""
    return client.register_script((Path(__file__).parent / "heartbeat.lua").read_text())


def sighting(worker: str, seconds: float, text: str | bytes | None) -> WorkerSighting:
    """Build a sighting from the age of the latest heartbeat and its text, if that has not expired."""
    return WorkerSighting(worker, max(0.0, seconds), WorkerState.read(text) if text else None)


def list_workers(client: redis.Redis) -> list[WorkerSighting]:
    """List the workers by name, those that stopped responding in the last hour included.

    Raises ``redis.RedisError``.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.time()
        pipeline.zrange(SEEN_KEY, 0, -1, withscores=True)
        (now, microseconds), seen = pipeline.execute()
    if not seen:
        return []
    names = sorted((name, score) for name, score in seen)
    texts = client.mget([HEARTBEAT_PREFIX + name for name, _ in names])
    return [
        sighting(name, now + microseconds / 1e6 - at, text)
        for (name, at), text in zip(names, texts, strict=True)
    ]


def worker_states(client: redis.Redis) -> list[WorkerState]:
    """Return the states of all workers that respond. Raises ``redis.RedisError``."""
    return [each.state for each in list_workers(client) if each.state is not None]
