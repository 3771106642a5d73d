"""The active jobs of this process: whether it may fetch more, and the thread that renews their leases."""

import threading
import time
from typing import Any

import redis
import structlog

from service.queue.document_queue import RETURN_UNCOUNTED, DocumentQueue, Job, Settlement
from service.store.server_problems import redis_problem
from service.telemetry.metrics import LEASE_RENEWALS

log = structlog.get_logger(__name__)

#: s; the longest pause between attempts to fetch while one of our servers is away.
MAX_PAUSE = 15.0


class ActiveJobs:
    """The jobs that this process has fetched and not finished. Safe to use from any thread.

    Parameters:
        document_queue: where leases are renewed and jobs finished
        limit: how many jobs may be active at once
    """

    def __init__(self, document_queue: DocumentQueue, limit: int) -> None:
        self.document_queue = document_queue
        self.limit = limit
        self._jobs: dict[str, Job] = {}
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._pause_reasons: dict[str, str] = {}
        self._outages = 0
        self._outage_since = 0.0
        self._paused_until = 0.0
        self._keeper: threading.Thread | None = None
        self._closed = threading.Event()
        #: `time.monotonic()` of the latest attempt to fetch: the sign that this worker makes progress.
        self.last_look = time.monotonic()

    def add(self, job: Job) -> None:
        """Add a job that was just fetched, and renew its lease from now on."""
        with self._changed:
            self._jobs[job.token] = job
            self._since[job.token] = time.monotonic()
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_leases, name="leases", daemon=True)
                self._keeper.start()

    def finish(self, token: str, settlement: Settlement) -> None:
        """Finish a fetch in the queue, which frees its slot. Raises ``redis.RedisError``."""
        in_time = self.document_queue.finish(token, settlement)
        with self._changed:
            job = self._jobs.pop(token, None)
            self._since.pop(token, None)
            self._changed.notify_all()
        if not in_time:
            log.warning("settled_too_late", outcome=settlement.outcome, **_named(job))

    def give_back(self) -> None:
        """Return every job to the head of the list; no attempt counts."""
        for token in self.tokens():
            try:
                self.finish(token, RETURN_UNCOUNTED)
            except redis.RedisError as error:
                log.warning(
                    "job_not_given_back", reason=redis_problem(error)[0], **_named(self._jobs.get(token))
                )

    def close(self) -> None:
        """End the thread that renews leases."""
        self._closed.set()
        if self._keeper is not None:
            self._keeper.join()

    def tokens(self) -> list[str]:
        """The tokens of the active jobs."""
        with self._changed:
            return list(self._jobs)

    def current(self) -> list[tuple[Job, float]]:
        """The active jobs, each with the s since it was fetched."""
        with self._changed:
            now = time.monotonic()
            return [(job, now - self._since[token]) for token, job in self._jobs.items()]

    def age(self, token: str) -> float:
        """s since a job was fetched; 0 when it is not active."""
        with self._changed:
            return time.monotonic() - self._since[token] if token in self._since else 0.0

    def oldest_age(self) -> float:
        """s since the oldest active job was fetched; 0 without one."""
        with self._changed:
            return time.monotonic() - min(self._since.values()) if self._since else 0.0

    @property
    def stopping(self) -> bool:
        """Whether this process fetches no more jobs."""
        return self._stopping

    def stop_fetching(self) -> None:
        """Fetch nothing more. Called from a signal handler, so it must not wait for a lock."""
        self._stopping = True

    def pause(self, source: str, reason: str) -> None:
        """Fetch nothing until ``resume(source)``; ``reason`` is one sentence for the operator."""
        with self._changed:
            self._pause_reasons[source] = reason

    def resume(self, source: str) -> None:
        """End a pause."""
        with self._changed:
            if self._pause_reasons.pop(source, None):
                self._changed.notify_all()

    def is_paused_by(self, source: str) -> bool:
        """Whether ``pause(source)`` is in effect."""
        with self._changed:
            return source in self._pause_reasons

    def pause_reasons(self) -> list[str]:
        """Why nothing is fetched at present; empty while jobs are fetched."""
        with self._changed:
            return list(self._pause_reasons.values())

    def note_outage(self) -> None:
        """Note that one of our servers was away: fetch nothing for a while, longer each time in a row."""
        with self._changed:
            if not self._outages:
                self._outage_since = time.monotonic()
            self._outages += 1
            self._paused_until = time.monotonic() + min(MAX_PAUSE, 0.25 * 2.0**self._outages)

    def note_success(self) -> None:
        """Note that a job succeeded: the servers are back."""
        with self._changed:
            self._outages = 0
            self._paused_until = 0.0

    def outage_age(self) -> float:
        """s for which no job has succeeded because a server was away; 0 when the latest one did."""
        with self._changed:
            return time.monotonic() - self._outage_since if self._outages else 0.0

    def looked(self) -> None:
        """Note an attempt to fetch, whether or not Redis answered it."""
        self.last_look = time.monotonic()

    def wait_for_room(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until another job may be fetched; returns whether it may."""
        self.looked()
        with self._changed:
            if not self.may_fetch():
                # A stop notifies nobody, so the caller repeats the wait.
                self._changed.wait(timeout)
            return self.may_fetch()

    def wait_until_alone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until at most one job is active; returns whether that is so."""
        self.looked()
        with self._changed:
            return self._changed.wait_for(lambda: len(self._jobs) <= 1, timeout)

    def may_fetch(self) -> bool:
        """Whether another job may be fetched now."""
        with self._changed:
            return (
                not self._stopping
                and not self._pause_reasons
                and len(self._jobs) < self.limit
                # A quarantined job runs alone: if it kills the process again, no other job dies with it.
                and not any(job.crash_count for job in self._jobs.values())
                and time.monotonic() >= self._paused_until
            )

    def _keep_leases(self) -> None:
        # A third of the lease: two renewals may fail before the lease expires.
        interval = self.document_queue.settings.lease / 3
        while not self._closed.wait(interval):
            tokens = self.tokens()
            if tokens:
                self._renew(tokens)

    def _renew(self, tokens: list[str]) -> None:
        try:
            lost = self.document_queue.renew(tokens)
        except redis.RedisError as error:
            LEASE_RENEWALS.labels("failed").inc(len(tokens))
            log.warning("leases_not_renewed", reason=redis_problem(error)[0], jobs=len(tokens))
            return
        LEASE_RENEWALS.labels("renewed").inc(len(tokens) - len(lost))
        for token in lost:
            with self._changed:
                job = self._jobs.get(token)
            # A job finished since the tokens were read is not lost.
            if job is not None:
                LEASE_RENEWALS.labels("lost").inc()
                log.warning("lease_lost", **_named(job))


def _named(job: Job | None) -> dict[str, Any]:
    """The log fields of a job; those of the current context, which know its device, win."""
    return {**(job.named() if job else {}), **structlog.contextvars.get_contextvars()}
