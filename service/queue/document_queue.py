"""The queue of documents in Redis: FiLot's keys and ours, changed only by the Lua scripts beside this module."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import redis
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from service.reading.ocr.engine import Device
from service.settings import Settings, needed

#: Our own keys; the backend's names come from the settings.
CORRELATION_KEY = "filot:ocr:gpu:correlation"
TIMESTAMPS_KEY = "filot:ocr:gpu:processing:timestamps"
LOCK_PREFIX = "filot:ocr:gpu:lock:"
LEASES_KEY = "filot:ocr:gpu:leases"
RETRY_KEY = "filot:ocr:gpu:later"
TOKENS_KEY = "filot:ocr:gpu:tokens"
JOB_PREFIX = "filot:ocr:gpu:job:"
WATCH_KEY = "filot:ocr:gpu:watch"
#: Finished documents whose field in the CPU pipeline's attempts may still be set.
CLAIMED_KEY = f"{WATCH_KEY}:claimed"

#: The backend's CPU pipeline. Its list is appended to on request, and a second source where
#: ``OCR_GPU_CLAIM_CPU_QUEUE`` says so; all else is only read.
CPU_QUEUE_KEY = "filot:ocr:queue"
CPU_ATTEMPTS_KEY = "filot:ocr:attempts"
CPU_PROCESSING_KEY = "filot:ocr:processing"
CPU_DELAYED_KEY = "filot:ocr:delayed"

#: How many jobs one call of `return_due` moves at most, so that no script blocks Redis for long.
RETURN_LIMIT = 100

#: s that a Redis command may take beyond the time that it is asked to wait.
SOCKET_TIMEOUT = 5.0

#: How a take ends: finished, to be retried after a delay, or back at the head of the list at once.
Outcome: TypeAlias = Literal["done", "retry", "requeue"]


@dataclass(frozen=True, slots=True)
class Job:
    """One take of a document."""

    document_id: str
    #: Minted at the first take, kept until the job is settled for good: tells a redelivery from a new job.
    job_id: str
    correlation_id: str
    #: Proof of this take; worthless once the job was given to someone else.
    token: str
    #: Takes so far, this one included, less those that did not count.
    attempt: int
    #: How often the job was put off; the exponent of its backoff.
    deferrals: int
    #: Epoch ms of this take by the Redis server's clock: grows from take to take, which tells a late writer.
    fencing_token: int
    #: How often its worker's lease ran out: what it may have caused.
    crash_count: int
    #: Whether its attempts were used up before this take: it is only to be failed for good.
    used_up: bool
    #: Where this take must compute; None: wherever the worker prefers.
    device: Device | None

    def named(self) -> dict[str, Any]:
        """What a log line says of a job; ``any``: which device reads it is not chosen, or not known here."""
        return {
            "document_id": self.document_id,
            "job_id": self.job_id,
            "correlation_id": self.correlation_id,
            "attempt": self.attempt,
            "device": self.device or "any",
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to do with a job when its take ends."""

    outcome: Outcome
    #: ms until it is due again, for ``retry``.
    delay: int = 0
    #: False when the attempt should not count against the job: the fault was ours.
    counts: bool = True
    device: Device | None = None


#: What happens to a job when nobody said otherwise: it goes back unharmed.
RETURN_UNCOUNTED = Settlement("requeue", counts=False)


def connect_redis(settings: Settings) -> redis.Redis:
    """A client that never repeats a command by itself: whether a repeat is safe, the caller must decide.

    Raises:
        SettingsError: ``REDIS_URL`` is not set.
    """
    client = redis.Redis.from_url(
        needed(settings.redis_url, "REDIS_URL"),
        decode_responses=True,
        socket_connect_timeout=SOCKET_TIMEOUT,
        socket_timeout=settings.poll_interval / 1000 + SOCKET_TIMEOUT,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 0),
    )
    if settings.redis_password:
        # Set afterwards: of two passwords, `from_url` takes the URL's.
        client.connection_pool.connection_kwargs["password"] = settings.redis_password.get_secret_value()
    return client


