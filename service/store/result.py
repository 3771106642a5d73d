"""The result of one document: as the backend receives it, and as `result_json` holds it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from service.reading.documents.reasons import DOUBTED_FIELDS
from service.reading.documents.scoring import APPROVED_FROM, CONTRACT_FIELDS, Decision, ReviewOutcome

#: Keys of a card's fields in `parsedResult` and `result_json`, by document type: those of the contract, and
#: those that this service adds.
CARD_FIELDS: Mapping[str, frozenset[str]] = {
    "KTP": frozenset(
        {
            *CONTRACT_FIELDS["KTP"],
            *("bloodType", "rtRw", "village", "district", "occupation", "nationality", "validUntil"),
            *("province", "city"),
        }
    ),
    "NPWP": frozenset({*CONTRACT_FIELDS["NPWP"], "nik", "address", "registeredAt"}),
}

#: Probability of a field below which a reviewer is shown it, whatever the reasons of the review are.
DOUBTFUL_BELOW = 0.98

#: Key of `result_json`, and of the published result, of what each field is worth and where it stands.
FIELD_DETAILS = "fields"

#: Published names by field. Names, types and meaning belong to the backend: only additions are allowed.
_PUBLISHED = {
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
    #: On success:
    ocr_text: str | None = None
    parsed_result: dict[str, str] | None = None
    score: int | None = None
    decision: str | None = None
    outcome: str | None = None
    #: Added by this service, in repeats for completed rows: the row's `verification_status`, which a person
    #: may have changed since; `decision` and `outcome` are what the OCR decided.
    verification_status: str | None = None
    #: Added by this service: codes of what a person should look at.
    review_reasons: list[str] | None = None
    #: Added by this service: for each reason what can be done about it, in Indonesian and English.
    review_advice: list[str] | None = None
    #: Added by this service: by key what each field is worth and where it stands (`reader.field_details`).
    fields: dict[str, Any] | None = None
    #: On failure: a sentence for the user, without personal data.
    error: str | None = None

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
        return {_PUBLISHED[name]: value for name, value in asdict(self).items() if value is not None}


def row_result(
    parsed: Mapping[str, str], reasons: Sequence[str], fields: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Build a document's `result_json`: the fields, what they are worth, and the reasons for review."""
    return {
        **parsed,
        **({"reviewReasons": list(reasons)} if reasons else {}),
        **({FIELD_DETAILS: dict(fields)} if fields else {}),
    }


def stored_details(document_type: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what each field of a `result_json` is worth and where it stands; empty for older rows."""
    known, details = CARD_FIELDS.get(document_type, frozenset()), stored.get(FIELD_DETAILS)
    if not isinstance(details, dict):
        return {}
    return {key: each for key, each in details.items() if key in known and isinstance(each, dict)}


def doubted_details(details: Mapping[str, Any], reasons: Sequence[str]) -> dict[str, Any]:
    """Return the details of the fields that a person has to look at, for the reasons of a review."""
    doubted = {key for code in reasons for key in DOUBTED_FIELDS.get(code, ())}
    return {
        key: each
        for key, each in details.items()
        if key in doubted or each.get("probability", 1.0) < DOUBTFUL_BELOW
    }


def split_row_result(document_type: str, stored: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return the card's fields and the reasons for review out of a `result_json`.

    Other keys are left out: the backend adds some of its own (`finalDecision`, `scoringReasons`, ...) once a
    person has decided.
    """
    known = CARD_FIELDS.get(document_type, frozenset().union(*CARD_FIELDS.values()))
    parsed = {key: value for key, value in stored.items() if key in known and isinstance(value, str)}
    reasons = stored.get("reviewReasons")
    return parsed, [code for code in reasons if isinstance(code, str)] if isinstance(reasons, list) else []


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
