"""Processing of one document, from its id to its stored result."""

import time
import uuid
from dataclasses import replace
from typing import TypeVar, cast, get_args

import structlog

from service.errors import (
    DeviceError,
    DocumentError,
    LeaseLostError,
    OcrWorkerError,
    RetriesExceededError,
    StorageRefusedError,
    UnavailableError,
)
from service.queue.document_queue import Job
from service.reading.documents import reasons
from service.reading.documents.fields import DocumentType
from service.reading.ocr.devices import Devices
from service.reading.reader import Reading, field_details, parsed_result, read_document
from service.settings import Settings
from service.store import documents
from service.store.database import Database
from service.store.documents import Document, Exhausted, WriteOutcome
from service.store.object_store import Storage
from service.store.result import (
    EarlierResult,
    GPUOCRResult,
    ocr_verdict,
    split_row_result,
    stored_details,
)
from service.telemetry.metrics import FAILURES
from service.telemetry.stages import timed

log = structlog.get_logger(__name__)

Result = TypeVar("Result", bound=GPUOCRResult)

#: Files of one document that one job reads at most: a user may replace the file while it is read.
MAX_FILES = 3


class Processing:
    """Reads documents and stores the results; publishing them is left to the outbox.

    Parameters:
        settings: attempts, the review service's address, and how long a file may be refused
        database, storage, devices: sources of rows, files and engines
    """

    def __init__(self, settings: Settings, database: Database, storage: Storage, devices: Devices) -> None:
        self.settings = settings
        self.database = database
        self.storage = storage
        self.devices = devices

    def process(self, job: Job) -> GPUOCRResult:
        """Read one document, and store its result or its failure for good.

        A result is stored only for the file that was read, and only while nobody else gave the row a final
        status.

        Raises:
            UnavailableError: a server is away; nothing is lost, the job can be taken again.
            DeviceError: the GPU failed; the same document can be read on the CPU.
            LeaseLostError: a later job owns the document; nothing was changed.
            Exception: anything else, while attempts are left.
        """
        started = time.perf_counter()
        for _ in range(MAX_FILES):
            document = self._begin(job)
            if document is None:
                return self._report_missing(job, started)
            if document.status == "completed":
                return self._repeat(job, document, started)
            result, outcome = self._read_and_store(job, document, started)
            if outcome == "stored":
                return result
            if outcome == "superseded":
                return self._superseded(job, started)
            log.info("row_changed")
        raise OcrWorkerError("the file was replaced each time while it was read")

    def _begin(self, job: Job) -> Document | None:
        if not documents.is_document_id(job.document_id):
            return None
        with self.database.autocommit() as cursor:
            return documents.begin_work(cursor, job.document_id, job.fencing_token)

    def _read_and_store(
        self, job: Job, document: Document, started: float
    ) -> tuple[GPUOCRResult, WriteOutcome]:
        """Read the file that the row names; a document at fault, or out of attempts, fails for good."""
        try:
            if job.used_up:
                # Its last attempts ended without a word: this document kills the process that reads it.
                raise _retries_exceeded("the process died at each take")
            reading = self._read(job, document)
            return self._complete(job, document, reading, started)
        except DocumentError as error:
            return self._fail(job, document, error, started)
        except (UnavailableError, LeaseLostError, DeviceError):
            raise
        except Exception as error:
            if job.attempt < self.settings.max_retries:
                raise
            log.exception("retries_exceeded", error=type(error).__name__)
            return self._fail(job, document, _retries_exceeded(type(error).__name__), started)

    def _read(self, job: Job, document: Document) -> Reading:
        document_type = _document_type(document)
        if not document.file_url:
            raise DocumentError(
                "no_file",
                "Dokumen ini belum memiliki berkas. Unggah ulang kartu Anda.",
                "This document has no file: upload your card again.",
            )
        content = self._download(document.id, document.file_url)
        return read_document(
            content, document_type, self.devices.engine(job.device), self.settings.min_probability
        )

    def _download(self, document_id: str, file_url: str) -> bytes:
        try:
            with timed("download"):
                return self.storage.fetch(file_url)
        except StorageRefusedError:
            with self.database.transaction() as cursor:
                refused_for = documents.note_refused_file(cursor, document_id)
            if refused_for < self.settings.refused_timeout:
                raise
            raise DocumentError(
                "file_refused",
                "Berkas tidak dapat diakses. Kendalanya ada pada sistem kami; tidak perlu unggah ulang.",
                "The file could not be accessed. The fault is in our system: no need to upload again.",
            ) from None

    def _complete(
        self, job: Job, document: Document, reading: Reading, started: float
    ) -> tuple[GPUOCRResult, WriteOutcome]:
        result = replace(
            _result(GPUOCRResult, job, started),
            success=True,
            gpu_processed=reading.device == "cuda",
            # PostgreSQL holds NUL neither in text nor in JSON.
            ocr_text=reading.text.replace("\x00", ""),
            parsed_result=parsed_result(reading),
            score=reading.score,
            decision=reading.decision,
            outcome=reading.outcome,
            review_reasons=list(reading.review_reasons),
            review_advice=reasons.advice(reading.review_reasons),
            fields=field_details(reading),
        )
        with timed("store"):
            outcome = documents.complete(
                self.database,
                document,
                result,
                fencing_token=job.fencing_token,
                review=reading.decision == "needs_review" and self.settings.buli2_api_url is not None,
            )
        if outcome == "stored":
            log.info(
                "document_read",
                outcome=reading.outcome,
                score=reading.score,
                review_reasons=reading.review_reasons,
                device=reading.device,
                processing_time_ms=result.processing_time_ms,
            )
        return result, outcome

    def _fail(
        self, job: Job, document: Document, error: DocumentError, started: float
    ) -> tuple[GPUOCRResult, WriteOutcome]:
        result = _failure(job, str(error), error.code, started)
        exhausted = Exhausted(job.attempt, error.cause) if isinstance(error, RetriesExceededError) else None
        outcome = documents.fail(
            self.database,
            document,
            result,
            error.code,
            fencing_token=job.fencing_token,
            exhausted=exhausted,
        )
        if outcome == "stored":
            _count_failure(error)
        return result, outcome

    def _report_missing(self, job: Job, started: float) -> GPUOCRResult:
        """Publish the failure of a job whose id is no row's, or whose row was deleted while it was read."""
        error = DocumentError(
            "no_such_document",
            "Dokumen tidak ditemukan. Kendalanya ada pada sistem kami; tidak perlu unggah ulang.",
            "The document was not found. The fault is in our system: no need to upload again.",
        )
        result = _failure(job, str(error), error.code, started)
        documents.report_missing(self.database, result, error.code)
        _count_failure(error)
        return result

    def _repeat(self, job: Job, document: Document, started: float) -> GPUOCRResult:
        """Publish what is stored: the document was completed before, by this job or by another."""
        parsed, review_reasons = split_row_result(document.type, document.parsed or {})
        decision, outcome = ocr_verdict(document.decision, document.score, review_reasons)
        result = replace(
            _result(EarlierResult, job, started),
            success=True,
            ocr_text=document.text or "",
            parsed_result=parsed,
            score=document.score or 0,
            decision=decision,
            outcome=outcome,
            verification_status=document.verification_status,
            review_reasons=review_reasons,
            review_advice=reasons.advice(review_reasons),
            fields=stored_details(document.type, document.parsed or {}) or None,
        )
        documents.repeat(self.database, document, result)
        log.info("document_was_completed")
        return result

    def _superseded(self, job: Job, started: float) -> GPUOCRResult:
        """Return a result that is neither stored nor published: somebody else decided about the row."""
        log.info("document_superseded")
        error = (
            "Dokumen ini sudah diputuskan di tempat lain. (This document was decided elsewhere meanwhile.)"
        )
        return replace(_result(EarlierResult, job, started), error=error)


