"""Finds punctuation that the recogniser missed, such as the apostrophe in ``SYAFI'I``.

An apostrophe between two I is three pixels wide; in a squeezed line it falls into a single step of the
network. It leaves a trace: the network is less certain than usual that nothing stands between the two
letters. Such a line is recognised again from differently cut images, until one of them shows a mark, or shows
with certainty that there is none.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import Quad, cut_line
from service.reading.ocr.recognition import MAX_LINE, Character, LineText
from service.reading.ocr.shapes import LINE_HEIGHT
from service.reading.ocr.word_spelling import has_only_card_words, is_card_word

#: Below this certainty that two letters are adjacent, a mark may stand between them.
MIN_JOINT = 0.9

#: Hardly any name has a double I, and many have an apostrophe between two I. So this pair is always doubtful,
#: and only a recheck that shows a mark resolves it.
DOUBLE_I = "II"

#: Steps that an I lasts at most: of 1,674 on cards of four levels a single one lasted three, and was the
#: ``I'I`` of a name, merged into one.
MAX_I_STEPS = 2

#: Certainty with which a recheck must see two letters adjacent to rule out a mark.
MIN_CLEAR_JOINT = 0.985

#: A line that was recognised at a reduced size is doubtful if its least certain character is below this.
MIN_REDUCED_CERTAINTY = 0.97

#: A line with a character below this is doubtful as a whole: of 349 approved names on hard photos that were
#: more certain 9 were wrong, of 9 others 3.
MIN_CHARACTER_CERTAINTY = 0.75

#: Factor on the confidence of a line that stays doubtful; low enough that a name goes to manual review.
DOUBT_FACTOR = 0.9


@dataclass(frozen=True, slots=True)
class Recheck:
    """One way to cut out and recognise a line again."""

    #: Width as a share of the line's own width.
    squeeze: float
    #: Magnification: upper and lower margin of the line are cut off accordingly.
    zoom: float = 1.0
    #: Strength of the unsharp mask.
    sharpening: float = 0.0
    #: Whether it can rule out a mark; the others can only show one.
    can_clear: bool = False


#: Shows what print that is a little soft hides.
SHARPENED = Recheck(1.0, sharpening=1.0, can_clear=True)

#: In this order. Of 37 names that were right in spite of a doubt, the first recheck alone resolved 36; the
#: others showed marks on soft pictures.
RECHECKS = (
    SHARPENED,
    Recheck(1.5),
    Recheck(0.7),
    Recheck(1.0, zoom=1.2),
)

#: Values have capitals or digits; labels do not.
_VALUE = re.compile(r"[A-Z0-9]{2}")

#: ``JL MELATI``: a word without a vowel is an abbreviation, and its full stop is the first mark to get lost.
_BARE_ABBREVIATION = re.compile(r"\b[B-DF-HJ-NP-TV-XZ]{2,3} ")
_CAPITALS = re.compile(r"[A-Z]{2}")

#: Standard deviation in pixels of the unsharp mask.
_BLUR = 1.5


def doubtful_offsets(line: LineText) -> list[int]:
    """Return the offsets of characters that may have a missed mark before them, or contain one."""
    text = line.text
    return [
        offset
        for offset, character in enumerate(line.characters)
        if offset
        and (
            (character.joint < MIN_JOINT and _is_in_value(text, offset))
            or _is_double_i(text, offset)
            or _is_long_i(line.characters, offset)
        )
    ]


def _is_long_i(characters: Sequence[Character], offset: int) -> bool:
    one = characters[offset]
    return one.text == "I" and one.steps > MAX_I_STEPS and characters[offset - 1].text.isupper()


def _is_in_value(text: str, offset: int) -> bool:
    """Whether a mark before a character would belong to a value; in labels marks do not matter."""
    pair = text[offset - 1 : offset + 1]
    # `B. ANGGRAENI`: the blank behind an abbreviation is narrow.
    follows_stop = pair[0] == "." and _CAPITALS.match(text, offset)
    is_value = all(one.isupper() or one.isdigit() for one in pair) and not pair.isdigit()
    return bool(follows_stop or (is_value and not is_card_word(text, offset)))


def _is_double_i(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == DOUBLE_I


def cut_for_recheck(
    page: Image, quad: Quad, recheck: Recheck, fit_width: Callable[[int], int] = int
) -> Image:
    """Cut a line out of the page for a recheck; ``fit_width`` may change its width."""
    line = cut_line(page, _zoomed(quad, recheck.zoom), LINE_HEIGHT, MAX_LINE, recheck.squeeze, fit_width)
    if not recheck.sharpening:
        return line
    blurred = cv2.GaussianBlur(line, (0, 0), _BLUR)
    sharpened = cv2.addWeighted(line, 1 + recheck.sharpening, blurred, -recheck.sharpening, 0)
    return np.asarray(sharpened, np.uint8)


def apply_recheck(line: LineText, second: LineText, can_clear: bool) -> LineText:
    """Insert the marks of a second recognition where the line is doubtful, and clear resolved doubts.

    A second recognition with other letters is ignored, unless it shows a long I to be ``I'I``.
    """
    if _letters(line.text) != _letters(second.text):
        return second if _splits_long_i(line, second) else line
    doubtful = {*doubtful_offsets(line)}
    second_text = second.text
    for gap, second_gap in _gaps_from_the_end(line, second):
        if gap.stop not in doubtful:
            continue
        marks, second_marks = line.text[gap], second_text[second_gap]
        if len(second_marks) > len(marks):
            line = _with_marks(line, gap, second_marks)
        elif can_clear and second_marks == marks and not _is_double_i(line.text, gap.stop):
            joint = second.characters[second_gap.stop].joint
            line = _with_marks(line, gap, marks) if joint >= MIN_CLEAR_JOINT else line
    return line


def _splits_long_i(line: LineText, second: LineText) -> bool:
    text = line.text
    split = [
        text[:offset] + DOUBLE_I + text[offset + 1 :]
        for offset in doubtful_offsets(line)
        if _is_long_i(line.characters, offset)
    ]
    return DOUBLE_I not in second.text and _letters(second.text) in map(_letters, split)


def discount_doubtful(lines: Sequence[LineText]) -> list[LineText]:
    """Return the lines; those that are still doubtful with a lower confidence."""
    return [
        replace(line, confidence=line.confidence * DOUBT_FACTOR)
        if doubtful_offsets(line) or line.min_certainty < MIN_CHARACTER_CERTAINTY
        else line
        for line in lines
    ]


def needs_full_size(line: LineText) -> bool:
    """Whether a line that was recognised at a reduced size must be recognised at full size.

    Only for lines that may hold a value: labels and such words as ISLAM are known.
    """
    doubtful = line.min_certainty < MIN_REDUCED_CERTAINTY or _BARE_ABBREVIATION.search(line.text)
    return bool(doubtful and _VALUE.search(line.text) and not has_only_card_words(line.text))


def merge_readings(one: LineText, other: LineText) -> LineText:
    """Return the better of two recognitions of a line.

    If the letters are the same, that is the more certain one with the marks of both: marks get lost, but are
    hardly ever seen where there are none. If not, it is the more certain one with a lower confidence.
    """
    best, other = sorted((one, other), key=lambda line: line.min_certainty, reverse=True)
    if _letters(best.text) != _letters(other.text):
        return replace(best, confidence=best.confidence * DOUBT_FACTOR)
    other_text = other.text
    for gap, other_gap in _gaps_from_the_end(best, other):
        if len(other_text[other_gap]) > len(best.text[gap]):
            best = _with_marks(best, gap, other_text[other_gap])
    return best


def _letters(text: str) -> list[str]:
    return [character for character in text if character.isalnum()]


def _gaps_from_the_end(one: LineText, other: LineText) -> list[tuple[slice, slice]]:
    """Return the gaps before, between and behind the letters of two lines that have the same letters.

    From the last to the first: replacing a gap then moves no offset of those still to come.
    """
    return [*zip(_gaps(one.text), _gaps(other.text), strict=True)][::-1]


def _gaps(text: str) -> list[slice]:
    letters = [offset for offset, character in enumerate(text) if character.isalnum()]
    starts = [0, *(offset + 1 for offset in letters)]
    return [slice(*ends) for ends in zip(starts, [*letters, len(text)], strict=True)]


def _with_marks(line: LineText, gap: slice, marks: str) -> LineText:
    """Return the line with ``marks`` in the gap, and no doubt about the gap."""
    before, after = line.characters[: gap.start], line.characters[gap.stop :]
    if after:
        after = (after[0]._replace(joint=1.0, gap=0.0), *after[1:])
    return replace(line, characters=(*before, *map(Character, marks), *after))


def _zoomed(quad: Quad, zoom: float) -> Quad:
    """Return the quadrilateral with its height divided by ``zoom``, and the same width and centre."""
    if zoom == 1:
        return quad
    upper, lower = quad[:2], quad[:1:-1]
    inset = (lower - upper) * (1 - 1 / zoom) / 2
    return np.asarray(np.concatenate((upper + inset, (lower - inset)[::-1])), np.float32)
