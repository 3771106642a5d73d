"""Marks that the network passes over in doubt, such as the apostrophe in ``SYAFI'I`` or a narrow blank.

An apostrophe between two I is three pixels wide; squeezed, it falls into a single step of the network. But it
leaves a trace: there the network is less sure than usual that nothing stands between the two letters. Such a
line is looked at again in other ways until one of them shows a mark, or shows clearly that there is none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from service.ocr.engine import Image
from service.ocr.geometry import Quad, cut_line
from service.ocr.recognition import LINE_HEIGHT, LONGEST_LINE, LineText

#: Two letters that the network is less sure of joining than this may have a mark between them.
DOUBTED = 0.9

#: The same for two I: hardly a name has them, and many have an apostrophe between them.
DOUBTED_OF_TWINS, TWINS = 0.98, "II"

#: By how much more another look must be sure of it to settle it, and how sure at most.
SURER, SURE_ENOUGH = 0.05, 0.99

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


#: In this order. Of 37 names that were read right in spite of a doubt the first look alone settled 36.
LOOKS = (Look(1.0, sharpening=1.0), Look(1.5), Look(0.7), Look(1.0, zoom=1.2))

_VALUE = re.compile(r"[A-Z0-9]{2}")

#: Pixels of a line's picture: blur of the copy that it is sharpened with.
_BLUR = 1.5


def doubts(line: LineText) -> list[int]:
    """Return the offsets in the text of letters that may have a mark before them."""
    return [
        offset
        for offset in range(1, len(line.text))
        if line.joints[offset] < _least(line.text[offset - 1 : offset + 1])
    ]


def _least(pair: str) -> float:
    """Return how sure the network must be that these two join: labels, known words, matter not."""
    if pair == TWINS:
        return DOUBTED_OF_TWINS
    is_value = all(one.isupper() or one.isdigit() for one in pair) and not pair.isdigit()
    return DOUBTED if is_value else 0.0


def look_again(page: Image, quad: Quad, look: Look) -> Image:
    """Cut a line out of the page as ``look`` asks."""
    line = cut_line(page, _closer(quad, look.zoom), LINE_HEIGHT, LONGEST_LINE, look.squeeze)
    if not look.sharpening:
        return line
    blurred = cv2.GaussianBlur(line, (0, 0), _BLUR)
    return np.asarray(cv2.addWeighted(line, 1 + look.sharpening, blurred, -look.sharpening, 0), np.uint8)


def settled(line: LineText, again: LineText) -> LineText:
    """Return the line with the marks that another look shows where there was doubt, and with fewer doubts.

    A look that reads other letters says nothing.
    """
    places, seen = _letters(line.text), _letters(again.text)
    if [line.text[place] for place in places] != [again.text[place] for place in seen]:
        return line
    text, joints = line.text, list(line.joints)
    # From the end, so that what is put in moves no offset that is still to come.
    for offset in reversed(doubts(line)):
        number = places.index(offset)
        pair = text[offset - 1 : offset + 1]
        mark = again.text[seen[number - 1] + 1 : seen[number]]
        if mark:
            text = text[:offset] + mark + text[offset:]
            joints[offset:offset] = [1.0] * len(mark)
        if mark or again.joints[seen[number]] >= min(SURE_ENOUGH, _least(pair) + SURER):
            joints[offset + len(mark)] = 1.0
    return replace(line, text=text, joints=tuple(joints))


def weighed(lines: Sequence[LineText]) -> list[LineText]:
    """Return the lines, those with an open doubt less sure than before."""
    return [
        replace(line, confidence=line.confidence * OPEN_DOUBT) if doubts(line) else line for line in lines
    ]


def is_value(text: str) -> bool:
    """Whether a line may hold a value, be it behind its label: values are capitals and digits."""
    return bool(_VALUE.search(text))


def agreed(one: LineText, other: LineText) -> LineText:
    """Return the better of two looks at a line.

    With the same letters it is the one with more marks: they get lost, but are hardly ever seen where there
    are none. Else it is the surer one, less sure than before.
    """
    letters = [[line.text[place] for place in _letters(line.text)] for line in (one, other)]
    if letters[0] == letters[1]:
        return max(one, other, key=lambda line: (len(line.text), line.least))
    surer = max(one, other, key=lambda line: line.least)
    return replace(surer, confidence=surer.confidence * OPEN_DOUBT)


def _letters(text: str) -> list[int]:
    return [offset for offset, character in enumerate(text) if character.isalnum()]


def _closer(quad: Quad, zoom: float) -> Quad:
    """Return the quadrilateral less high by ``zoom`` and as wide, around the same middle."""
    if zoom == 1:
        return quad
    upper, lower = quad[:2], quad[:1:-1]
    inset = (lower - upper) * (1 - 1 / zoom) / 2
    return np.asarray(np.concatenate((upper + inset, (lower - inset)[::-1])), np.float32)