class DocumentQueue:
    """The queue's operations, one script each. Every method may raise ``redis.RedisError``.

    Parameters:
        client: a connection that answers in text
        settings: key names, lease and lock times
    """

    def __init__(self, client: redis.Redis, settings: Settings) -> None:
        self.client = client
        self.settings = settings
        self._keys = [
            settings.queue_key,
            settings.processing_key,
            settings.attempts_key,
            CORRELATION_KEY,
            TIMESTAMPS_KEY,
            LEASES_KEY,
            RETRY_KEY,
            TOKENS_KEY,
            LOCK_PREFIX,
            JOB_PREFIX,
            WATCH_KEY,
        ]
        #: The lists that documents are fetched from, the preferred one first.
        self._sources = [settings.queue_key]
        if settings.claim_cpu_queue:
            self._sources.append(CPU_QUEUE_KEY)
            self._keys += [CPU_QUEUE_KEY, CPU_ATTEMPTS_KEY, CPU_PROCESSING_KEY, CPU_DELAYED_KEY, CLAIMED_KEY]
        #: Which of them the next `wait` watches.
        self._watched = 0
        self._fetch = self._script("fetch")
        self._renew = self._script("renew")
        self._finish = self._script("finish")
        self._return_due = self._script("return_due")
        self._reap = self._script("reap")
        self._enqueue = self._script("enqueue")
        self._forget = self._script("forget")
        self._erase = self._script("erase")
        self._stalled = self._script("stalled")

    def _script(self, name: str) -> Script:
        folder = Path(__file__).parent / "lua"
        text = (folder / "schema.lua").read_text() + (folder / f"{name}.lua").read_text()
        return self.client.register_script(text)

    def enqueue(self, document_id: str) -> bool:
        """Append a document; False when it already waits or is in work."""
        return bool(self._enqueue(keys=self._keys, args=[document_id, str(uuid.uuid4())]))

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until a document waits; takes nothing.

        Moving the head of a list onto itself is Redis' atomic way to block until a list has one. It watches one
        list only: of two, they are watched in turn, and one that holds documents ends its turn at once.
        """
        key = self._sources[self._watched]
        # Redis takes fractions of a second here; the client's annotation does not say so.
        found = self.client.blmove(key, key, cast(int, timeout), "LEFT", "LEFT") is not None
        if not found:
            self._watched = (self._watched + 1) % len(self._sources)
        return found

    def fetch(self, token: str) -> Job | None:
        """Fetch the oldest waiting document; the same token again returns the same job."""
        answer = self._fetch(
            keys=self._keys,
            args=[
                token,
                self.settings.lease,
                self.settings.lock_ttl,
                str(uuid.uuid4()),
                str(uuid.uuid4()),
                self.settings.max_retries,
            ],
        )
        if answer is None:
            return None
        (
            document_id,
            job_id,
            correlation_id,
            attempt,
            deferrals,
            fencing_token,
            crash_count,
            device,
            used_up,
        ) = answer
        return Job(
            document_id=document_id,
            job_id=job_id,
            correlation_id=correlation_id,
            token=token,
            attempt=int(attempt),
            deferrals=int(deferrals),
            fencing_token=int(fencing_token),
            crash_count=int(crash_count),
            used_up=bool(used_up),
            device=cast(Device, device) if device else None,
        )

    def renew(self, tokens: Collection[str]) -> set[str]:
        """Extend the leases of these takes; returns the tokens that are no longer valid."""
        return set(self._renew(keys=self._keys, args=[self.settings.lease, self.settings.lock_ttl, *tokens]))

    def finish(self, token: str, settlement: Settlement) -> bool:
        """End a take; False when the job had been given to someone else, and nothing was changed."""
        args: list[str | int] = [
            token,
            settlement.outcome,
            settlement.delay,
            "1" if settlement.counts else "0",
            settlement.device or "",
        ]
        return bool(self._finish(keys=self._keys, args=args))

    def return_due(self) -> tuple[int, int]:
        """Put jobs back whose lease ran out, and retries that are due; returns how many of each.

        To be called several times in half a lease: after a longer silence every lease is renewed once,
        because nobody can tell who still lives.
        """
        expired, due = self._return_due(
            keys=self._keys, args=[RETURN_LIMIT, self.settings.lease, self.settings.lock_ttl]
        )
        return int(expired), int(due)

    def reap(self, orphans: Collection[str]) -> tuple[int, set[str]]:
        """Return jobs that no worker holds, and remove what ended jobs left behind.

        Returns how many jobs went back to the list, and the ids of fields that belong to no job: hand those
        to the next call, which removes the ones still orphaned.
        """
        returned, *seen = self._reap(keys=self._keys, args=[self.settings.stalled_timeout, *orphans])
        return int(returned), set(seen)

    def forget(self, document_id: str) -> bool:
        """End a document's job whoever holds it; False when it was not in work."""
        return bool(self._forget(keys=self._keys, args=[document_id]))

    def erase(self, document_id: str) -> int | None:
        """Remove every field that a document left behind; None when it waits or is in work, else how many."""
        removed = int(self._erase(keys=self._keys, args=[document_id]))
        return None if removed < 0 else removed

    def stalled(self, *, requeue: bool) -> list[str]:
        """Members of the processing set that no living worker holds; they return to the list if asked to."""
        return list(self._stalled(keys=self._keys, args=["1" if requeue else "0"]))

    def known_ids(self) -> set[str]:
        """Every document that waits, is in work or waits for a retry, the backend's CPU pipeline included."""
        with self.client.pipeline(transaction=True) as all_at_once:
            all_at_once.lrange(self.settings.queue_key, 0, -1)
            all_at_once.smembers(self.settings.processing_key)
            all_at_once.lrange(CPU_QUEUE_KEY, 0, -1)
            all_at_once.smembers(CPU_PROCESSING_KEY)
            all_at_once.zrange(CPU_DELAYED_KEY, 0, -1)
            return {document_id for ids in all_at_once.execute() for document_id in ids}

    def queue_length(self) -> int:
        """How many documents wait in the GPU list."""
        return int(self.client.llen(self.settings.queue_key))

    def claimable_length(self) -> int:
        """How many documents wait in the CPU pipeline's list; 0 unless that is a source."""
        return int(self.client.llen(CPU_QUEUE_KEY)) if self.settings.claim_cpu_queue else 0

    def processing_count(self) -> int:
        """How many documents are taken and not finished."""
        return int(self.client.scard(self.settings.processing_key))
