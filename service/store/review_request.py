"""What is told of a document that a person has to look at: to the review service, and in `manual_reviews`."""

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import NotRequired, TypedDict, cast

from service.errors import DocumentError
from service.reading.documents.fields import DocumentType, FieldDetail
from service.reading.documents.reasons import indonesian
from service.reading.documents.scoring import Decision
from service.settings import Settings, needed
from service.store.documents import Document
from service.store.object_store import object_key
from service.store.result import doubted_details, ocr_verdict, split_row_result, stored_details


class ReviewMetadata(TypedDict):
    """Where the file lies, and what the reviewer's screen can show."""

    #: The last part of `r2Key`; empty if the row names no usable file.
    originalFilename: str
    #: Key of the file in the bucket; empty if the row names no usable file.
    r2Key: str
    #: Time of sending, ISO 8601 in UTC.
    submittedAt: str
    #: Added by this service: for each reason what can be done about it, in Indonesian.
    reviewAdvice: list[str]
    #: Added by this service: the fields to look at, by their key in `parsedData`, with what each is worth and
    #: where it stands.
    doubtfulFields: dict[str, FieldDetail]


class ReviewRequest(TypedDict):
    """Body of the request for one review."""

    documentId: str
    userId: str
    documentType: DocumentType
    #: The fields that were read, and no others.
    parsedData: dict[str, str]
    #: 0 to 100.
    aiScore: int | None
    #: The text of the page.
    ocrText: str | None
    correlationId: str
    metadata: ReviewMetadata
    #: The same as `aiScore`.
    score: int | None
    decision: Decision
    #: Codes of what a person should look at.
    reasons: list[str]
    #: Id of the row in `manual_reviews`, the same in every repeat; left out if that table cannot be written.
    reviewId: NotRequired[str]
    #: Where to post the decision; left out without `reviewId`, and if `BULI2_CALLBACK_URL` is unset.
    callbackUrl: NotRequired[str]


class ReviewPayload(TypedDict):
    """Column `payload` of a row in `manual_reviews`."""

    documentType: str
    parsedData: dict[str, str]
    ocrText: str | None
    score: int | None
    reasons: list[str]


def review_request(
    document: Document, correlation_id: str, settings: Settings, review_id: str | None
) -> ReviewRequest:
    """Build the body of ``POST /internal/reviews``.

    Parameters:
        review_id: id of the row in `manual_reviews`; without one a decision has no address to come back to
    """
    try:
        key = object_key(document.file_url or "", needed(settings.r2_bucket, "CF_R2_BUCKET_NAME"))
    except DocumentError:
        key = ""
    parsed, reasons = split_row_result(document.type, document.parsed or {})
    details = stored_details(document.type, document.parsed or {})
    decision, _ = ocr_verdict(document.decision, document.score, reasons)
    body: ReviewRequest = {
        "documentId": document.id,
        "userId": document.user_id,
        # No other document is read.
        "documentType": cast(DocumentType, document.type),
        "parsedData": parsed,
        "aiScore": document.score,
        "ocrText": document.text,
        "correlationId": correlation_id,
        "metadata": {
            "originalFilename": PurePosixPath(key).name,
            "r2Key": key,
            "submittedAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "reviewAdvice": [indonesian(code) for code in reasons],
            "doubtfulFields": doubted_details(details, reasons),
        },
        # The names that the backend's other client sends.
        "score": document.score,
        "decision": decision,
        "reasons": reasons,
    }
    if review_id is not None:
        body["reviewId"] = review_id
        if settings.buli2_callback_url:
            body["callbackUrl"] = f"{settings.buli2_callback_url.rstrip('/')}/{review_id}/callback"
    return body


def review_payload(document: Document) -> ReviewPayload:
    """Build the `payload` of a document's row in `manual_reviews`."""
    parsed, reasons = split_row_result(document.type, document.parsed or {})
    return {
        "documentType": document.type,
        "parsedData": parsed,
        "ocrText": document.text,
        "score": document.score,
        "reasons": reasons,
    }
