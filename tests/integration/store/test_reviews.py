"""Reviews reach the review service once, with the row by which a decision finds its way back."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from devstack.backend import FilotBackend
from devstack.callbacks import serve_callbacks
from devstack.servers import FilotStack
from service.settings import Settings
from service.store import outbox, reviews
from service.store.database import Database
from service.store.outbox import OutboxEntry
from service.store.review_client import post_review
from service.store.reviews import MAX_ATTEMPTS, Reviews, storable_ticket
from tests.integration.store.rows import claim_review, put_review
from tests.support.schemas import faults

CALLBACKS = "http://backend.example/internal/reviews"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    return {**environment, "BULI2_CALLBACK_URL": CALLBACKS + "/"}


@pytest.fixture
def service(database: Database, settings: Settings) -> Reviews:
    return Reviews(database, settings)


@pytest.fixture
def broken_table(backend: FilotBackend) -> Iterator[None]:
    """FiLot's table is not there."""
    backend.execute("ALTER TABLE manual_reviews RENAME TO hidden")
    yield
    backend.execute("ALTER TABLE hidden RENAME TO manual_reviews")


def complete_card(backend: FilotBackend) -> str:
    document_id = backend.add_document(b"picture")
    backend.execute(
        """UPDATE documents SET status = 'completed', verification_status = 'pending_manual_review',
               ai_decision = 'needs_review', ai_score = 40, ocr_text = 'NIK',
               result_json = '{"nik": "1", "reviewReasons": ["blurred"], "finalDecision": "x",
                   "fields": {"nik": {"confidence": 0.9, "probability": 0.8, "box": [0.1, 0.2, 0.5, 0.3],
                                      "page": 1},
                              "religion": {"confidence": 0.99, "probability": 0.9999, "page": 1},
                              "other": {"confidence": 0.1}}}'
           WHERE id = %s""",
        document_id,
    )
    return document_id


def filots_rows(backend: FilotBackend) -> list[dict[str, Any]]:
    return backend.execute("SELECT *, id::text AS id FROM manual_reviews")


