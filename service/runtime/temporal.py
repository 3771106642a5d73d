"""The Temporal activity `processDocumentGPU`: queues a document, and waits until the workers have read it.

The list stays the only queue. A document that waits there or is in work is not queued a second time, so the
activity may be repeated, and run beside a backend that pushes on the list itself. It needs no GPU.
"""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypedDict

import structlog
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Worker

from service.queue.cancellation import cancel
from service.queue.document_queue import DocumentQueue, connect_redis
from service.settings import Settings, needed
from service.store.database import Database
from service.store.documents import Document, find_document, is_document_id, reopen

log = structlog.get_logger(__name__)

#: The activity's name for workflows.
ACTIVITY = "processDocumentGPU"

#: Documents that are waited for at a time, and connections to PostgreSQL that they share.
WAITS, CONNECTIONS = 100, 4


class Outcome(TypedDict):
    """What a workflow gets. Temporal keeps it in its history, so it holds nothing of what a card says."""

    documentId: str
    score: int | None
    decision: str | None
    #: ``verification_status`` of the row.
    outcome: str | None
    reviewReasons: list[str]


class DocumentActivity:
    """Has one document read at each call.

    Parameters:
        database, document_queue: FiLot's rows, and its list
        interval: s between two looks at a row, and between two heartbeats
    """

    def __init__(self, database: Database, document_queue: DocumentQueue, interval: float) -> None:
        self.database = database
        self.document_queue = document_queue
        self.interval = interval

    # Raising an exception in the middle of a transaction would not do: the loop looks for itself.
    @activity.defn(name=ACTIVITY, no_thread_cancel_exception=True)
    def process(self, document_id: str) -> Outcome:
        """Queue a document unless it is done, and return what became of it.

        Cancelling the activity takes the document out of the queue, as `filot-ocr cancel` does.

        Raises:
            ApplicationError: the document is at fault; its type is the failure's code, and no retry helps.
            UnavailableError: PostgreSQL is away; Temporal tries again.
            redis.RedisError: Redis is away; Temporal tries again.
        """
        # A later attempt finds a document queued: a failure since then is the result.
        if not activity.info().heartbeat_details:
            self._queue(document_id)
        while True:
            activity.heartbeat("queued")
            document = self._found(document_id)
            if document.status == "completed":
                return _outcome(document)
            if document.status == "failed":
                raise _failure(document)
            activity.wait_for_cancelled_sync(timedelta(seconds=self.interval))
            if activity.is_cancelled():
                self._stop(document_id)

    def _queue(self, document_id: str) -> None:
        document = self._found(document_id)
        if document.status == "completed":
            return
        with self.database.transaction() as cursor:
            reopen(cursor, document_id)
        self.document_queue.enqueue(document_id)

    def _found(self, document_id: str) -> Document:
        if is_document_id(document_id):
            with self.database.transaction() as cursor:
                document = find_document(cursor, document_id)
            if document is not None:
                return document
        raise ApplicationError("there is no such document", type="no_such_document", non_retryable=True)

    def _stop(self, document_id: str) -> None:
        """End a cancelled activity. Where only this process stops, the document stays in the queue."""
        details = activity.cancellation_details()
        if details is not None and details.cancel_requested:
            cancel(self.database, self.document_queue, document_id)
            log.info("activity_cancelled", document_id=document_id)
        raise CancelledError("the activity was cancelled")


def _outcome(document: Document) -> Outcome:
    reasons = (document.parsed or {}).get("reviewReasons", [])
    return Outcome(
        documentId=document.id,
        score=document.score,
        decision=document.decision,
        outcome=document.verification_status,
        reviewReasons=reasons,
    )


def _failure(document: Document) -> ApplicationError:
    """Return the failure of a document: its sentence holds no personal data."""
    stored: dict[str, Any] = document.parsed or {}
    code = str(stored.get("errorCode", "unknown"))
    return ApplicationError(str(stored.get("error", "")), type=code, non_retryable=True)


def serve(settings: Settings) -> None:
    """Serve the activity until SIGTERM or Ctrl-C.

    Raises:
        SettingsError: a variable that names a server is not set.
        RuntimeError: Temporal does not answer.
    """
    database = Database(needed(settings.database_url, "DATABASE_URL"), CONNECTIONS)
    client = connect_redis(settings)
    served = DocumentActivity(database, DocumentQueue(client, settings), settings.poll_interval)
    try:
        asyncio.run(_serve(settings, served))
    finally:
        client.close()
        database.close()


async def _serve(settings: Settings, served: DocumentActivity) -> None:
    key = settings.temporal_api_key
    client = await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=key.get_secret_value() if key else None,
        tls=key is not None,
    )
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with ThreadPoolExecutor(WAITS) as threads:
        worker = Worker(
            client,
            task_queue=settings.temporal_task_queue,
            activities=[served.process],
            activity_executor=threads,
            max_concurrent_activities=WAITS,
        )
        async with worker:
            log.info("temporal_served", channel=settings.temporal_task_queue)
            await stopped.wait()
