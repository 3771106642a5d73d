"""Reads one document: a file's bytes in; fields, score and decision out."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from service.errors import DocumentError
from service.reading import quality
from service.reading.documents.classification import classify_page
from service.reading.documents.fields import DocumentType, FieldDetail, Fields
from service.reading.documents.ktp import read_ktp
from service.reading.documents.npwp import read_npwp
from service.reading.documents.reasons import MIRRORED, SEVERAL_CARDS, UNREADABLE, WRONG_TYPE
from service.reading.documents.same_card import compare_cards, contradicts, shows_several
from service.reading.documents.scoring import (
    CONTRACT_FIELDS,
    Decision,
    Estimate,
    ReviewOutcome,
    Verdict,
    judge,
)
from service.reading.estimates import estimate_fields
from service.reading.ocr.engine import Device, Engine, Image, Page, PageText, TextLine
from service.reading.pages import read_pages
from service.reading.places import place_on_page
from service.settings import MIN_PROBABILITY
from service.telemetry.stages import timed

_PARSERS = {"KTP": read_ktp, "NPWP": read_npwp}

#: Standard deviation in grey levels (0 to 255) of a page from its own blurred copy, up to which it is blank:
#: paper grain and uneven light are well below, an unreadable card is well above.
MAX_BLANK_DETAIL = 2.0

#: A second look costs time: it is for cards whose contract fields are all right with less than the first
#: probability, and there for fields with less than the second.
SURE_CARD, SURE_FIELD = 0.985, 0.998

#: So many contract fields are found in a mirrored page by chance, such as a number.
MAX_STRAY_FIELDS = 1

#: Longest side of the copy that is tested for blankness, and standard deviation of its blur, in pixels.
_THUMBNAIL_SIDE, _BLUR = 240, 6


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of reading one document."""

    document_type: DocumentType
    fields: Fields
    #: 0 to 100.
    score: int
    decision: Decision
    outcome: ReviewOutcome
    #: Codes of ``reasons.ADVICE``, for example ``nik_birth_date_mismatch``.
    review_reasons: tuple[str, ...]
    #: All lines of all pages, separated by newlines.
    text: str
    pages: tuple[PageText, ...]
    #: The one of ``pages`` that the fields and their boxes belong to.
    page: PageText
    #: ``cuda`` only if every page was recognised on the GPU.
    device: Device
    #: Of the contract fields that were read, by key.
    estimates: Mapping[str, Estimate]
    #: The decoded page that ``page`` was read from: its number, from 1, and its width and height in pixels.
    page_number: int
    page_size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from the text of a document's pages."""

    #: The page that the fields belong to.
    page: PageText
    fields: Fields
    estimates: Mapping[str, Estimate]
    verdict: Verdict
    #: Whether a page has text and does not show another type of document.
    is_legible: bool


def read_document(
    content: bytes, document_type: DocumentType, engine: Engine, min_probability: float = MIN_PROBABILITY
) -> Reading:
    """Read one file.

    Of several pages the one with the most contract fields is used, the first of equal ones. Pages are not
    combined: the next page of a scan often shows another card or the back of the card, and boxes of different
    pages form no rows. A page that shows another type of document is skipped: its numbers look alike.

    Parameters:
        min_probability: that all contract fields are right, for approval

    Raises:
        DocumentError: the file cannot be read, or shows nothing at all (``blank_page``).
        EngineError: the engine failed; a ``DeviceError`` if the GPU did.
    """
    with timed("decode"):
        decoded = read_pages(content)
    with timed("ocr"):
        # With the index of the page: several cards can lie on one.
        read = [(card, index) for index, page in enumerate(decoded) for card in cards_on(engine.read(page))]
    pages, places = tuple(card for card, _ in read), [index for _, index in read]
    if not any(page.lines for page in pages) and all(is_blank(page.image) for page in pages):
        raise DocumentError(
            "blank_page",
            "Berkas ini kosong. Unggah foto kartu yang terang, tajam, dan utuh.",
            "This file is blank. Upload a bright, sharp photo of the whole card.",
        )
    pages, found = _judge_after_second_looks(document_type, pages, min_probability)
    count = _contract_fields(document_type, found.fields)
    if found.is_legible and count <= MAX_STRAY_FIELDS:
        with timed("ocr"):
            cards = _read_mirrored(decoded[0], engine)
        cards, flipped = _judge_after_second_looks(document_type, cards, min_probability, (MIRRORED,))
        if _contract_fields(document_type, flipped.fields) > count:
            pages, found, places = cards, flipped, [0] * len(cards)
    index = next(index for page, index in zip(pages, places, strict=True) if page is found.page)
    height, width = decoded[index].image.shape
    return Reading(
        document_type=document_type,
        fields=found.fields,
        score=found.verdict.score,
        decision=found.verdict.decision,
        outcome=found.verdict.outcome,
        review_reasons=found.verdict.review_reasons,
        text="\n".join(line.text for page in pages for line in page.lines),
        pages=pages,
        page=found.page,
        device="cuda" if all(page.device == "cuda" for page in pages) else "cpu",
        estimates=found.estimates,
        page_number=index + 1,
        page_size=(width, height),
    )


def _judge_after_second_looks(
    document_type: DocumentType,
    pages: tuple[PageText, ...],
    min_probability: float,
    more_faults: Sequence[str] = (),
) -> tuple[tuple[PageText, ...], Judgement]:
    with timed("parse"):
        found = judge_pages(document_type, pages, min_probability, more_faults)
    doubtful = doubtful_lines(found, max(SURE_CARD, min_probability), SURE_FIELD)
    if not doubtful:
        return pages, found
    with timed("ocr"):
        pages = look_again(pages, found.page, doubtful)
    with timed("parse"):
        return pages, judge_pages(document_type, pages, min_probability, more_faults)


