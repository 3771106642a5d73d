"""The result of one document as FiLot's backend receives it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Published names, by ours. Names, types and meaning belong to the backend: only additions are allowed.
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
    "review_reasons": "reviewReasons",
    "review_advice": "reviewAdvice",
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
    #: Added by this service: codes of what a person should look at.
    review_reasons: list[str] | None = None
    #: Added by this service: for each reason what can be done about it, in Indonesian and English.
    review_advice: list[str] | None = None
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
        """The JSON object that goes out on the channel; what does not apply is left out."""
        return {_PUBLISHED[name]: value for name, value in asdict(self).items() if value is not None}


def row_result(parsed: Mapping[str, str], reasons: Sequence[str]) -> dict[str, Any]:
    """What a document's ``result_json`` holds: the parsed fields, and any reasons for review."""
    return {**parsed, **({"reviewReasons": list(reasons)} if reasons else {})}


def split_row_result(stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The parsed fields and the reasons for review out of a ``result_json``."""
    parsed = {key: value for key, value in stored.items() if key != "reviewReasons"}
    return parsed, list(stored.get("reviewReasons", ()))