def test_a_review_carries_what_the_contract_says(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    row = backend.row(document_id)
    (before,) = backend.execute("SELECT to_char(timezone('UTC', now()), 'YYYY-MM-DD\"T\"HH24:MI') AS utc")

    service.request(put_review(service.database, document_id))

    (received,) = stack.reviews.received()
    (review,) = filots_rows(backend)
    assert received.authorization == f"Bearer {stack.reviews.api_key}"
    assert list(faults("review-request", received.body)) == []
    body = dict(received.body)
    metadata = body.pop("metadata")
    assert body == {
        "documentId": document_id,
        "userId": row["user_id"],
        "documentType": "KTP",
        "parsedData": {"nik": "1"},
        "aiScore": 40,
        "ocrText": "NIK",
        "correlationId": "correlation",
        "callbackUrl": f"{CALLBACKS}/{review['id']}/callback",
        "reviewId": review["id"],
        "score": 40,
        "decision": "needs_review",
        "reasons": ["blurred"],
    }
    assert metadata["r2Key"] == row["file_url"]
    assert row["file_url"].endswith(metadata["originalFilename"])
    assert metadata["submittedAt"][:16] >= before["utc"]
    assert metadata["submittedAt"].endswith("Z")
    assert metadata["reviewAdvice"] == ["Foto buram; silakan foto ulang di tempat terang."]
    assert metadata["doubtfulFields"] == {
        "nik": {"confidence": 0.9, "probability": 0.8, "box": [0.1, 0.2, 0.5, 0.3], "page": 1}
    }


def test_filots_row_holds_what_was_sent_and_the_ticket(service: Reviews, backend: FilotBackend) -> None:
    document_id = complete_card(backend)

    service.request(put_review(service.database, document_id))

    (review,) = filots_rows(backend)
    document = backend.row(document_id)
    assert document["buli2_ticket_id"]
    assert document["verification_status"] == "pending_manual_review"
    assert document["ai_decision"] == "needs_review"
    assert (review["document_id"], review["user_id"]) == (document_id, document["user_id"])
    assert (review["status"], review["confidence"], review["decision"]) == ("pending", 40, None)
    assert review["buli2_task_id"] == document["buli2_ticket_id"]
    assert review["payload"] == {
        "documentType": "KTP",
        "parsedData": {"nik": "1"},
        "ocrText": "NIK",
        "score": 40,
        "reasons": ["blurred"],
    }


def test_without_a_callback_address_none_is_sent(
    database: Database, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    unset = settings.model_copy(update={"buli2_callback_url": None})

    Reviews(database, unset).request(put_review(database, complete_card(backend)))

    (received,) = stack.reviews.received()
    assert list(faults("review-request", received.body)) == []
    assert "callbackUrl" not in received.body
    assert received.body["reviewId"]


def test_retries_by_whomever_keep_one_row_and_one_id(
    service: Reviews, settings: Settings, stack: FilotStack, backend: FilotBackend
) -> None:
    entry = put_review(service.database, complete_card(backend))
    stack.reviews.answer_with(500)
    service.request(entry)
    (put_off,) = backend.execute("SELECT told_at, due_at > now() AS later FROM ocr_worker.outbox")
    Reviews(service.database, settings).request(claim_review(service.database))
    stack.reviews.answer_with(201)

    service.request(claim_review(service.database))

    assert put_off == {"told_at": None, "later": True}
    assert len({received.body["reviewId"] for received in stack.reviews.received()}) == 1
    assert len(stack.reviews.received()) == 3
    (review,) = filots_rows(backend)
    assert review["buli2_task_id"]


def test_a_retry_after_a_new_reading_sends_the_new_one(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    stack.reviews.answer_with(500)
    service.request(put_review(service.database, document_id))
    backend.execute("UPDATE documents SET ocr_text = 'NIK 2' WHERE id = %s", document_id)
    stack.reviews.answer_with(201)

    service.request(put_review(service.database, document_id))

    (review,) = filots_rows(backend)
    assert review["payload"]["ocrText"] == "NIK 2"
    assert stack.reviews.received()[-1].body["ocrText"] == "NIK 2"


@pytest.mark.parametrize(
    "decided",
    [
        "UPDATE documents SET buli2_ticket_id = 'T-1'",
        "UPDATE documents SET verification_status = 'manually_approved'",
        "UPDATE documents SET verification_status = 'escalation_cancelled'",
        "UPDATE manual_reviews SET status = 'approved'",
    ],
)
def test_a_document_that_needs_no_review_any_more_is_not_sent_again(
    decided: str, service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    stack.reviews.answer_with(500)
    service.request(put_review(service.database, complete_card(backend)))
    stack.reviews.forget()
    backend.execute(decided)

    service.request(claim_review(service.database))

    assert stack.reviews.received() == []
    (entry,) = backend.execute("SELECT told_at FROM ocr_worker.outbox")
    assert entry["told_at"] is not None


def test_a_deleted_document_is_not_sent(service: Reviews, stack: FilotStack, backend: FilotBackend) -> None:
    entry = put_review(service.database, str(uuid.uuid4()))

    service.request(entry)

    assert stack.reviews.received() == []
    (stored,) = backend.execute("SELECT told_at FROM ocr_worker.outbox")
    assert stored["told_at"] is not None


def test_without_filots_table_the_review_is_requested_without_a_row_and_that_is_said_once(
    broken_table: None, service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    with capture_logs() as lines:
        for _ in range(2):
            service.request(put_review(service.database, complete_card(backend)))

    first, second = stack.reviews.received()
    assert not {"reviewId", "callbackUrl"} & (first.body.keys() | second.body.keys())
    assert [line["event"] for line in lines].count("review_without_row") == 1
    assert service.problem == "the table manual_reviews is missing: run FiLot's migrations"
    assert len(backend.execute("SELECT 1 FROM documents WHERE buli2_ticket_id IS NOT NULL")) == 2


def test_a_column_that_is_missing_is_named_and_the_review_requested(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    backend.execute("ALTER TABLE manual_reviews RENAME COLUMN confidence TO hidden")
    try:
        service.request(put_review(service.database, complete_card(backend)))
    finally:
        backend.execute("ALTER TABLE manual_reviews RENAME COLUMN hidden TO confidence")

    assert service.problem is not None
    assert "confidence of manual_reviews" in service.problem
    assert len(stack.reviews.received()) == 1
    service.request(put_review(service.database, complete_card(backend)))
    assert service.problem is None


@pytest.mark.parametrize("taskid", ["x" * 300, "T\x00-7", "\x00", "\ud800"])
def test_a_ticket_that_does_not_fit_is_stored_as_far_as_it_does_and_never_asked_for_again(
    taskid: str, service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    stack.reviews.answer_with(201, {"taskId": taskid})

    service.request(put_review(service.database, document_id))
    for document in given_up(service.database):
        with service.database.transaction() as cursor:
            outbox.try_again(cursor, document)
    service.request(claim_review(service.database))

    assert len(stack.reviews.received()) == 1
    ticket = backend.row(document_id)["buli2_ticket_id"]
    assert ticket in ("x" * 255, "T-7") or ticket.startswith("unreadable-")


def given_up(database: Database) -> list[str]:
    with database.transaction() as cursor:
        documents = outbox.given_up(cursor)
    assert documents, "the alarm counts reviews that were given up"
    return documents


def test_a_ticket_that_the_row_refuses_is_kept_and_stored_later_without_a_second_call(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    document_id = complete_card(backend)
    backend.execute("ALTER TABLE documents ADD CONSTRAINT refused CHECK (buli2_ticket_id IS NULL)")
    try:
        service.request(put_review(service.database, document_id))
    finally:
        backend.execute("ALTER TABLE documents DROP CONSTRAINT refused")
    with service.database.transaction() as cursor:
        outbox.try_again(cursor, given_up(service.database)[0])

    service.request(claim_review(service.database))

    (review,) = filots_rows(backend)
    assert len(stack.reviews.received()) == 1
    assert review["buli2_task_id"]
    assert backend.row(document_id)["buli2_ticket_id"] == review["buli2_task_id"]
    (entry,) = backend.execute("SELECT told_at, payload FROM ocr_worker.outbox")
    assert entry["told_at"] is not None
    assert entry["payload"] is None


def test_a_ticket_is_stored_when_postgresql_is_back(
    service: Reviews, stack: FilotStack, backend: FilotBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL restarts between the call and the storing of its ticket."""
    document_id = complete_card(backend)
    entry = put_review(service.database, document_id)
    call, starters = post_review, list[threading.Thread]()

    def call_and_lose_postgresql(*arguments: Any) -> str:
        ticket = call(*arguments)
        stack.postgres.kill()
        starters.append(threading.Thread(target=stack.postgres.start))
        starters[0].start()
        return ticket

    monkeypatch.setattr(reviews, "post_review", call_and_lose_postgresql)
    service.request(entry)
    for starter in starters:
        starter.join()

    assert len(stack.reviews.received()) == 1
    assert backend.row(document_id)["buli2_ticket_id"]


def test_after_many_attempts_a_review_is_given_up(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    put_review(service.database, complete_card(backend))
    backend.execute("UPDATE ocr_worker.outbox SET attempts = %s", MAX_ATTEMPTS - 1)
    stack.reviews.answer_with(500)

    service.request(claim_review(service.database))

    assert len(given_up(service.database)) == 1


def test_what_fits_of_a_ticket_is_kept() -> None:
    entry = OutboxEntry(1, "review", "job", "card", "correlation", None, 1)

    assert storable_ticket("T-1", entry) == ("T-1", True)
    assert storable_ticket("é" * 255, entry) == ("é" * 255, True)
    assert storable_ticket("é" * 256, entry) == ("é" * 255, False)
    assert storable_ticket("T\x00\ud800-1", entry) == ("T-1", False)
    assert storable_ticket("\x00", entry) == ("unreadable-job", False)


def test_a_review_that_was_erased_meanwhile_is_not_sent(
    service: Reviews, stack: FilotStack, backend: FilotBackend
) -> None:
    entry = put_review(service.database, complete_card(backend))
    backend.execute("DELETE FROM ocr_worker.outbox")

    service.request(entry)

    assert stack.reviews.received() == []
    assert filots_rows(backend) == []


@pytest.mark.parametrize(
    ("decision", "outcome"), [("approved", "manually_approved"), ("rejected", "manually_rejected")]
)
def test_a_persons_decision_finds_its_way_back(
    decision: str,
    outcome: str,
    database: Database,
    settings: Settings,
    stack: FilotStack,
    backend: FilotBackend,
) -> None:
    document_id = complete_card(backend)
    with serve_callbacks(backend) as url:
        reviews_ = Reviews(database, settings.model_copy(update={"buli2_callback_url": url}))
        reviews_.request(put_review(database, document_id))

        status = stack.reviews.decide(document_id, decision)

    assert status == 200
    assert backend.row(document_id)["verification_status"] == outcome
    (review,) = filots_rows(backend)
    assert review["decision"] == decision
    # What is left to deliver of it would open a second review.
    reviews_.request(put_review(database, document_id))
    assert len(stack.reviews.received()) == 1
