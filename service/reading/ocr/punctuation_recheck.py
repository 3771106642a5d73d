"""Marks that the network passes over in doubt, such as the apostrophe in ``SYAFI'I`` or a narrow blank.

An apostrophe between two I is three pixels wide; squeezed, it falls into a single step of the network. But it
leaves a trace: there the network is less sure than usual that nothing stands between the two letters. Such a
line is looked at again in other ways until one of them shows a mark, or shows clearly that there is none.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from service.reading.ocr.engine import Image
from service.reading.ocr.geometry import Quad, cut_line
from service.reading.ocr.recognition import MAX_LINE, LineText
from service.reading.ocr.shapes import LINE_HEIGHT

#: Two letters that the network is less sure of joining than this may have a mark between them.
DOUBTED = 0.9

#: Hardly a name has two I, and many have an apostrophe between them. Only a look that shows it clears this
#: doubt.
TWINS = "II"

#: An I lasts a step of the network or two: of 1,674 on cards of four levels one lasted three, and was the
#: ``I'I`` of a name, run together.
MAX_I = 2

#: How sure a look must be that there is none.
SURE_ENOUGH = 0.985

#: A line that was not read in full is in doubt when its least certain character is below this.
SURE = 0.97

#: A line with a character that is less certain than this is in doubt as a whole: of 349 approved names on
#: hard photos that were surer 9 were wrong, of 9 others 3.
MIN_CERTAIN = 0.75

#: What an open doubt leaves of a line's confidence: enough to send a name to a person.
OPEN_DOUBT = 0.9


@dataclass(frozen=True, slots=True)
class Look:
    """A way to look at a line again."""

    #: Share of the line's own width.
    squeeze: float
    #: How much closer: the line's upper and lower margin is cut off by as much.
    zoom: float = 1.0
    #: How much of the difference to its own blurred copy is added to the picture.
    sharpening: float = 0.0
    #: Whether it can tell that there is no mark; the others only show one.
    can_clear: bool = False


#: In this order. Of 37 names that were read right in spite of a doubt the first look alone settled 36; what
#: one of the others did not show was yet there on soft pictures.
LOOKS = (Look(1.0, sharpening=1.0, can_clear=True), Look(1.5), Look(0.7), Look(1.0, zoom=1.2))

_VALUE = re.compile(r"[A-Z0-9]{2}")

#: ``JL MELATI``: where a word has no vowel it is short for another, and its stop the first mark to be lost.
_BARE_ABBREVIATION = re.compile(r"\b[B-DF-HJ-NP-TV-XZ]{2,3} ")
_CAPITALS = re.compile(r"[A-Z]{2}")

#: Pixels of a line's picture: blur of the copy that it is sharpened with.
_BLUR = 1.5


def doubts(line: LineText) -> list[int]:
    """Return the offsets in the text of letters that may have a mark before them, or hold one."""
    return [
        offset
        for offset in range(1, len(line.text))
        if (line.joints[offset] < DOUBTED and _matters(line.text, offset))
        or _are_twins(line.text, offset)
        or _is_long_i(line, offset)
    ]


def _is_long_i(line: LineText, offset: int) -> bool:
    return line.text[offset] == "I" and line.steps[offset] > MAX_I and line.text[offset - 1].isupper()


def _matters(text: str, offset: int) -> bool:
    """Whether a mark before a letter would be one of a value: in labels it matters not."""
    pair = text[offset - 1 : offset + 1]
    # `B. ANGGRAENI`: the blank behind an abbreviation is narrow.
    is_word = pair[0] == "." and _CAPITALS.match(text, offset)
    is_value = all(one.isupper() or one.isdigit() for one in pair) and not pair.isdigit()
    return bool(is_word or is_value)


def _is_clear(again: LineText, offset: int) -> bool:
    """Whether a look is sure enough that a letter joins what is before it."""
    return again.joints[offset] >= SURE_ENOUGH and not _are_twins(again.text, offset)


def _are_twins(text: str, offset: int) -> bool:
    return text[offset - 1 : offset + 1] == TWINS


def look_again(page: Image, quad: Quad, look: Look, fitted: Callable[[int], int] = int) -> Image:
    """Cut a line out of the page as ``look`` asks; ``fitted`` may change its width."""
    line = cut_line(page, _closer(quad, look.zoom), LINE_HEIGHT, MAX_LINE, look.squeeze, fitted)
    if not look.sharpening:
        return line
    blurred = cv2.GaussianBlur(line, (0, 0), _BLUR)
    return np.asarray(cv2.addWeighted(line, 1 + look.sharpening, blurred, -look.sharpening, 0), np.uint8)


def settled(line: LineText, again: LineText, can_clear: bool) -> LineText:
    """Return the line with the marks that another look shows where there was doubt, and with fewer doubts.

    A look that reads other letters says nothing, unless it shows a long I to be ``I'I``.
    """
    if _letters(line.text) != _letters(again.text):
        return again if _parts_long_i(line, again) else line
    doubted = {*doubts(line)}
    for gap, seen in _gaps_from_the_end(line, again):
        if gap.stop not in doubted:
            continue
        marks, seen_marks = line.text[gap], again.text[seen]
        if len(seen_marks) > len(marks):
            line = _with_marks(line, gap, seen_marks)
        elif can_clear and seen_marks == marks and _is_clear(again, seen.stop):
            line = _with_marks(line, gap, marks)
    return line


def _parts_long_i(line: LineText, again: LineText) -> bool:
    parted = [
        line.text[:offset] + TWINS + line.text[offset + 1 :]
        for offset in doubts(line)
        if _is_long_i(line, offset)
    ]
    return TWINS not in again.text and _letters(again.text) in map(_letters, parted)


def weighed(lines: Sequence[LineText]) -> list[LineText]:
    """Return the lines, those that are in doubt less sure than before."""
    return [
        replace(line, confidence=line.confidence * OPEN_DOUBT)
        if doubts(line) or line.least < MIN_CERTAIN
        else line
        for line in lines
    ]


def is_unsure(line: LineText) -> bool:
    """Whether a line that was not read in full has to be: labels are known words, and need not.

    A line may hold a value, be it behind its label, when it has capitals or digits.
    """
    doubted = line.least < SURE or _BARE_ABBREVIATION.search(line.text)
    return bool(doubted and _VALUE.search(line.text))


def agreed(one: LineText, other: LineText) -> LineText:
    """Return the better of two looks at a line.

    With the same letters it is the surer one with the marks of both: they get lost, but are hardly ever seen
    where there are none. Else it is the surer one, less sure than before.
    """
    surer, other = sorted((one, other), key=lambda line: line.least, reverse=True)
    if _letters(surer.text) != _letters(other.text):
        return replace(surer, confidence=surer.confidence * OPEN_DOUBT)
    for gap, seen in _gaps_from_the_end(surer, other):
        if len(other.text[seen]) > len(surer.text[gap]):
            surer = _with_marks(surer, gap, other.text[seen])
    return surer


def _letters(text: str) -> list[str]:
    return [character for character in text if character.isalnum()]


def _gaps_from_the_end(one: LineText, other: LineText) -> list[tuple[slice, slice]]:
    """Return what stands before, between and behind the same letters of two lines.

    What is put into the last gap moves no offset of those before it.
    """
    return [*zip(_gaps(one.text), _gaps(other.text), strict=True)][::-1]


def _gaps(text: str) -> list[slice]:
    places = [offset for offset, character in enumerate(text) if character.isalnum()]
    return [
        slice(*ends) for ends in zip([0, *(place + 1 for place in places)], [*places, len(text)], strict=True)
    ]


def _with_marks(line: LineText, gap: slice, marks: str) -> LineText:
    """Return the line with these marks, and no doubt, in the gap."""
    text = line.text[: gap.start] + marks + line.text[gap.stop :]
    joints = (*line.joints[: gap.start], *[1.0] * (len(marks) + 1), *line.joints[gap.stop + 1 :])
    steps = (*line.steps[: gap.start], *[1] * len(marks), *line.steps[gap.stop :])
    return replace(line, text=text, joints=joints[: len(text)], steps=steps)


def _closer(quad: Quad, zoom: float) -> Quad:
    """Return the quadrilateral less high by ``zoom`` and as wide, around the same middle."""
    if zoom == 1:
        return quad
    upper, lower = quad[:2], quad[:1:-1]
    inset = (lower - upper) * (1 - 1 / zoom) / 2
    return np.asarray(np.concatenate((upper + inset, (lower - inset)[::-1])), np.float32)
