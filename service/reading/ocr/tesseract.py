"""The ``tesseract`` driver: runs the Tesseract program for each page, through pytesseract, on the CPU."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytesseract

from service.errors import EngineError, SettingsError
from service.reading.ocr.card_detection import find_card, is_card_shaped
from service.reading.ocr.engine import Box, Device, Image, Matrix, Page, PageText, TextLine
from service.reading.ocr.flattening import flatten, unflatten_matrix
from service.reading.ocr.geometry import turn_matrix, turn_page
from service.reading.ocr.reading_order import in_reading_order

#: Indonesian first: the language of the cards.
LANGUAGES = ("ind", "eng")

#: Page segmentation mode: one uniform block. Tesseract's own column detection fails on cards.
SEGMENTATION = "--psm 6"

#: Seconds; a page takes about one.
TIMEOUT = 60

#: Words with a wider gap between them, in heights of their line, belong to different columns.
MIN_COLUMN_GAP = 1.5

#: Sum over the letters of a view of their confidence, from which on the view counts as an upright card: of 32
#: cards an upright KTP gave 300 and more, an upright NPWP 187 to 237, either of them upside down 45 to 153.
MIN_UPRIGHT_EVIDENCE = 160

#: Lines below this confidence are patterns and smudges rather than text.
MIN_CONFIDENCE = 0.3

#: Advice of error messages.
INSTALL = "install it with `apt-get install tesseract-ocr tesseract-ocr-ind tesseract-ocr-eng`"


@dataclass(frozen=True, slots=True)
class Word:
    """One word found by Tesseract: position in pixels, confidence from 0 to 1."""

    text: str
    confidence: float
    left: int
    top: int
    right: int
    bottom: int


class TesseractEngine:
    """Reads pages with the ``tesseract`` program, which runs once for each call.

    Raises:
        SettingsError: the program or one of its languages is not installed, or the program is not Tesseract.
    """

    name = "tesseract"
    device: Device = "cpu"

    def __init__(self) -> None:
        # Inherited by the program. By default each run uses all cores, and parallel runs slow each other
        # down.
        os.environ["OMP_THREAD_LIMIT"] = "1"
        installed = _installed_languages()
        missing = [language for language in LANGUAGES if language not in installed]
        if missing:
            raise SettingsError(
                f"OCR_GPU_DRIVER=tesseract, but its language {' and '.join(missing)} is missing: {INSTALL}"
            )

    def read(self, page: Page) -> PageText:
        """Find and recognise the text of one page, upright; a card that lies on something is flattened first.

        Raises:
            EngineError: the program failed or took too long.
        """
        best = PageText(page.image, (), self.device)
        for view, to_page in _views(page):
            lines = in_reading_order([line for line in _run(view) if line.confidence >= MIN_CONFIDENCE])
            if _evidence(lines) >= _evidence(best.lines):
                best = PageText(view, tuple(lines), self.device, to_page=to_page)
            if _evidence(lines) >= MIN_UPRIGHT_EVIDENCE:
                break
        return best


def _installed_languages() -> list[str]:
    """Return the languages of the installed Tesseract.

    pytesseract caches the version for its later calls. Here the program is always asked, so that the cache
    belongs to the present program, not to one that an earlier engine found.

    Raises:
        SettingsError: the program is missing, or is not Tesseract.
    """
    try:
        pytesseract.get_tesseract_version()
        languages: list[str] = pytesseract.get_languages()
    except (pytesseract.TesseractNotFoundError, OSError) as error:
        raise SettingsError(f"OCR_GPU_DRIVER=tesseract, but the program is missing: {INSTALL}") from error
    # pytesseract ends the interpreter for a version that it cannot parse or that is too old.
    except (SystemExit, subprocess.SubprocessError, ValueError) as error:
        raise SettingsError(
            f"OCR_GPU_DRIVER=tesseract, but `{pytesseract.pytesseract.tesseract_cmd}` does not answer "
            f"--version as Tesseract 3.05 or newer does: {INSTALL}"
        ) from error
    return languages


def _views(page: Page) -> Iterator[tuple[Image, Matrix]]:
    """Yield the images that may show a card upright, the likeliest first, each with its way to the page."""
    image = page.image
    if is_card_shaped(image):
        turns = int(image.shape[0] > image.shape[1])
        back = np.asarray(np.linalg.inv(turn_matrix(image, turns)), np.float64)
        yield from _both_ways(turn_page(image, turns), back)
        return
    if (card := find_card(page)) is not None:
        flat = flatten(image, card)
        yield from _both_ways(flat, unflatten_matrix(flat, card))
    yield image, np.eye(3)


def _both_ways(upright: Image, to_page: Matrix) -> Iterator[tuple[Image, Matrix]]:
    yield upright, to_page
    # A half turn is its own inverse.
    yield turn_page(upright, 2), to_page @ turn_matrix(upright, 2)


def _evidence(lines: Sequence[TextLine]) -> float:
    """Return the sum over the letters of their confidence."""
    return sum(line.confidence * len(line.text) for line in lines)


def _run(image: Image) -> list[TextLine]:
    picture = PIL.Image.fromarray(normalize_background(image))
    # pytesseract passes the picture in a file of this format; the default, PNG, is slow to write.
    picture.format = "PPM"
    try:
        table = pytesseract.image_to_data(
            picture,
            lang="+".join(LANGUAGES),
            config=SEGMENTATION,
            timeout=TIMEOUT,
            output_type=pytesseract.Output.DICT,
        )
    except (RuntimeError, OSError) as error:
        raise EngineError(f"tesseract failed: {type(error).__name__}") from error
    return [*text_lines(table)]


def normalize_background(page: Image) -> Image:
    """Return a page with shadows removed and its paper evenly white."""
    height, width = page.shape
    small = cv2.resize(page, (max(1, width // 8), max(1, height // 8)), interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 7)
    return np.asarray(cv2.divide(page, cv2.resize(paper, (width, height)), scale=255), np.uint8)


def text_lines(table: Mapping[str, list[Any]]) -> Iterator[TextLine]:
    """Yield the lines of Tesseract's word table, split at wide gaps between columns."""
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    words = [row for row in rows if row["level"] == 5 and str(row["text"]).strip()]
    for _, line in groupby(words, lambda row: (row["block_num"], row["par_num"], row["line_num"])):
        yield from (_join_words(piece) for piece in _split_columns([_word(row) for row in line]))


def _word(row: Mapping[str, Any]) -> Word:
    left, top = int(row["left"]), int(row["top"])
    right, bottom = left + int(row["width"]), top + int(row["height"])
    return Word(str(row["text"]).strip(), float(row["conf"]) / 100, left, top, right, bottom)


def _split_columns(words: list[Word]) -> Iterator[list[Word]]:
    height = float(np.median([word.bottom - word.top for word in words]))
    piece: list[Word] = []
    for word in words:
        if piece and word.left - piece[-1].right > MIN_COLUMN_GAP * height:
            yield piece
            piece = []
        piece.append(word)
    yield piece


def _join_words(words: list[Word]) -> TextLine:
    left, right = min(word.left for word in words), max(word.right for word in words)
    top, bottom = min(word.top for word in words), max(word.bottom for word in words)
    box: Box = ((left, top), (right, top), (right, bottom), (left, bottom))
    letters = sum(len(word.text) for word in words)
    confidence = sum(word.confidence * len(word.text) for word in words) / letters
    return TextLine(" ".join(word.text for word in words), confidence, box)
