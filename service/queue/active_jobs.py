"""What this process holds: its jobs, whether it may take more, and the thread that keeps its leases alive."""

import threading
import time
from typing import Any

import redis
import structlog

from service.queue.document_queue import RETURN_UNCOUNTED, DocumentQueue, Job, Settlement
from service.telemetry.metrics import LEASE_RENEWALS

log = structlog.get_logger(__name__)

#: s of the longest pause in taking while our own servers are away.
MAX_PAUSE = 15.0


class ActiveJobs:
    """The jobs that this process has taken and not settled. Safe to use from any thread.

    Parameters:
        ledger: where jobs are renewed and settled
        limit: how many jobs may be out at once
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
        #: `time.monotonic()` of the latest look for work: the sign that this worker makes progress.
        self.last_look = time.monotonic()

    def add(self, job: Job) -> None:
        """Count a job that was just taken, and keep its lease alive from now on."""
        with self._changed:
            self._jobs[job.token] = job
            self._since[job.token] = time.monotonic()
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep_leases, name="leases", daemon=True)
                self._keeper.start()

    def finish(self, token: str, settlement: Settlement) -> None:
        """End a take in the ledger and make room for another. Raises ``redis.RedisError``."""
        in_time = self.document_queue.finish(token, settlement)
        with self._changed:
            job = self._jobs.pop(token, None)
            self._since.pop(token, None)
            self._changed.notify_all()
        if not in_time:
            log.warning("settled_too_late", outcome=settlement.outcome, **_named(job))

    def give_back(self) -> None:
        """Return every job to the head of the list, unharmed; whoever still works on one works in vain."""
        for token in self.tokens():
            try:
                self.finish(token, RETURN_UNCOUNTED)
            except redis.RedisError as error:
                log.warning(
                    "job_not_given_back", reason=type(error).__name__, **_named(self._jobs.get(token))
                )

    def close(self) -> None:
        """End the thread that renews leases."""
        self._closed.set()
        if self._keeper is not None:
            self._keeper.join()

    def tokens(self) -> list[str]:
        """The tokens of the jobs that are out."""
        with self._changed:
            return list(self._jobs)

    def current(self) -> list[tuple[Job, float]]:
        """The jobs that are out, each with s since it was taken."""
        with self._changed:
            now = time.monotonic()
            return [(job, now - self._since[token]) for token, job in self._jobs.items()]

    def age(self, token: str) -> float:
        """s since a job was taken; 0 when it is not out."""
        with self._changed:
            return time.monotonic() - self._since[token] if token in self._since else 0.0

    def oldest_age(self) -> float:
        """s since the job that is out longest was taken; 0 when none is."""
        with self._changed:
            return time.monotonic() - min(self._since.values()) if self._since else 0.0

    @property
    def stopping(self) -> bool:
        """Whether this process takes no more jobs."""
        return self._stopping

    def stop_fetching(self) -> None:
        """Take nothing more. Called from a signal handler, so it must not wait for a lock."""
        self._stopping = True

    def pause(self, source: str, reason: str) -> None:
        """Take nothing until ``release(source)``; ``reason`` is one sentence for the operator."""
        with self._changed:
            self._pause_reasons[source] = reason

    def resume(self, source: str) -> None:
        """End a hold."""
        with self._changed:
            if self._pause_reasons.pop(source, None):
                self._changed.notify_all()

    def pause_reasons(self) -> list[str]:
        """Why nothing is taken at present; empty when jobs are taken."""
        with self._changed:
            return list(self._pause_reasons.values())

    def note_outage(self) -> None:
        """One of our servers was away: pause taking, longer each time in a row."""
        with self._changed:
            if not self._outages:
                self._outage_since = time.monotonic()
            self._outages += 1
            self._paused_until = time.monotonic() + min(MAX_PAUSE, 0.25 * 2.0**self._outages)

    def note_success(self) -> None:
        """A job got through: the servers are back."""
        with self._changed:
            self._outages = 0
            self._paused_until = 0.0

    def outage_age(self) -> float:
        """s for which no job has got through because a server was away; 0 when the latest one did."""
        with self._changed:
            return time.monotonic() - self._outage_since if self._outages else 0.0

    def looked(self) -> None:
        """Note a look for work, whether or not Redis answered it."""
        self.last_look = time.monotonic()

    def wait_for_room(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until another job may be taken; returns whether it may."""
        self.looked()
        with self._changed:
            if not self.may_fetch():
                # A stop or the end of a pause notifies nobody, so the wait is the caller's to repeat.
                self._changed.wait(timeout)
            return self.may_fetch()

    def wait_until_alone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until one job only is out; returns whether that is so."""
        self.looked()
        with self._changed:
            return self._changed.wait_for(lambda: len(self._jobs) <= 1, timeout)

    def may_fetch(self) -> bool:
        """Whether another job may be taken now."""
        with self._changed:
            return (
                not self._stopping
                and not self._pause_reasons
                and len(self._jobs) < self.limit
                # A suspect works alone: were it to kill the process again, no other job would pay for it.
                and not any(job.crash_count for job in self._jobs.values())
                and time.monotonic() >= self._paused_until
            )

    def _keep_leases(self) -> None:
        # A third of the lease: two renewals may fail before anyone thinks that this worker is dead.
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
            log.warning("leases_not_renewed", reason=type(error).__name__, jobs=len(tokens))
            return
        LEASE_RENEWALS.labels("renewed").inc(len(tokens) - len(lost))
        for token in lost:
            with self._changed:
                job = self._jobs.get(token)
            # A job settled since the tokens were read is not lost.
            if job is not None:
                LEASE_RENEWALS.labels("lost").inc()
                log.warning("lease_lost", **_named(job))


def _named(job: Job | None) -> dict[str, Any]:
    """The job's own line knows its device; elsewhere, what the job says of itself."""
    return {**(job.named() if job else {}), **structlog.contextvars.get_contextvars()}