def judge_pages(
    document_type: DocumentType,
    pages: Sequence[PageText],
    min_probability: float = MIN_PROBABILITY,
    more_faults: Sequence[str] = (),
) -> Judgement:
    """Find the fields in the text of all pages, estimate what they are worth, and decide.

    Parameters:
        min_probability: that all contract fields are right, for approval
        more_faults: further codes that send the document to review
    """
    found = _parse(document_type, pages)
    estimates, hidden = estimate_fields(document_type, found.fields, found.page)
    faults = [*more_faults, *found.reasons, *hidden]
    if len(estimates) < len(CONTRACT_FIELDS[document_type]):
        # What could not be read has no letters of its own: the whole page says why.
        faults += quality.faults(found.page)
    verdict = judge(document_type, found.fields, faults, estimates, min_probability)
    return Judgement(found.page, found.fields, estimates, verdict, found.is_legible)


def doubtful_lines(found: Judgement, sure_card: float, sure_field: float) -> list[TextLine]:
    """Return the lines to recognise again: those of doubtful values that were only recognised once.

    A value is doubtful if it is right with less than a probability of ``sure_field``. No line is returned
    where all contract fields together reach ``sure_card``, or where the engine has no second way to look.
    """
    estimates = {key: estimate.probability for key, estimate in found.estimates.items()}
    if found.page.look_again is None or math.prod(estimates.values()) >= sure_card:
        return []
    boxes = [found.fields[key].box for key, estimate in estimates.items() if estimate < sure_field]
    lines = [line for box in boxes if box for line in quality.lines_in(found.page.lines, box)]
    return [line for line in dict.fromkeys(lines) if line.looks < 2]


def look_again(pages: Sequence[PageText], page: PageText, lines: Sequence[TextLine]) -> tuple[PageText, ...]:
    """Return the pages with these lines of one of them recognised again.

    Raises:
        EngineError: the engine failed; a ``DeviceError`` if the GPU did.
    """
    assert page.look_again is not None
    seen = dict(zip(lines, page.look_again(lines), strict=True))
    changed = replace(page, lines=tuple(seen.get(line, line) for line in page.lines))
    return tuple(changed if each is page else each for each in pages)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """The best page of a document."""

    page: PageText
    fields: Fields
    #: Reasons for review that follow from all pages.
    reasons: tuple[str, ...]
    #: Whether a page has text and does not show another type of document.
    is_legible: bool


def _parse(document_type: DocumentType, pages: Sequence[PageText]) -> _Parsed:
    classes = [classify_page(page.lines) for page in pages]
    matching = [page for page, shown in zip(pages, classes, strict=True) if shown in {document_type, None}]
    if not any(page.lines for page in matching):
        reason = WRONG_TYPE if any(page.lines for page in pages) else UNREADABLE
        return _Parsed((matching or pages)[0], {}, (reason,), is_legible=False)
    parse = _PARSERS[document_type]
    read = [(page, parse(page.lines)) for page in matching]
    best, fields = max(read, key=lambda pair: _contract_fields(document_type, pair[1]))
    reasons = [*compare_cards(document_type, [each for _, each in read])]
    if any(shows_several(document_type, page.lines) for page in matching):
        reasons.append(SEVERAL_CARDS)
    other_type: DocumentType = "NPWP" if document_type == "KTP" else "KTP"
    others = (page for page, shown in zip(pages, classes, strict=True) if shown == other_type)
    if any(contradicts(document_type, fields, _PARSERS[other_type](page.lines)) for page in others):
        reasons.append("npwp_nik_mismatch")
    return _Parsed(best, fields, tuple(dict.fromkeys(reasons)), is_legible=True)


def _contract_fields(document_type: DocumentType, fields: Fields) -> int:
    return sum(key in fields for key in CONTRACT_FIELDS[document_type])


def cards_on(page: PageText) -> Iterator[PageText]:
    """Yield the cards that a page shows, the first one first."""
    yield page
    yield from page.other_cards


def _read_mirrored(page: Page, engine: Engine) -> tuple[PageText, ...]:
    """Read the cards of a page that is flipped, as front cameras of some phones need."""
    text = engine.read(Page(np.asarray(cv2.flip(page.image, 1), np.uint8)))
    flip = np.array([[-1, 0, page.image.shape[1] - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    return tuple(replace(card, to_page=flip @ card.to_page) for card in cards_on(text))


def is_blank(page: Image) -> bool:
    """Whether a page is empty, as opposed to showing an unreadable card."""
    scale = min(1.0, _THUMBNAIL_SIDE / max(page.shape))
    # Shrinking averages out paper grain and noise, but not print and portraits.
    small = cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    return bool(np.std(grey - cv2.GaussianBlur(grey, (0, 0), _BLUR)) < MAX_BLANK_DETAIL)


def parsed_result(reading: Reading) -> dict[str, str]:
    """Return the contract's ``parsedResult``: values by key."""
    return {key: field.value for key, field in reading.fields.items()}


def field_details(reading: Reading) -> dict[str, FieldDetail]:
    """Return what each field is worth and where it stands, by key."""
    details: dict[str, FieldDetail] = {}
    for key, field in reading.fields.items():
        detail: FieldDetail = {"confidence": round(field.confidence, 3)}
        if key in reading.estimates:
            detail["probability"] = round(reading.estimates[key].probability, 4)
        if field.box is not None:
            place = place_on_page(field.box, reading.page.to_page, reading.page_size)
            detail["box"] = [round(share, 4) for share in place]
        details[key] = {**detail, "page": reading.page_number}
    return details
