"""One document from its id to its stored result: the story that the rest of the service exists for."""

import time
import uuid
from typing import cast, get_args

import structlog
from psycopg2.extras import RealDictCursor

from service.errors import DeviceError, DocumentError, LeaseLostError, RetriesExceededError, UnavailableError
from service.queue.document_queue import Job
from service.reading.documents import reasons
from service.reading.documents.fields import DocumentType
from service.reading.ocr.devices import Devices
from service.reading.reader import Reading, parsed_result, read_document
from service.settings import Settings
from service.store import dead_letters, history, outbox
from service.store.database import Database
from service.store.documents import (
    CompletedWork,
    Document,
    begin_work,
    complete_document,
    fail_document,
    hold_claim,
    is_document_id,
)
from service.store.object_store import Storage
from service.store.result import GPUOCRResult, row_result, split_row_result
from service.telemetry.metrics import FAILURES
from service.telemetry.stages import stage

log = structlog.get_logger(__name__)


class Processing:
    """Reads documents and stores what was read; telling the result is left to the outbox.

    Parameters:
        settings: attempts and the review service's address
        database, storage, devices: where rows, files and engines come from
    """

    def __init__(self, settings: Settings, database: Database, storage: Storage, devices: Devices) -> None:
        self.settings = settings
        self.database = database
        self.storage = storage
        self.devices = devices

    def process(self, job: Job) -> GPUOCRResult:
        """Read one document, and store its result or its failure for good.

        Raises:
            UnavailableError: one of our servers is away; nothing is lost, the job can be taken again.
            DeviceError: the GPU failed; the same document can be read on the CPU.
            LeaseLostError: a later take owns the document; nothing was changed.
            Exception: anything else, while attempts are left.
        """
        started = time.perf_counter()
        try:
            return self._read(job, started)
        except DocumentError as error:
            return self._fail(job, error, started)
        except (UnavailableError, LeaseLostError, DeviceError):
            raise
        except Exception as error:
            if job.attempt < self.settings.max_retries:
                raise
            log.exception("retries_exceeded", error=type(error).__name__)
            return self._fail(job, _retries_exceeded(type(error).__name__), started)

    def _read(self, job: Job, started: float) -> GPUOCRResult:
        document = self._begin(job)
        if document.status == "completed":
            return self._repeat(job, document, started)
        if job.used_up:
            # Its last takes ended without a word: this document kills the process that reads it.
            raise _retries_exceeded("the process died at each take")
        document_type = _document_type(document)
        if not document.file_url:
            raise DocumentError(
                "no_file",
                "Dokumen ini belum memiliki berkas. Unggah ulang kartu Anda.",
                "This document has no file: upload your card again.",
            )
        with stage("download"):
            content = self.storage.fetch(document.file_url)
        reading = read_document(content, document_type, self.devices.engine(job.device))
        result = _success(job, reading, started)
        with stage("store"), self.database.transaction() as cursor:
            hold_claim(cursor, job.document_id, job.fencing_token)
            complete_document(
                cursor,
                job.document_id,
                CompletedWork(
                    text=reading.text,
                    parsed=row_result(parsed_result(reading), reading.review_reasons),
                    score=reading.score,
                    decision=reading.decision,
                    outcome=reading.outcome,
                ),
            )
            self._put(cursor, job, result, document_type)
            if reading.decision == "needs_review" and self.settings.buli2_api_url:
                outbox.put_review(cursor, job.job_id, job.document_id, job.correlation_id)
        log.info(
            "document_read",
            outcome=reading.outcome,
            score=reading.score,
            review_reasons=reading.review_reasons,
            device=reading.device,
            processing_time_ms=result.processing_time_ms,
        )
        return result

    def _begin(self, job: Job) -> Document:
        document = None
        if is_document_id(job.document_id):
            with self.database.transaction() as cursor:
                document = begin_work(cursor, job.document_id, job.fencing_token)
        if document is None:
            raise DocumentError(
                "no_such_document",
                "Dokumen tidak ditemukan. Unggah ulang kartu Anda.",
                "The document was not found: upload your card again.",
            )
        return document

    def _repeat(self, job: Job, document: Document, started: float) -> GPUOCRResult:
        """Tell what is stored: the document was completed before, by this job or by an earlier one."""
        parsed, review_reasons = split_row_result(document.parsed or {})
        result = GPUOCRResult(
            success=True,
            document_id=job.document_id,
            correlation_id=job.correlation_id,
            job_id=job.job_id,
            gpu_processed=False,
            processing_time_ms=_since(started),
            ocr_text=document.text or "",
            parsed_result=parsed,
            score=document.score or 0,
            decision=document.decision or "needs_review",
            outcome=document.outcome or "pending_manual_review",
            review_reasons=review_reasons,
            review_advice=reasons.advice(review_reasons),
        )
        with self.database.transaction() as cursor:
            self._put(cursor, job, result, document.type)
        log.info("document_was_completed")
        return result

    def _fail(self, job: Job, error: DocumentError, started: float) -> GPUOCRResult:
        result = GPUOCRResult(
            success=False,
            document_id=job.document_id,
            correlation_id=job.correlation_id,
            job_id=job.job_id,
            gpu_processed=False,
            processing_time_ms=_since(started),
            error=str(error),
        )
        document = None
        with self.database.transaction() as cursor:
            if is_document_id(job.document_id):
                document = begin_work(cursor, job.document_id, job.fencing_token)
                if document is not None:
                    exhausted = isinstance(error, RetriesExceededError)
                    fail_document(cursor, job.document_id, str(error), retries_exceeded=exhausted)
                    if isinstance(error, RetriesExceededError):
                        dead_letters.put(cursor, job.document_id, job.job_id, job.attempt, error.cause)
            self._put(cursor, job, result, document.type if document else "", error.code)
        FAILURES.labels(error.code).inc()
        log.warning("document_failed", code=error.code)
        return result

    def _put(
        self,
        cursor: RealDictCursor,
        job: Job,
        result: GPUOCRResult,
        document_type: str,
        code: str | None = None,
    ) -> None:
        outbox.put_result(cursor, job.job_id, job.document_id, job.correlation_id, result.published())
        history.put(cursor, result, document_type, code)


