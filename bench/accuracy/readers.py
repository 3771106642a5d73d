"""The ways to read a card that are compared, each behind the same function: file in, answer out."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from bench import plain
from bench.machine import has_tesseract
from devstack.degrade import encode_png
from service.errors import DocumentError, EngineError, SettingsError
from service.reading.documents.fields import DocumentType, Field
from service.reading.documents.scoring import APPROVED_FROM, score
from service.reading.ocr.engine import Box, Engine, Image
from service.reading.ocr.loading import load_engine, warm_up
from service.reading.pages import read_pages
from service.reading.reader import parsed_result, read_document

#: ``onnx`` and ``tesseract`` are the worker's drivers; ``plain`` is patterns over pytesseract's text.
EngineName: TypeAlias = Literal["onnx", "tesseract", "plain"]

ENGINE_NAMES: tuple[EngineName, ...] = ("onnx", "tesseract", "plain")

#: What becomes of a file; ``refused`` means that nothing was read, and the user is asked for another one.
Fate: TypeAlias = Literal["approved", "review", "refused"]

#: The reason of a card that nothing speaks against but that too little was read from.
LOW_SCORE = "low_score"

#: The reason of a file that the engine could not read; the worker would try again, and fail it in the end.
ENGINE_ERROR = "engine_error"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one way of reading made of one file."""

    fate: Fate
    #: Values by the contract's keys.
    read: Mapping[str, str] = field(default_factory=dict)
    #: 0 to 1, where the reader tells.
    confidences: Mapping[str, float] = field(default_factory=dict)
    #: Codes that say why a person should look, or why the file was refused.
    reasons: tuple[str, ...] = ()
    #: The page that ``boxes`` refer to, where the reader tells.
    page: Image | None = None
    #: Where each field was read.
    boxes: Mapping[str, Box] = field(default_factory=dict)


Reader: TypeAlias = Callable[[bytes, DocumentType], Answer]


def open_reader(name: EngineName) -> Reader:
    """Load what the way needs, and let it read something small.

    Raises:
        SettingsError: something that the engine needs is missing.
    """
    # One process a core: more threads would only crowd each other.
    os.environ["OMP_THREAD_LIMIT"] = "1"
    if name == "plain":
        if not has_tesseract("ind", "eng"):
            raise SettingsError("the plain way needs Tesseract with its languages ind and eng")
        return read_plainly
    engine = load_engine(name)
    warm_up(engine)
    return lambda content, document_type: _read_with(engine, content, document_type)


def read_plainly(content: bytes, document_type: DocumentType) -> Answer:
    """The plain way, judged by the contract's score alone: it knows no other checks."""
    if content.startswith(b"%PDF-"):
        # A script that could not open PDFs would be no match; it gets the pages that the worker sees.
        content = encode_png(read_pages(content)[0].image)
    read = plain.read_card(content, document_type)
    points = score(document_type, {key: Field(value, 1.0) for key, value in read.items()})
    if points >= APPROVED_FROM:
        return Answer("approved", read)
    return Answer("review", read, reasons=(LOW_SCORE,))


def _read_with(engine: Engine, content: bytes, document_type: DocumentType) -> Answer:
    try:
        reading = read_document(content, document_type, engine)
    except DocumentError as error:
        return Answer("refused", reasons=(error.code,))
    # Tesseract is given up on when a picture keeps it busy for too long; the other cards are still read.
    except EngineError:
        return Answer("refused", reasons=(ENGINE_ERROR,))
    return Answer(
        fate="approved" if reading.outcome == "auto_approved" else "review",
        read=parsed_result(reading),
        confidences={key: read.confidence for key, read in reading.fields.items()},
        reasons=reading.review_reasons or ((LOW_SCORE,) if reading.outcome != "auto_approved" else ()),
        page=reading.page.image,
        boxes={key: read.box for key, read in reading.fields.items() if read.box is not None},
    )
