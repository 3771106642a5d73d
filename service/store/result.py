"""The result of one document: as the backend receives it, and as `result_json` holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, TypedDict, cast

from service.reading.documents.fields import FieldDetail
from service.reading.documents.reasons import DOUBTED_FIELDS
from service.reading.documents.scoring import APPROVED_FROM, Decision, ReviewOutcome


class KtpFields(TypedDict, total=False):
    """Fields of a KTP in `parsedResult` and `result_json`; one that could not be read is left out."""

    #: 16 digits.
    nik: str
    name: str
    birthPlace: str
    #: ``DD-MM-YYYY``, as printed.
    birthDate: str
    #: ``LAKI-LAKI`` or ``PEREMPUAN``.
    gender: str
    address: str
    religion: str
    maritalStatus: str
    # Added by this service:
    bloodType: str
    #: ``001/002``: neighbourhood and hamlet.
    rtRw: str
    village: str
    district: str
    occupation: str
    nationality: str
    #: ``DD-MM-YYYY`` or ``SEUMUR HIDUP``.
    validUntil: str
    province: str
    city: str


class NpwpFields(TypedDict, total=False):
    """Fields of an NPWP in `parsedResult` and `result_json`; one that could not be read is left out."""

    #: ``12.345.678.9-012.345`` (15 digits), or 16 digits on cards since 2024.
    npwpNumber: str
    name: str
    # Added by this service:
    nik: str
    address: str
    #: ``DD-MM-YYYY``.
    registeredAt: str


#: Keys of a card's fields in `parsedResult` and `result_json`, by document type: those of the contract, and
#: those that this service adds.
CARD_FIELDS: Mapping[str, frozenset[str]] = {
    "KTP": KtpFields.__optional_keys__,
    "NPWP": NpwpFields.__optional_keys__,
}

#: Probability of a field below which a reviewer is shown it when a reason names no field (``blurred``).
DOUBTFUL_BELOW = 0.98

#: Key of `result_json`, and of the published result, of what each field is worth and where it stands.
FIELD_DETAILS = "fields"

#: Published names by field. Names, types and meaning belong to the backend: only additions are allowed.
PUBLISHED_NAMES = {
    "success": "success",
    "document_id": "documentId",
    "correlation_id": "correlationId",
    "job_id": "jobId",
    "ocr_text": "ocrText",
    "parsed_result": "parsedResult",
    "score": "score",
    "decision": "decision",
    "outcome": "outcome",
    "verification_status": "verificationStatus",
    "review_reasons": "reviewReasons",
    "review_advice": "reviewAdvice",
    "fields": "fields",
    "error": "error",
    "error_code": "errorCode",
    "gpu_processed": "gpuProcessed",
    "processing_time_ms": "processingTimeMs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GPUOCRResult:
    """What is published when a job ends, and what `process_document_gpu` returns."""

    success: bool
    document_id: str
    correlation_id: str
    #: Added by this service: the same in every repeat of one result, so that a listener can drop repeats.
    job_id: str
    #: True only when the text was recognised on a GPU.
    gpu_processed: bool
    processing_time_ms: int
    #: On success: the text of the page.
    ocr_text: str | None = None
    #: On success: the fields that were read, and no others.
    parsed_result: dict[str, str] | None = None
    #: On success: 0 to 100.
    score: int | None = None
    decision: Decision | None = None
    outcome: ReviewOutcome | None = None
    #: Added by this service, in repeats for completed rows: the row's `verification_status`, which a person
    #: may have changed since; `decision` and `outcome` are what the OCR decided.
    verification_status: str | None = None
    #: Added by this service: codes of what a person should look at.
    review_reasons: list[str] | None = None
    #: Added by this service: for each reason what can be done about it, in Indonesian and English.
    review_advice: list[str] | None = None
    #: Added by this service: what each field is worth and where it stands, by its key in `parsedResult`.
    fields: dict[str, FieldDetail] | None = None
    #: On failure: a sentence for the user, without personal data.
    error: str | None = None
    #: Added by this service, on failure: the stable code of the cause, such as ``blank_page``.
    error_code: str | None = None

    @property
    def final_outcome(self) -> str:
        """``auto_approved``, ``pending_manual_review`` or ``failed``."""
        return (self.outcome or "") if self.success else "failed"

    @property
    def device(self) -> str:
        """``cuda``, ``cpu``, or ``none`` when nothing was read."""
        if not self.success:
            return "none"
        return "cuda" if self.gpu_processed else "cpu"

    def published(self) -> dict[str, Any]:
        """Return the JSON object that is published; what does not apply is left out."""
        # Not `asdict`, which would copy every field's details.
        return {
            published: value
            for name, published in PUBLISHED_NAMES.items()
            if (value := getattr(self, name)) is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierResult(GPUOCRResult):
    """What somebody stored before, told again by a job that read nothing: it is no document more."""


def row_result(
    parsed: Mapping[str, str], reasons: Sequence[str], fields: Mapping[str, FieldDetail] | None = None
) -> dict[str, Any]:
    """Build a document's `result_json`: the fields, what they are worth, and the reasons for review."""
    return {
        **parsed,
        **({"reviewReasons": list(reasons)} if reasons else {}),
        **({FIELD_DETAILS: dict(fields)} if fields else {}),
    }


