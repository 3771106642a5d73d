"""Lines that are recognised a second time, at full size and precision, and what is made of both readings."""

import re
from dataclasses import replace

from service.reading.ocr.known_words import has_only_card_words
from service.reading.ocr.recognition import Character, LineText

#: A line is looked at again if its least certain character, blanks included, is below this.
MIN_CERTAINTY = 0.9

#: Factor on the confidence of a line whose second, more exact look saw other letters and was less certain;
#: low enough that a name goes to manual review.
DOUBT_FACTOR = 0.9

_BESIDE_MARKS = re.compile(r" *([^A-Za-z0-9 ]) *")

#: Most of a NIK or NPWP. A whole one has 16 digits, or 15 in groups such as 09.254.294.3-407.000.
_NUMBER = re.compile(r"\d[\d .-]{9,}\d")
_DIGITS, _DIGITS_IN_GROUPS = 16, 15

#: Values have capitals or digits; labels do not.
_VALUE = re.compile(r"[A-Z0-9]{2}")


def needs_second_look(line: LineText) -> bool:
    """Whether a line that was recognised at a reduced size must be recognised again.

    Only for lines that may hold a value: labels and such words as ISLAM are known.
    """
    is_uncertain = min(line.min_certainty, 1 - line.blank_doubt) < MIN_CERTAINTY
    is_doubtful = is_uncertain or not _is_whole(line.text)
    return bool(is_doubtful and _VALUE.search(line.text) and not has_only_card_words(line.text))


def merge_readings(again: LineText, first: LineText) -> LineText:
    """Return the better of two recognitions of a line.

    If the letters are the same, that is the more certain one with the marks of both: marks get lost, but are
    hardly ever seen where there are none. If not, it is the more certain one, with a lower confidence if that
    is the first; a whole number goes before one that lacks digits. That they differ is left to the estimates.

    Parameters:
        again: the second, more exact look
        first: the first look
    """
    differ = _compact(again.text) != _compact(first.text)
    best, other = sorted(
        (again, first), key=lambda line: (_is_whole(line.text), line.min_certainty), reverse=True
    )
    is_second = best is again
    best = replace(best, looks=again.looks + first.looks, looks_differ=differ)
    if _letters(best.text) != _letters(other.text):
        return best if is_second else replace(best, confidence=best.confidence * DOUBT_FACTOR)
    other_text = other.text
    for gap, other_gap in _gaps_from_the_end(best, other):
        if len(other_text[other_gap]) > len(best.text[gap]):
            best = _with_marks(best, gap, other.characters[other_gap])
    return best


def _is_whole(text: str) -> bool:
    """Whether no long number in the text lacks digits or has too many, as far as their count tells."""
    number = _NUMBER.search(text)
    if number is None:
        return True
    is_grouped = "." in number[0] or "-" in number[0]
    return sum(map(str.isdigit, number[0])) == (_DIGITS_IN_GROUPS if is_grouped else _DIGITS)


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
