"""The queue of documents in Redis: FiLot's keys and ours, changed only by Lua scripts."""

import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import redis
import structlog
from redis.commands.core import Script
from redis.exceptions import ClusterCrossSlotError, NoPermissionError

from service.errors import SettingsError
from service.queue.job import RETURN_UNCOUNTED, Job, Outcome, Settlement, parse_job
from service.queue.keys import (
    CLAIMED_KEY,
    CORRELATION_KEY,
    CPU_ATTEMPTS_KEY,
    CPU_DELAYED_KEY,
    CPU_PROCESSING_KEY,
    CPU_QUEUE_KEY,
    JOB_PREFIX,
    LEASES_KEY,
    LOCK_PREFIX,
    RETRY_KEY,
    TIMESTAMPS_KEY,
    TOKENS_KEY,
    WATCH_KEY,
)
from service.queue.redis_client import connect_redis
from service.settings import Settings
from service.store.documents import is_document_id
from service.telemetry.metrics import REFUSED

__all__ = [
    "CLAIMED_KEY",
    "CORRELATION_KEY",
    "CPU_ATTEMPTS_KEY",
    "CPU_DELAYED_KEY",
    "CPU_PROCESSING_KEY",
    "CPU_QUEUE_KEY",
    "JOB_PREFIX",
    "LEASES_KEY",
    "LOCK_PREFIX",
    "RETRY_KEY",
    "RETURN_UNCOUNTED",
    "TIMESTAMPS_KEY",
    "TOKENS_KEY",
    "WATCH_KEY",
    "DocumentQueue",
    "Job",
    "Outcome",
    "Settlement",
    "connect_redis",
]

log = structlog.get_logger(__name__)

#: How many jobs one call of `return_due` moves at most, and how many keys one step of a scan looks at: no
#: script blocks Redis for long.
RETURN_LIMIT, SCAN_STEP = 100, 500

#: How many leftover fields one call of `reap` reports at most, and how long the queue may be for it to look.
MAX_LEFTOVERS, MAX_WAITING = 1000, 1000

#: s between two looks at a list where the server does not let us block.
POLL = 0.5

#: How often `return_due` asks Redis in the time of a lease. Twice in half of it is the least.
LOOKS_PER_LEASE = 5

#: What Redis answers to a script whose keys lie on several nodes.
CLUSTER = (
    "REDIS_URL is a Redis in cluster mode (or serverless), which cannot hold FiLot's keys together: "
    "use one primary with replicas"
)


