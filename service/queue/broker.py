"""The Dramatiq broker: FiLot's list is one queue, the outbox' reviews are the other; nothing is copied."""

import time
import uuid
from collections.abc import Iterable
from typing import Any

import redis
import structlog
from dramatiq import Broker, Consumer, Message, MessageProxy
from dramatiq.errors import ConnectionClosed

from service.errors import DeviceError, LeaseLostError, OcrWorkerError, UnavailableError
from service.queue.active_jobs import ActiveJobs
from service.queue.document_queue import RETURN_UNCOUNTED, DocumentQueue, Job, connect_redis
from service.settings import Settings
from service.store import outbox
from service.store.database import Database
from service.telemetry.log_throttle import LogThrottle
from service.telemetry.metrics import RETURNED

log = structlog.get_logger(__name__)

#: Dramatiq's names for the two queues, and for the actor that each one feeds.
DOCUMENTS, REVIEWS = "documents", "reviews"
ACTORS = {DOCUMENTS: "process_document", REVIEWS: "request_review"}


class FilotBroker(Broker):
    """Feeds Dramatiq's worker threads from where the work already lies.

    Documents come out of FiLot's Redis list, reviews out of the table ``ocr_worker.outbox``. Dramatiq's own
    Redis structures are not used: a second ledger would have to agree with the first after every crash.

    Parameters:
        settings: names, times and limits
        database: where the outbox lies
        middleware: Dramatiq middleware, outermost first
    """

    def __init__(self, settings: Settings, database: Database, middleware: list[Any]) -> None:
        super().__init__(middleware=middleware)
        self.settings = settings
        self.database = database
        self.document_queue = DocumentQueue(connect_redis(settings), settings)
        self.active_jobs = ActiveJobs(self.document_queue, settings.concurrency)
        self.queues: set[str] = set()

    def declare_queue(self, queue_name: str) -> None:
        """Make a queue known; only the two that exist can be declared."""
        if queue_name not in ACTORS:
            raise ValueError(f"no such queue: {queue_name}")
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def get_declared_queues(self) -> set[str]:
        """The declared queues' names."""
        return self.queues.copy()

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Append a document to FiLot's list, as the backend does; anything else has its own way in."""
        if message.queue_name != DOCUMENTS or delay:
            raise ValueError(
                "only documents can be enqueued, and without delay; reviews come from the outbox"
            )
        self.emit_before("enqueue", message, delay)
        self.document_queue.enqueue(message.args[0])
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """The consumer of a queue. How much it fetches is decided by what is in hand, not by ``prefetch``."""
        if queue_name == DOCUMENTS:
            return DocumentConsumer(self.active_jobs, self.settings)
        return ReviewConsumer(self.database, self.active_jobs, self.settings)

    def close(self) -> None:
        """Give back what is still in hand."""
        self.active_jobs.give_back()


class DocumentConsumer(Consumer):
    """Takes documents out of FiLot's list, one by one, only while a thread is free."""

    def __init__(self, active_jobs: ActiveJobs, settings: Settings) -> None:
        self.active_jobs = active_jobs
        self.document_queue = active_jobs.document_queue
        # Seldom enough to be cheap, often enough that an expired lease is noticed long before another ends.
        self.return_interval = min(1.0, settings.lease / 4)
        # No wait is longer than that: leases are judged only while somebody looks after them all the time.
        self.poll = min(settings.poll_interval, self.return_interval)
        self.last_return = 0.0
        self.token = str(uuid.uuid4())
        # A job whose worker died, waiting until nothing else is in work beside it.
        self.quarantined: Job | None = None
        self.away = LogThrottle()

    def __next__(self) -> MessageProxy | None:
        try:
            self._return_due()
            if self.quarantined is not None:
                return self._run_alone(self.quarantined)
            if not self.active_jobs.wait_for_room(min(self.poll, 0.1)):
                return None
            job = self.document_queue.fetch(self.token)
            # Asked again after the wait: a GPU may have been lost meanwhile, or the signal to stop come.
            if job is None and self.document_queue.wait(self.poll) and self.active_jobs.may_fetch():
                job = self.document_queue.fetch(self.token)
        except redis.RedisError as error:
            # The token stays: if only the reply to a take was lost, the next call gets that job.
            if self.away.should_log():
                log.warning("redis_away", reason=type(error).__name__)
            # Asked for as often as ever, a single command, so that work begins again with Redis itself.
            self.active_jobs.looked()
            time.sleep(self.poll)
            return None
        if job is None:
            return None
        self.token = str(uuid.uuid4())
        self.active_jobs.add(job)
        if job.crash_count:
            return self._run_alone(job)
        return _message(DOCUMENTS, job.document_id, job.token, job=job)

    def _run_alone(self, job: Job) -> MessageProxy | None:
        self.quarantined = job
        if not self.active_jobs.wait_until_alone(0.1):
            return None
        self.quarantined = None
        return _message(DOCUMENTS, job.document_id, job.token, job=job)

    def _return_due(self) -> None:
        now = time.monotonic()
        if now - self.last_return >= self.return_interval:
            expired, due = self.document_queue.return_due()
            self.last_return = now
            lasted = self.away.reset()
            if lasted is not None:
                log.info("redis_back", seconds=round(lasted))
            if expired or due:
                RETURNED.labels("lease_expired").inc(expired)
                log.info("jobs_returned", leases_expired=expired, retries_due=due)

    def ack(self, message: MessageProxy) -> None:
        """Settle as the middleware decided; a job that nobody spoke for goes back unharmed."""
        try:
            self.active_jobs.finish(message.message_id, message.options.get("settlement", RETURN_UNCOUNTED))
        except redis.RedisError as error:
            raise ConnectionClosed(error) from None

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give back jobs that no thread had begun."""
        for message in messages:
            message.options.pop("settlement", None)
            self.ack(message)


class ReviewConsumer(Consumer):
    """Hands out due reviews one at a time, so that a slow review service never occupies two threads."""

    def __init__(self, database: Database, active_jobs: ActiveJobs, settings: Settings) -> None:
        self.database = database
        self.active_jobs = active_jobs
        self.poll = settings.poll_interval
        self.busy = False
        self.away = LogThrottle()

    def __next__(self) -> MessageProxy | None:
        if not self.busy and not self.active_jobs.stopping:
            try:
                with self.database.transaction() as cursor:
                    entry = outbox.claim_due(cursor, "review")
                self.away.reset()
            except OcrWorkerError as error:
                if self.away.should_log():
                    log.warning("reviews_not_looked_for", reason=str(error))
                entry = None
            if entry is not None:
                self.busy = True
                return _message(REVIEWS, entry.document_id, str(entry.id), entry=entry)
        time.sleep(self.poll)
        return None

    def ack(self, message: MessageProxy) -> None:
        """Look for the next one; what became of this one is in its row."""
        self.busy = False

    nack = ack

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Nothing to do: a claimed row falls due again by itself."""


def _message(queue: str, document_id: str, message_id: str, **options: Any) -> MessageProxy:
    message: Message[Any] = Message(
        queue_name=queue,
        actor_name=ACTORS[queue],
        args=(document_id,),
        kwargs={},
        # Dramatiq reports these in one line; everything else with a traceback.
        options={**options, "throws": (UnavailableError, DeviceError, LeaseLostError)},
        message_id=message_id,
    )
    return MessageProxy(message)
