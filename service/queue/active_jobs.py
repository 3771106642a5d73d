"""What this process holds: its jobs, whether it may take more, and the thread that keeps its leases alive."""

import threading
import time
from typing import Any

import redis
import structlog

from service.queue.document_queue import UNHARMED, Job, Ledger, Settlement
from service.telemetry.metrics import LEASE_RENEWALS

log = structlog.get_logger(__name__)

#: s of the longest pause in taking while our own servers are away.
LONGEST_PAUSE = 15.0


class InHand:
    """The jobs that this process has taken and not settled. Safe to use from any thread.

    Parameters:
        ledger: where jobs are renewed and settled
        limit: how many jobs may be out at once
    """

    def __init__(self, ledger: Ledger, limit: int) -> None:
        self.ledger = ledger
        self.limit = limit
        self._jobs: dict[str, Job] = {}
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._holds: dict[str, str] = {}
        self._troubles = 0
        self._trouble_since = 0.0
        self._paused_until = 0.0
        self._keeper: threading.Thread | None = None
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

    def settle(self, token: str, settlement: Settlement) -> None:
        """End a take in the ledger and make room for another. Raises ``redis.RedisError``."""
        in_time = self.ledger.settle(token, settlement)
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
                self.settle(token, UNHARMED)
            except redis.RedisError as error:
                log.warning(
                    "job_not_given_back", reason=type(error).__name__, **_named(self._jobs.get(token))
                )

    def tokens(self) -> list[str]:
        """The tokens of the jobs that are out."""
        with self._changed:
            return list(self._jobs)

    def held(self) -> list[tuple[Job, float]]:
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

    def stop_taking(self) -> None:
        """Take nothing more. Called from a signal handler, so it must not wait for a lock."""
        self._stopping = True

    def hold(self, source: str, reason: str) -> None:
        """Take nothing until ``release(source)``; ``reason`` is one sentence for the operator."""
        with self._changed:
            self._holds[source] = reason

    def release(self, source: str) -> None:
        """End a hold."""
        with self._changed:
            if self._holds.pop(source, None):
                self._changed.notify_all()

    def holds(self) -> list[str]:
        """Why nothing is taken at present; empty when jobs are taken."""
        with self._changed:
            return list(self._holds.values())

    def note_trouble(self) -> None:
        """One of our servers was away: pause taking, longer each time in a row."""
        with self._changed:
            if not self._troubles:
                self._trouble_since = time.monotonic()
            self._troubles += 1
            self._paused_until = time.monotonic() + min(LONGEST_PAUSE, 0.25 * 2.0**self._troubles)

    def note_success(self) -> None:
        """A job got through: the servers are back."""
        with self._changed:
            self._troubles = 0
            self._paused_until = 0.0

    def trouble_age(self) -> float:
        """s for which no job has got through because a server was away; 0 when the latest one did."""
        with self._changed:
            return time.monotonic() - self._trouble_since if self._troubles else 0.0

    def looked(self) -> None:
        """Note a look for work, whether or not Redis answered it."""
        self.last_look = time.monotonic()

    def wait_for_room(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until another job may be taken; returns whether it may."""
        self.looked()
        with self._changed:
            if not self.may_take():
                # A stop or the end of a pause notifies nobody, so the wait is the caller's to repeat.
                self._changed.wait(timeout)
            return self.may_take()

    def wait_until_alone(self, timeout: float) -> bool:
        """Wait up to ``timeout`` seconds until one job only is out; returns whether that is so."""
        self.looked()
        with self._changed:
            return self._changed.wait_for(lambda: len(self._jobs) <= 1, timeout)

    def may_take(self) -> bool:
        """Whether another job may be taken now."""
        with self._changed:
            return (
                not self._stopping
                and not self._holds
                and len(self._jobs) < self.limit
                # A suspect works alone: were it to kill the process again, no other job would pay for it.
                and not any(job.deaths for job in self._jobs.values())
                and time.monotonic() >= self._paused_until
            )

    def _keep_leases(self) -> None:
        # A third of the lease: two renewals may fail before anyone thinks that this worker is dead.
        interval = self.ledger.settings.lease / 3000
        while True:
            time.sleep(interval)
            tokens = self.tokens()
            if tokens:
                self._renew(tokens)

    def _renew(self, tokens: list[str]) -> None:
        try:
            lost = self.ledger.renew(tokens)
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
