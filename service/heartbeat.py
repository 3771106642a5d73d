"""Each worker says every few seconds that it lives and what it does; `status` reads that."""

import json
import os
import socket
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import redis

from service.devices import Devices
from service.intake.in_hand import InHand
from service.publishing import Publisher

#: Redis keys of the workers' heartbeats; they expire by themselves.
HEARTBEAT_PREFIX = "filot:ocr:gpu:worker:"

#: s between two heartbeats, and s after which a silent worker counts as gone.
INTERVAL, EXPIRY = 3, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """What one worker process says of itself."""

    worker: str
    started_at: str
    stopping: bool
    gpu_available: bool
    #: Why no GPU is used; empty while one is.
    gpu_absence: str
    #: Why no documents are taken; empty while they are.
    holds: list[str]
    active_jobs: int
    concurrency: int
    #: Results published while nobody listened, since the process began.
    results_unheard: int


class Heartbeat:
    """Writes this process's state to Redis.

    Parameters:
        in_hand: its jobs
        devices: its engines
        publisher: what it published
    """

    def __init__(self, in_hand: InHand, devices: Devices, publisher: Publisher) -> None:
        self.in_hand = in_hand
        self.devices = devices
        self.publisher = publisher
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.started_at = datetime.now(UTC).isoformat(timespec="seconds")

    def beat(self) -> None:
        """Say what this worker does. May raise ``redis.RedisError``."""
        state = WorkerState(
            worker=self.worker,
            started_at=self.started_at,
            stopping=self.in_hand.stopping,
            gpu_available=self.devices.gpu_available,
            gpu_absence=self.devices.gpu_absence,
            holds=self.in_hand.holds(),
            active_jobs=len(self.in_hand.tokens()),
            concurrency=self.in_hand.limit,
            results_unheard=self.publisher.unheard,
        )
        self.in_hand.ledger.client.set(HEARTBEAT_PREFIX + self.worker, json.dumps(asdict(state)), ex=EXPIRY)

    def farewell(self) -> None:
        """Say that this worker is gone. May raise ``redis.RedisError``."""
        self.in_hand.ledger.client.delete(HEARTBEAT_PREFIX + self.worker)


def worker_states(client: redis.Redis) -> list[WorkerState]:
    """What every living worker says of itself. May raise ``redis.RedisError``."""
    keys = list(client.scan_iter(match=f"{HEARTBEAT_PREFIX}*"))
    return [WorkerState(**json.loads(text)) for text in client.mget(keys) if text] if keys else []