def job_of_caller(document_id: str) -> Job:
    """A job for a document that is processed by a direct call instead of a take from the queue."""
    return Job(
        document_id=document_id,
        job_id=str(uuid.uuid4()),
        correlation_id=str(uuid.uuid4()),
        token="",
        attempt=1,
        deferrals=0,
        crash_count=0,
        used_up=False,
        fencing_token=int(time.time() * 1000),
        device=None,
    )


def _success(job: Job, reading: Reading, started: float) -> GPUOCRResult:
    return GPUOCRResult(
        success=True,
        document_id=job.document_id,
        correlation_id=job.correlation_id,
        job_id=job.job_id,
        gpu_processed=reading.device == "cuda",
        processing_time_ms=_since(started),
        ocr_text=reading.text,
        parsed_result=parsed_result(reading),
        score=reading.score,
        decision=reading.decision,
        outcome=reading.outcome,
        review_reasons=list(reading.review_reasons),
        review_advice=reasons.advice(reading.review_reasons),
    )


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _document_type(document: Document) -> DocumentType:
    for known in get_args(DocumentType):
        if document.type == known:
            return cast(DocumentType, known)
    raise DocumentError(
        "unknown_document_type",
        "Jenis dokumen ini tidak dapat dibaca. Unggah KTP atau NPWP.",
        "This type of document cannot be read: upload a KTP or an NPWP.",
    )


def _retries_exceeded(cause: str) -> RetriesExceededError:
    return RetriesExceededError(
        "retries_exceeded",
        "Kartu tidak dapat dibaca setelah beberapa kali percobaan. Unggah foto lain yang lebih jelas.",
        "The card could not be read after several attempts: upload another, clearer photo.",
        cause=cause,
    )
