"""Lines that are recognised a second time, at full size and precision, and what is made of both readings."""

import re
from dataclasses import replace

from service.reading.ocr.known_words import has_only_card_words
from service.reading.ocr.recognition import Character, LineText

#: A line is looked at again if its least certain character, blanks included, is below this.
MIN_CERTAINTY = 0.9

#: Factor on the confidence of a line whose two readings differ in their letters; low enough that a name goes
#: to manual review.
DOUBT_FACTOR = 0.9

_BESIDE_MARKS = re.compile(r" *([^A-Za-z0-9 ]) *")

#: Values have capitals or digits; labels do not.
_VALUE = re.compile(r"[A-Z0-9]{2}")


def needs_second_look(line: LineText) -> bool:
    """Whether a line that was recognised at a reduced size must be recognised again.

    Only for lines that may hold a value: labels and such words as ISLAM are known.
    """
    is_doubtful = min(line.min_certainty, 1 - line.blank_doubt) < MIN_CERTAINTY
    return bool(is_doubtful and _VALUE.search(line.text) and not has_only_card_words(line.text))


def merge_readings(one: LineText, other: LineText) -> LineText:
    """Return the better of two recognitions of a line.

    If the letters are the same, that is the more certain one with the marks of both: marks get lost, but are
    hardly ever seen where there are none. If not, it is the more certain one with a lower confidence.
    """
    differ = _compact(one.text) != _compact(other.text)
    best, other = sorted((one, other), key=lambda line: line.min_certainty, reverse=True)
    best = replace(best, looks=one.looks + other.looks, looks_differ=differ)
    if _letters(best.text) != _letters(other.text):
        return replace(best, confidence=best.confidence * DOUBT_FACTOR)
    other_text = other.text
    for gap, other_gap in _gaps_from_the_end(best, other):
        if len(other_text[other_gap]) > len(best.text[gap]):
            best = _with_marks(best, gap, other.characters[other_gap])
    return best


def _compact(text: str) -> str:
    """Return the text without blanks beside marks and without the colon before a value."""
    return _BESIDE_MARKS.sub(r"\1", text).strip(" :;")


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


def _with_marks(line: LineText, gap: slice, marks: tuple[Character, ...]) -> LineText:
    return replace(line, characters=(*line.characters[: gap.start], *marks, *line.characters[gap.stop :]))
