"""Rows and entries that the tests of the store begin with."""

import uuid

from devstack.backend import FilotBackend
from service.errors import OcrWorkerError
from service.reading.documents.scoring import Decision
from service.store import outbox
from service.store.database import Database
from service.store.documents import Document, begin_work
from service.store.outbox import OutboxEntry
from service.store.result import GPUOCRResult


def begin(database: Database, document_id: str, fencing_token: int = 1) -> Document:
    """Claim a document whose row exists."""
    with database.autocommit() as cursor:
        document = begin_work(cursor, document_id, fencing_token)
    assert document is not None
    return document


def success(document_id: str, *, decision: Decision = "auto_approve", text: str = "NIK 3174") -> GPUOCRResult:
    """The result of a document that was read."""
    approved = decision == "auto_approve"
    return GPUOCRResult(
        success=True,
        document_id=document_id,
        correlation_id="correlation",
        job_id=str(uuid.uuid4()),
        gpu_processed=False,
        processing_time_ms=12,
        ocr_text=text,
        parsed_result={"nik": "3174"},
        score=90 if approved else 40,
        decision=decision,
        outcome="auto_approved" if approved else "pending_manual_review",
        review_reasons=[] if approved else ["blurred"],
        review_advice=[],
    )


def failure(document_id: str) -> GPUOCRResult:
    """The result of a document that could not be read."""
    return GPUOCRResult(
        success=False,
        document_id=document_id,
        correlation_id="correlation",
        job_id=str(uuid.uuid4()),
        gpu_processed=False,
        processing_time_ms=12,
        error="Unggah ulang.",
    )


def outbox_kinds(backend: FilotBackend, document_id: str) -> list[str]:
    """What the outbox holds of a document."""
    rows = backend.execute(
        "SELECT kind FROM ocr_worker.outbox WHERE document_id = %s ORDER BY kind", document_id
    )
    return [row["kind"] for row in rows]


def put_review(database: Database, document_id: str) -> OutboxEntry:
    """Insert a review to request, and claim it."""
    with database.transaction() as cursor:
        outbox.put_review(cursor, str(uuid.uuid4()), document_id, "correlation")
    return claim_review(database)


def claim_review(database: Database) -> OutboxEntry:
    """Claim the review that is due, whatever its delay."""
    with database.transaction() as cursor:
        cursor.execute("UPDATE ocr_worker.outbox SET due_at = now() WHERE kind = 'review'")
        entry = outbox.claim_due(cursor, "review")
    if entry is None:
        raise OcrWorkerError("no review is due")
    return entry
