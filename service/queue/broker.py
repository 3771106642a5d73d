"""The Dramatiq broker. Its two queues are FiLot's Redis list and the outbox's reviews; nothing is copied."""

import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import redis
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.errors import ConnectionClosed

from service.errors import DeviceError, LeaseLostError, OcrWorkerError, SettingsError, UnavailableError
from service.queue import operator_pause
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import RETURN_UNCOUNTED, DocumentQueue, Job
from service.queue.job_context import OPTION, JobContext
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.store.server_problems import describe_outage
from service.telemetry.log_throttle import LogThrottle
from service.telemetry.metrics import RETURNED

log = structlog.get_logger(__name__)

#: Dramatiq's names of the two queues, and of the actor that each one feeds.
DOCUMENTS, REVIEWS = "documents", "reviews"
ACTORS = {DOCUMENTS: "process_document", REVIEWS: "request_review"}

#: s that one check for a free slot, or for an otherwise idle process, may block.
SLOT_TIMEOUT = 0.1


class FilotBroker(Broker):
    """Feeds Dramatiq's worker threads from the places where the work already is.

    Documents come from FiLot's Redis list, reviews from the table ``ocr_worker.outbox``. Dramatiq's own Redis
    structures are not used: a second record of the queue would have to match the first after every crash.

    Parameters:
        document_queue: the Redis list and its bookkeeping
        active_jobs: the jobs of this process
        database: holds the outbox
        settings: the lease and the poll interval
    """

    def __init__(
        self, document_queue: DocumentQueue, active_jobs: ActiveJobs, database: Database, settings: Settings
    ) -> None:
        super().__init__(middleware=[])
        self.document_queue = document_queue
        self.active_jobs = active_jobs
        self.database = database
        self.settings = settings
        self.queues: set[str] = set()
        #: Called when Redis turns out to be of a kind that cannot hold the queue; set before `consume`.
        self.on_unusable_redis: Callable[[], None] = lambda: None

    def declare_queue(self, queue_name: str) -> None:
        """Declare one of the two queues; there are no others."""
        if queue_name not in ACTORS:
            raise ValueError(f"no such queue: {queue_name}")
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        """Return the names of the declared queues."""
        return self.queues.copy()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Append a document to FiLot's list, as the backend does. Reviews cannot be enqueued."""
        if message.queue_name != DOCUMENTS or delay:
            raise ValueError(
                "only documents can be enqueued, and without delay; reviews come from the outbox"
            )
        self.emit_before("enqueue", message, delay)
        self.document_queue.enqueue(message.args[0])
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Return the consumer of a queue. Free slots decide how much it fetches, not ``prefetch``."""
        if queue_name == DOCUMENTS:
            return DocumentConsumer(
                self.document_queue, self.active_jobs, self.settings, self.on_unusable_redis
            )
        return ReviewConsumer(self.database, self.active_jobs, self.settings)

    def close(self) -> None:
        """Return the jobs that are still active to the queue."""
        self.active_jobs.give_back()


class DocumentConsumer(Consumer):
    """Fetches documents from FiLot's list, one at a time, and only while a slot is free.

    Parameters:
        document_queue: where documents are fetched from
        active_jobs: counts the slots; every fetched job is added to it
        settings: the lease and the poll interval
        on_unusable_redis: called when Redis turns out to be of a kind that cannot hold the queue
    """

    def __init__(
        self,
        document_queue: DocumentQueue,
        active_jobs: ActiveJobs,
        settings: Settings,
        on_unusable_redis: Callable[[], None] = lambda: None,
    ) -> None:
        self.document_queue = document_queue
        self.active_jobs = active_jobs
        self.on_unusable_redis = on_unusable_redis
        # Cheap, but often enough that an expired lease is noticed long before the next one ends.
        self.return_interval = min(1.0, settings.lease / 4)
        # No wait may be longer: leases expire only while some worker checks them all the time.
        self.poll_interval = min(settings.poll_interval, self.return_interval)
        self.last_return = 0.0
        self.token = str(uuid.uuid4())
        #: A fetched job whose last worker died; it waits until no other job is active beside it.
        self.quarantined: Job | None = None
        self.outage, self.unusable = LogThrottle(), LogThrottle()

    def __next__(self) -> MessageProxy | None:
        """Return the message of the next document; None when there is none to start now."""
        try:
            self._return_due_jobs()
            job = self.quarantined or self._fetch()
        except (redis.RedisError, SettingsError) as error:
            self._wait_for_redis(error)
            if isinstance(error, SettingsError):
                self.on_unusable_redis()
            return None
        if job is None or (job.crash_count and not self._is_alone(job)):
            return None
        return _message(DOCUMENTS, job, job.token)

    def _fetch(self) -> Job | None:
        """Fetch the oldest document once a slot is free; wait for one while the list is empty."""
        if not self.active_jobs.wait_for_room(min(self.poll_interval, SLOT_TIMEOUT)):
            return None
        job = self.document_queue.fetch(self.token)
        # Checked again after the wait: meanwhile the GPU may have failed, or SIGTERM may have come.
        if job is None and self.document_queue.wait(self.poll_interval) and self.active_jobs.may_fetch():
            job = self.document_queue.fetch(self.token)
        if self.document_queue.is_paused:
            # Else a list that is not empty would be polled without a break until the next heartbeat.
            self.active_jobs.pause(operator_pause.SOURCE, f"{operator_pause.REASON_PREFIX}an operator")
        if job is not None:
            self.token = str(uuid.uuid4())
            self.active_jobs.add(job)
        return job

    def _is_alone(self, job: Job) -> bool:
        """Hold a quarantined job back until it is the only active one: no other job may die with it."""
        alone = self.active_jobs.wait_until_alone(SLOT_TIMEOUT)
        self.quarantined = None if alone else job
        return alone

    def _return_due_jobs(self) -> None:
        """Put expired leases and due retries back into the list, every ``return_interval`` seconds."""
        now = time.monotonic()
        if now - self.last_return < self.return_interval:
            return
        expired, due = self.document_queue.return_due()
        self.last_return = now
        outage = self.outage.reset()
        if outage is not None:
            log.info("redis_back", seconds=round(outage))
        if expired or due:
            RETURNED.labels("lease_expired").inc(expired)
            log.info("jobs_returned", leases_expired=expired, retries_due=due)

    def _wait_for_redis(self, error: redis.RedisError | SettingsError) -> None:
        """Sit out one poll interval of an outage.

        The token is kept: if only the reply to a fetch was lost, the next fetch returns the same job.
        """
        unusable = isinstance(error, SettingsError)
        if (self.unusable if unusable else self.outage).should_log():
            log.warning("redis_away", reason=describe_outage(error))
        self.active_jobs.looked()
        time.sleep(self.poll_interval)

    def ack(self, message: MessageProxy) -> None:
        """Finish the job as the middleware decided; without a decision it goes back, and nothing is counted.

        Raises:
            ConnectionClosed: Redis is away; Dramatiq calls again.
        """
        settlement = JobContext.of(message).settlement or RETURN_UNCOUNTED
        try:
            self.active_jobs.finish(message.message_id, settlement)
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Return jobs to the queue that no thread has started."""
        for message in messages:
            JobContext.of(message).settlement = None
            self.ack(message)


