"""The heart of the service, free of servers: a file's bytes in, fields, score and decision out."""

from dataclasses import dataclass

import cv2
import numpy as np

from service.errors import DocumentError
from service.reading import quality
from service.reading.documents.classification import is_other_document
from service.reading.documents.fields import DocumentType, Fields
from service.reading.documents.ktp import read_ktp
from service.reading.documents.npwp import read_npwp
from service.reading.documents.reasons import UNREADABLE, WRONG_TYPE
from service.reading.documents.scoring import CONTRACT_FIELDS, Decision, ReviewOutcome, judge
from service.reading.ocr.engine import Device, Engine, Image, PageText
from service.reading.pages import read_pages
from service.telemetry.stages import stage

_PARSERS = {"KTP": read_ktp, "NPWP": read_npwp}

#: Grey levels (0 to 255) by which an empty page departs from its own blurred copy, as standard deviation:
#: paper grain and uneven light stay well below, a card of which nothing can be read is well above.
BLANK_DETAIL = 2.0

#: Pixels: the longest side of the copy on which blankness is judged, and how far it is blurred.
_THUMBNAIL, _BLUR = 240, 6


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that was read from one document."""

    document_type: DocumentType
    fields: Fields
    #: 0 to 100.
    score: int
    decision: Decision
    outcome: ReviewOutcome
    #: Codes of ``reasons.ADVICE``, for example ``nik_birth_date_mismatch``.
    review_reasons: tuple[str, ...]
    #: All lines of all pages, joined by newlines.
    text: str
    pages: tuple[PageText, ...]
    #: The one of ``pages`` that the fields, and their boxes, are from.
    page: PageText
    #: ``cuda`` only when every page was recognised on the GPU.
    device: Device


def read_document(content: bytes, document_type: DocumentType, engine: Engine) -> Reading:
    """Read one file.

    Of several pages the one with most contract fields counts, the first among equals. Pages are not
    mixed: a scan often holds another card or the card's back on the next page, and boxes of different
    pages make no rows. A page that shows another kind of document is not read: its numbers look like ours.

    Raises:
        DocumentError: the file cannot be read, or shows nothing at all (``blank_page``).
        EngineError: the engine broke; ``DeviceError`` when the GPU did.
    """
    with stage("decode"):
        decoded = read_pages(content)
    with stage("ocr"):
        pages = tuple(engine.read(page) for page in decoded)
    lines = [line.text for page in pages for line in page.lines]
    if not lines and all(is_blank(page.image) for page in pages):
        raise DocumentError(
            "blank_page",
            "Berkas ini kosong. Unggah foto kartu yang terang, tajam, dan utuh.",
            "This file is blank. Upload a bright, sharp photo of the whole card.",
        )
    contract = CONTRACT_FIELDS[document_type]
    with stage("parse"):
        ours = [page for page in pages if not is_other_document(document_type, page.lines)]
        read = [(page, _PARSERS[document_type](page.lines)) for page in ours] or [(pages[0], {})]
        best, fields = max(read, key=lambda pair: sum(key in pair[1] for key in contract))
    faults = quality.faults(best)
    if not any(page.lines for page in ours):
        faults = (WRONG_TYPE if lines else UNREADABLE, *faults)
    verdict = judge(document_type, fields, faults)
    return Reading(
        document_type=document_type,
        fields=fields,
        score=verdict.score,
        decision=verdict.decision,
        outcome=verdict.outcome,
        review_reasons=verdict.review_reasons,
        text="\n".join(lines),
        pages=pages,
        page=best,
        device="cuda" if all(page.device == "cuda" for page in pages) else "cpu",
    )


def is_blank(page: Image) -> bool:
    """Whether a page shows nothing at all, as against a card of which nothing can be read."""
    scale = min(1.0, _THUMBNAIL / max(page.shape))
    # Shrunk, paper grain and the camera's noise average out, and print and portraits do not.
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    return bool(np.std(grey - cv2.GaussianBlur(grey, (0, 0), _BLUR)) < BLANK_DETAIL)


def parsed_result(reading: Reading) -> dict[str, str]:
    """The contract's ``parsedResult``: keys to values."""
    return {key: field.value for key, field in reading.fields.items()}