def job_of_caller(document_id: str) -> Job:
    """Build a job for a document that is processed by a direct call rather than from the queue."""
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


def _failure(job: Job, error: str, code: str, started: float) -> GPUOCRResult:
    return replace(_result(GPUOCRResult, job, started), error=error, error_code=code)


def _result(kind: type[Result], job: Job, started: float) -> Result:
    """The result of a job that has ended now, without what became of its document."""
    return kind(
        success=False,
        document_id=job.document_id,
        correlation_id=job.correlation_id,
        job_id=job.job_id,
        gpu_processed=False,
        processing_time_ms=round((time.perf_counter() - started) * 1000),
    )


def _count_failure(error: DocumentError) -> None:
    FAILURES.labels(error.code).inc()
    log.warning("document_failed", code=error.code)


def _document_type(document: Document) -> DocumentType:
    for known in get_args(DocumentType):
        if document.type == known:
            return cast(DocumentType, known)
    raise DocumentError(
        "unknown_document_type",
        "Jenis dokumen ini tidak dikenal. Kendalanya ada pada sistem kami; tidak perlu unggah ulang.",
        "This type of document is not known. The fault is in our system: no need to upload again.",
    )


def _retries_exceeded(cause: str) -> RetriesExceededError:
    return RetriesExceededError(
        "retries_exceeded",
        "Kartu tidak dapat dibaca setelah beberapa kali percobaan. Unggah foto lain yang lebih jelas.",
        "The card could not be read after several attempts: upload another, clearer photo.",
        cause=cause,
    )