class DocumentQueue:
    """The queue's operations, one script each.

    Every method may raise ``redis.RedisError``, and ``SettingsError`` where the server cannot hold the keys
    together.

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
        #: Which of them the next `wait` watches, and whether the latest one found nothing.
        self._watched, self._is_empty = 0, False
        #: Whether the latest fetch was refused because an operator paused all workers.
        self.is_paused = False
        #: Whether the server lets us block.
        self._may_block = True
        #: `time.monotonic()` before which `return_due` need not ask.
        self._next_look = 0.0
        #: Names this object in elections.
        self._name = str(uuid.uuid4())
        folder = Path(__file__).parent / "lua"
        shared = (folder / "schema.lua").read_text()
        self._scripts: dict[str, Script] = {
            path.stem: client.register_script(shared + path.read_text())
            for path in folder.glob("*.lua")
            if path.stem != "schema"
        }

    def _run(self, script: str, *arguments: str | int) -> Any:
        try:
            return self._scripts[script](keys=self._keys, args=arguments)
        except ClusterCrossSlotError:
            raise SettingsError(CLUSTER) from None
        except redis.RedisError:
            self._next_look = 0.0
            raise

    def check_server(self) -> None:
        """Run a script that changes nothing, as a check of the server at start.

        Raises:
            SettingsError: the server cannot hold the keys together.
        """
        self._run("renew", 1, 1)

    def enqueue(self, document_id: str) -> bool:
        """Append a document; False when it already waits or is in work, or the id is no document id."""
        if not is_document_id(document_id):
            return False
        return bool(self._run("enqueue", document_id, str(uuid.uuid4())))

    def enqueue_lost(self, document_id: str) -> bool:
        """Append a document unless any queue holds it, the CPU pipeline's included."""
        with self.client.pipeline(transaction=True) as transaction:
            transaction.lpos(CPU_QUEUE_KEY, document_id)
            transaction.sismember(CPU_PROCESSING_KEY, document_id)
            transaction.zscore(CPU_DELAYED_KEY, document_id)
            place, in_work, due = transaction.execute()
        return place is None and not in_work and due is None and self.enqueue(document_id)

    def wait(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until a document waits; takes nothing.

        Moving the head of a list onto itself is Redis' atomic way to block until a list has one. It watches
        one list only: of two, they are watched in turn, and one that holds documents ends its turn at once.
        """
        try:
            found = self._block(timeout) if self._may_block else self._poll(timeout)
        except NoPermissionError:
            if not self._may_block:
                raise
            # Access rules without `@blocking`, as some hosts have them.
            log.info("redis_polled", reason="Redis does not let this user wait for a list: it is polled")
            self._may_block = False
            found = self._poll(timeout)
        except redis.RedisError:
            self._next_look = 0.0
            raise
        self._is_empty = not found
        return found

    def _block(self, timeout: float) -> bool:
        key = self._sources[self._watched]
        # Redis takes fractions of a second here; the client's annotation does not say so.
        found = self.client.blmove(key, key, cast(int, timeout), "LEFT", "LEFT") is not None
        if not found:
            self._watched = (self._watched + 1) % len(self._sources)
        return found

    def _poll(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while not self.client.exists(*self._sources):
            remaining = end - time.monotonic()
            if remaining <= 0:
                return False
            time.sleep(min(remaining, POLL))
        return True

    def fetch(self, token: str) -> Job | None:
        """Fetch the oldest waiting document; the same token again returns the same job.

        The first call after a `wait` that found nothing returns None without asking. Entries of the list that
        are no document ids are removed on the way. ``is_paused`` says whether an operator's pause is why
        nothing was fetched.
        """
        self.is_paused = False
        if self._is_empty:
            self._is_empty = False
            return None
        fields, refused, *paused = self._run(
            "fetch",
            token,
            _milliseconds(self.settings.lease),
            self.settings.lock_ttl,
            str(uuid.uuid4()),
            str(uuid.uuid4()),
            self.settings.max_retries,
        )
        self.is_paused = bool(paused)
        if refused:
            REFUSED.inc(len(refused) // 2)
            log.warning(
                "queue_entries_refused", entries=len(refused) // 2, length=int(refused[0]), sha1=refused[1]
            )
        return parse_job(token, fields) if fields else None

    def renew(self, tokens: Collection[str]) -> set[str]:
        """Extend the leases of these fetches; returns the tokens that are no longer valid."""
        return set(self._run("renew", _milliseconds(self.settings.lease), self.settings.lock_ttl, *tokens))

    def finish(self, token: str, settlement: Settlement) -> bool:
        """End a fetch; False when the job had been given to another worker, and nothing was changed."""
        finished = self._run(
            "finish",
            token,
            settlement.outcome,
            _milliseconds(settlement.delay),
            "1" if settlement.counts else "0",
            settlement.device or "",
        )
        if settlement.outcome == "retry":
            self._look_in(settlement.delay)
        return bool(finished)

    def return_due(self, *, at_once: bool = False) -> tuple[int, int]:
        """Return jobs whose lease expired and retries that are due to the list; returns how many of each.

        To be called at least once a second; it asks Redis only when something may be due, several times in a
        lease, and after an error. After half a lease without a look by any worker every lease is renewed
        once, because nobody can tell who is still alive.

        Parameters:
            at_once: ask Redis in any case
        """
        if not at_once and time.monotonic() < self._next_look:
            return 0, 0
        self._next_look = 0.0
        expired, due, next_due = self._run(
            "return_due", RETURN_LIMIT, _milliseconds(self.settings.lease), self.settings.lock_ttl
        )
        longest = self.settings.lease / LOOKS_PER_LEASE
        self._next_look = time.monotonic() + longest
        if int(next_due) >= 0:
            self._look_in(int(next_due) / 1000)
        return int(expired), int(due)

    def _look_in(self, seconds: float) -> None:
        self._next_look = min(self._next_look, time.monotonic() + seconds)

    def elect(self, task: str, seconds: float) -> bool:
        """Whether this worker does a task for all of them; whoever asks first does, until it stops asking.

        Parameters:
            task: part of a key's name
            seconds: after which another worker may take over
        """
        return bool(self._run("elect", f"{WATCH_KEY}:{task}", self._name, _milliseconds(seconds)))

    def reap(self, leftovers: Collection[str]) -> tuple[int, set[str]]:
        """Return jobs that no worker holds, and remove the fields that ended jobs left behind.

        One elected worker does it, in steps that do not grow with the backlog; fields are looked at while
        the queue is short.

        Returns how many jobs went back to the list, and the ids of fields that belong to no job: pass those
        to the next call, which removes the ones that still belong to none.
        """
        if not self.elect("reap", 2.5 * self.settings.reaper_interval):
            return 0, set()
        returned = sum(
            int(count) for (count,) in self._scan("reap", _milliseconds(self.settings.stalled_timeout))
        )
        self._remove_leftovers(list(leftovers))
        seen: set[str] = set()
        for key in (self.settings.attempts_key, CORRELATION_KEY, TIMESTAMPS_KEY):
            for found in self._scan("leftovers", key, MAX_WAITING):
                seen.update(found)
                if len(seen) >= MAX_LEFTOVERS:
                    return returned, seen
        return returned, seen

    def _remove_leftovers(self, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), SCAN_STEP):
            self._run("remove_leftovers", MAX_WAITING, *ids[start : start + SCAN_STEP])

    def _scan(self, script: str, *arguments: str | int) -> Iterator[list[Any]]:
        """Call a script with one cursor after the other; yields what it returns beside the next cursor."""
        cursor = "0"
        while True:
            cursor, *found = self._run(script, cursor, SCAN_STEP, *arguments)
            yield found
            if cursor == "0":
                return

    def forget(self, document_id: str) -> bool:
        """End a document's job, whichever worker holds it; False when it was not in work."""
        return bool(self._run("forget", document_id))

    def cancel(self, document_id: str) -> tuple[str, int, str, str]:
        """Take a document out of the queue, wherever it is.

        Returns where it was (``waiting``, ``in work``, or empty), the epoch ms of the Redis server, the
        correlation id and the job id; either is empty where there was none.
        """
        state, now, correlation_id, job_id = self._run("cancel", document_id)
        return str(state), int(now), str(correlation_id), str(job_id)

    def erase(self, document_id: str) -> int | None:
        """Remove every field that a document left behind; None when it waits or is in work, else how many."""
        removed = int(self._run("erase", document_id))
        return None if removed < 0 else removed

    def stalled(self, *, requeue: bool) -> list[str]:
        """Members of the processing set that no living worker holds; they return to the list if asked to."""
        return [each for found in self._scan("stalled", "1" if requeue else "0") for each in found]

    def known(self, document_ids: Sequence[str]) -> set[str]:
        """Those of these documents that wait or are in work, here or in the backend's CPU pipeline.

        A waiting document is known by its attempts, which whoever enqueues it sets: to look for an id in a
        list takes time that grows with the list. `enqueue` and `enqueue_lost` do look.
        """
        found: set[str] = set()
        for start in range(0, len(document_ids), SCAN_STEP):
            ids = list(document_ids[start : start + SCAN_STEP])
            with self.client.pipeline(transaction=True) as transaction:
                for key in (self.settings.attempts_key, CPU_ATTEMPTS_KEY):
                    transaction.hmget(key, ids)
                for key in (self.settings.processing_key, CPU_PROCESSING_KEY):
                    transaction.smismember(key, ids)
                transaction.zmscore(CPU_DELAYED_KEY, ids)
                counted, cpu_counted, in_work, cpu_in_work, cpu_due = transaction.execute()
            signs = zip(counted, cpu_counted, in_work, cpu_in_work, cpu_due, strict=True)
            found.update(
                document_id
                for document_id, (*fields, ours, theirs, due) in zip(ids, signs, strict=True)
                if ours or theirs or any(each is not None for each in (*fields, due))
            )
        return found

    def queue_length(self) -> int:
        """How many documents wait in the GPU list."""
        return int(self.client.llen(self.settings.queue_key))

    def claimable_length(self) -> int:
        """How many documents wait in the CPU pipeline's list; 0 unless that is a source."""
        return int(self.client.llen(CPU_QUEUE_KEY)) if self.settings.claim_cpu_queue else 0

    def processing_count(self) -> int:
        """How many documents are fetched and not finished."""
        return int(self.client.scard(self.settings.processing_key))


def _milliseconds(seconds: float) -> int:
    """A duration as the scripts take it."""
    return round(seconds * 1000)