def stored_details(document_type: str, stored: Mapping[str, Any]) -> dict[str, FieldDetail]:
    """Return what each field of a `result_json` is worth and where it stands; empty for older rows."""
    known, details = CARD_FIELDS.get(document_type, frozenset()), stored.get(FIELD_DETAILS)
    if not isinstance(details, dict):
        return {}
    return {
        key: cast(FieldDetail, each)
        for key, each in details.items()
        if key in known and isinstance(each, dict)
    }


def doubted_details(details: Mapping[str, FieldDetail], reasons: Sequence[str]) -> dict[str, FieldDetail]:
    """Return the details of the fields that a person has to look at, for the reasons of a review."""
    doubted = {key for code in reasons for key in DOUBTED_FIELDS.get(code, ())}
    if not all(code in DOUBTED_FIELDS for code in reasons):
        doubted |= {key for key, each in details.items() if each.get("probability", 1.0) < DOUBTFUL_BELOW}
    return {key: each for key, each in details.items() if key in doubted}


def split_row_result(document_type: str, stored: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the card's fields and the reasons for review out of a `result_json`.

    Other keys are left out: the backend adds some of its own (`finalDecision`, `scoringReasons`, ...) once a
    person has decided.
    """
    known = CARD_FIELDS.get(document_type, frozenset().union(*CARD_FIELDS.values()))
    parsed = {key: value for key, value in stored.items() if key in known and isinstance(value, str)}
    reasons = stored.get("reviewReasons")
    return parsed, [code for code in reasons if isinstance(code, str)] if isinstance(reasons, list) else []


class FailedRow(TypedDict):
    """`result_json` of a document that failed for good."""

    #: A sentence for the user, which FiLot shows as it stands.
    error: str
    #: Added by this service: the stable code of the cause, such as ``blank_page``.
    errorCode: str
    #: ISO 8601 in UTC.
    failedAt: str
    #: Whether the job used up its attempts; otherwise the document itself is at fault.
    maxRetriesExceeded: bool


def failed_row(error: str, code: str, *, retries_exceeded: bool) -> FailedRow:
    """Build the `result_json` of a document that fails now."""
    failed_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "error": error,
        "errorCode": code,
        "failedAt": failed_at,
        "maxRetriesExceeded": retries_exceeded,
    }


OcrVerdict: TypeAlias = tuple[Decision, ReviewOutcome]

_VERDICTS: Mapping[Literal["auto_approve", "needs_review"], OcrVerdict] = {
    "auto_approve": ("auto_approve", "auto_approved"),
    "needs_review": ("needs_review", "pending_manual_review"),
}


def ocr_verdict(stored_decision: str | None, score: int | None, reasons: Sequence[str]) -> OcrVerdict:
    """Return what the OCR decided about a completed row, whatever a person decided afterwards.

    `ai_decision` says so itself until the backend overwrites it; then the score does, because a reason for
    review always keeps it below the approving one.
    """
    if stored_decision == "auto_approve":
        return _VERDICTS["auto_approve"]
    if stored_decision == "needs_review" or reasons or (score or 0) < APPROVED_FROM:
        return _VERDICTS["needs_review"]
    return _VERDICTS["auto_approve"]
