"""Review requests: doubtful documents go to a person through BULI2, once per document."""

import time
from collections.abc import Callable
from typing import Any

import structlog

from service.errors import OcrWorkerError, UnavailableError
from service.settings import Settings
from service.store import outbox
from service.store.backoff import backoff
from service.store.database import Database
from service.store.documents import Document, find_document, store_ticket
from service.store.manual_reviews import ManualReviews, RecordState
from service.store.outbox import OutboxEntry
from service.store.review_client import post_review
from service.store.review_request import ReviewRequest, review_request
from service.telemetry.log_throttle import LogThrottle
from service.telemetry.metrics import REVIEW_CALLS
from service.telemetry.stages import timed

log = structlog.get_logger(__name__)

#: Attempts before a review is given up: with the delays below, about a day.
MAX_ATTEMPTS = 150

#: Seconds between two attempts, doubled from the first to the longest.
FIRST_DELAY, MAX_DELAY = 2.0, 600.0

#: Seconds for which a received ticket is kept while PostgreSQL is away, and between two tries to store it.
#: With the call itself this stays below `outbox.CLAIM`, after which another worker may send the review again.
STORE_TIMEOUT, STORE_INTERVAL = 60.0, 1.0

#: Characters of a ticket: what `buli2_ticket_id` and `buli2_task_id` hold.
MAX_TICKET_LENGTH = 255

#: Values of `verification_status` that need no review any more: a person decided, or took the request back.
DECIDED = frozenset({"manually_approved", "manually_rejected", "escalation_cancelled"})


class Reviews:
    """Hands documents to the review service, once each.

    Parameters:
        database: rows and outbox
        settings: the service's address, key and callback
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self._manual_reviews = ManualReviews()
        self._without_row = LogThrottle()
        #: Why the review service did not accept the latest request, and what to do; None: it did.
        self.failure: tuple[str, str] | None = None

    @property
    def problem(self) -> str | None:
        """Why `manual_reviews` cannot be written, so that decisions are lost; None while it can."""
        return self._manual_reviews.problem

    def request(self, entry: OutboxEntry) -> None:
        """Request the review of one document. A failure is logged and retried later, never raised."""
        if entry.payload:
            # It was sent before, and only its ticket could not be stored.
            self._store(entry, entry.payload.get("reviewId"), entry.payload["ticket"])
            return
        try:
            body = self._prepare(entry)
            if body is None:
                return
            ticket = self._post(body)
        except OcrWorkerError as error:
            self._retry_later(entry, str(error))
            return
        self._store(entry, body.get("reviewId"), ticket)

    def _post(self, body: ReviewRequest) -> str:
        """Request a review and return its ticket; `failure` remembers how that went."""
        key = self.settings.buli2_api_key
        try:
            with timed("review"):
                ticket = post_review(
                    str(self.settings.buli2_api_url), key.get_secret_value() if key else None, body
                )
        except UnavailableError as error:
            self.failure = (error.cause, error.advice)
            raise
        self.failure = None
        return ticket

    def _prepare(self, entry: OutboxEntry) -> ReviewRequest | None:
        """Write FiLot's row of the review and build the request; None when no review is needed any more."""
        with self.database.transaction() as cursor:
            document = find_document(cursor, entry.document_id)
            review_id = outbox.assign_review_id(cursor, entry.id)
            state: RecordState = "decided"
            if document is not None and review_id is not None and not _is_settled(document):
                state = self._manual_reviews.record(cursor, review_id, document)
            if document is None or state == "decided":
                outbox.mark_delivered(cursor, entry.id)
                log.info("review_not_needed", attempts=entry.attempts)
                return None
        if state == "pending":
            self._without_row.reset()
        elif self._without_row.should_log():
            log.warning(
                "review_without_row", reason=f"{self.problem}: a decision cannot be taken back by the backend"
            )
        return review_request(
            document, entry.correlation_id, self.settings, review_id if state == "pending" else None
        )

    def _store(self, entry: OutboxEntry, review_id: str | None, answer: str) -> None:
        """Store the ticket of a review that was sent: whatever happens here, it is not sent again."""
        ticket, is_whole = storable_ticket(answer, entry)
        try:
            _insist(lambda: self._store_ticket(entry, review_id, ticket, is_whole=is_whole))
        except OcrWorkerError as error:
            self._retry_later(
                entry,
                f"its ticket cannot be stored: {error}",
                sent={"ticket": ticket, "reviewId": review_id},
                give_up=not isinstance(error, UnavailableError),
            )
            return
        if is_whole:
            REVIEW_CALLS.labels("ticket").inc()
            log.info("review_requested", attempts=entry.attempts)
        else:
            _report(entry, "its ticket does not fit into the row: what fits was stored", given_up=True)

    def _store_ticket(
        self, entry: OutboxEntry, review_id: str | None, ticket: str, *, is_whole: bool
    ) -> None:
        with self.database.transaction() as cursor:
            store_ticket(cursor, entry.document_id, ticket)
            if review_id is not None:
                self._manual_reviews.store_ticket(cursor, review_id, ticket)
            if is_whole:
                outbox.mark_delivered(cursor, entry.id)
            else:
                # Kept for the operator and counted by the alarm. With a ticket in the row, it is never sent
                # again.
                outbox.give_up(cursor, entry.id)

    def _retry_later(
        self,
        entry: OutboxEntry,
        reason: str,
        *,
        sent: dict[str, Any] | None = None,
        give_up: bool = False,
    ) -> None:
        """Put an entry off, or give it up; ``sent`` lets a later attempt do without sending again."""
        give_up = give_up or entry.attempts >= MAX_ATTEMPTS
        delay = backoff(entry.attempts - 1, FIRST_DELAY, MAX_DELAY)
        try:
            with self.database.transaction() as cursor:
                if sent is not None:
                    outbox.keep_sent(cursor, entry.id, sent)
                if give_up:
                    outbox.give_up(cursor, entry.id)
                else:
                    outbox.put_off(cursor, entry.id, delay)
        except OcrWorkerError:
            # The entry falls due again when its claim ends; a receiver knows the review by its `reviewId`.
            pass
        _report(entry, reason, given_up=give_up)


def _report(entry: OutboxEntry, reason: str, *, given_up: bool) -> None:
    REVIEW_CALLS.labels("given_up" if given_up else "put_off").inc()
    report = log.error if given_up else log.warning
    report("review_given_up" if given_up else "review_put_off", reason=reason, attempts=entry.attempts)


def _is_settled(document: Document) -> bool:
    """Whether a document was sent already, or needs no person any more."""
    return document.ticket_id is not None or document.verification_status in DECIDED


def storable_ticket(ticket: str, entry: OutboxEntry) -> tuple[str, bool]:
    """Return what of a ticket fits into the row, and whether that is all of it."""
    # NUL and lone surrogates cannot be stored at all.
    kept = "".join(character for character in ticket if character.isprintable())[:MAX_TICKET_LENGTH]
    return kept or f"unreadable-{entry.job_id}", kept == ticket


def _insist(store: Callable[[], None]) -> None:
    """Repeat a transaction while PostgreSQL is away, up to `STORE_TIMEOUT`."""
    deadline = time.monotonic() + STORE_TIMEOUT
    while True:
        try:
            store()
        except UnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(STORE_INTERVAL)
        else:
            return