class ReviewConsumer(Consumer):
    """Claims due reviews one at a time, so that a slow review service never occupies two threads.

    Parameters:
        database: holds the outbox
        active_jobs: says whether the process is stopping
        settings: the poll interval
    """

    def __init__(self, database: Database, active_jobs: ActiveJobs, settings: Settings) -> None:
        self.database = database
        self.active_jobs = active_jobs
        self.poll_interval = settings.poll_interval
        self.busy = False
        self.outage = LogThrottle()

    def __next__(self) -> MessageProxy | None:
        """Return the message of the next due review; None when there is none to start now."""
        entry = None if self.busy or self.active_jobs.stopping else self._claim()
        if entry is None:
            time.sleep(self.poll_interval)
            return None
        self.busy = True
        return _message(REVIEWS, entry, str(entry.id))

    def _claim(self) -> outbox.OutboxEntry | None:
        try:
            with self.database.autocommit() as cursor:
                entry = outbox.claim_due(cursor, "review")
        except OcrWorkerError as error:
            if self.outage.should_log():
                log.warning("reviews_not_looked_for", reason=str(error))
            return None
        self.outage.reset()
        return entry

    def ack(self, message: MessageProxy) -> None:
        """Allow the next review; the outcome of this one is in its outbox row."""
        self.busy = False

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Do nothing: the claim on an outbox row expires, and the row is due again."""


def _message(queue: str, source: Job | outbox.OutboxEntry, message_id: str) -> MessageProxy:
    message: Message[Any] = Message(
        queue_name=queue,
        actor_name=ACTORS[queue],
        args=(source.document_id,),
        kwargs={},
        # Dramatiq logs these exceptions in one line, all others with a traceback.
        options={OPTION: JobContext(source), "throws": (UnavailableError, DeviceError, LeaseLostError)},
        message_id=message_id,
    )
    return MessageProxy(message)
