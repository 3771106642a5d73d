"""Doubtful documents go to a person: the call to BULI2, and what its answer leaves in the row."""

from datetime import UTC
from pathlib import PurePosixPath
from typing import Any

import httpx
import structlog

from service.errors import DocumentError, UnavailableError
from service.settings import Settings, needed
from service.store import outbox
from service.store.backoff import backoff
from service.store.database import Database
from service.store.documents import Document, find_document, store_ticket
from service.store.object_store import object_key
from service.store.outbox import OutboxEntry
from service.store.result import split_row_result
from service.telemetry.metrics import REVIEW_CALLS
from service.telemetry.stages import stage

log = structlog.get_logger(__name__)

#: s that one call may take.
CALL_TIMEOUT = 30.0

#: Tries before a review is given up: with the delays below, about a day.
MAX_ATTEMPTS = 150

#: s between two tries, doubled from the first to the longest.
FIRST_DELAY, MAX_DELAY = 2.0, 600.0


class Reviews:
    """Hands documents to the review service, once each.

    Parameters:
        database: rows and outbox
        settings: the service's address, key and callback
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings

    def request(self, entry: OutboxEntry) -> None:
        """Ask for the review of one document; a failure is noted and tried again later, never raised."""
        try:
            with self.database.transaction() as cursor:
                document = find_document(cursor, entry.document_id)
            ticket = None
            if document is not None and document.ticket_id is None:
                with stage("review"):
                    ticket = self._call(document, entry.correlation_id)
            with self.database.transaction() as cursor:
                if ticket is not None:
                    store_ticket(cursor, entry.document_id, ticket)
                outbox.mark_delivered(cursor, entry.id)
            if ticket is not None:
                REVIEW_CALLS.labels("ticket").inc()
            log.info("review_requested", attempts=entry.attempts)
        except UnavailableError as error:
            self._put_off(entry, str(error))

    def _call(self, document: Document, correlation_id: str) -> str:
        key = self.settings.buli2_api_key
        try:
            answer = httpx.post(
                f"{str(self.settings.buli2_api_url).rstrip('/')}/internal/reviews",
                json=review_request(document, correlation_id, self.settings),
                headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
                timeout=CALL_TIMEOUT,
            )
            answer.raise_for_status()
            body = answer.json()
            ticket = body.get("taskId") or body.get("ticketId")
        except httpx.HTTPStatusError as error:
            raise UnavailableError(f"the review service answered {error.response.status_code}") from None
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise UnavailableError(f"the review service is away: {type(error).__name__}") from None
        if not ticket:
            raise UnavailableError("the review service's answer holds no taskId or ticketId")
        return str(ticket)

    def _put_off(self, entry: OutboxEntry, reason: str) -> None:
        given_up = entry.attempts >= MAX_ATTEMPTS
        delay = backoff(entry.attempts - 1, FIRST_DELAY, MAX_DELAY)
        try:
            with self.database.transaction() as cursor:
                if given_up:
                    outbox.give_up(cursor, entry.id)
                else:
                    outbox.put_off(cursor, entry.id, delay)
        except UnavailableError:
            pass  # The claim runs out and the row falls due again by itself.
        REVIEW_CALLS.labels("given_up" if given_up else "put_off").inc()
        report = log.error if given_up else log.warning
        report("review_given_up" if given_up else "review_put_off", reason=reason, attempts=entry.attempts)


def review_request(document: Document, correlation_id: str, settings: Settings) -> dict[str, Any]:
    """The body of ``POST /internal/reviews``, as the contract with the review service fixes it."""
    try:
        key = object_key(document.file_url or "", needed(settings.r2_bucket, "CF_R2_BUCKET_NAME"))
    except DocumentError:
        key = ""
    submitted = document.created_at.replace(tzinfo=UTC).isoformat() if document.created_at else None
    body = {
        "documentId": document.id,
        "userId": document.user_id,
        "documentType": document.type,
        "parsedData": split_row_result(document.parsed or {})[0],
        "aiScore": document.score,
        "ocrText": document.text,
        "correlationId": correlation_id,
        "metadata": {
            "originalFilename": PurePosixPath(key).name,
            "r2Key": key,
            "submittedAt": submitted,
        },
    }
    if settings.buli2_callback_url:
        body["callbackUrl"] = settings.buli2_callback_url
    return body
