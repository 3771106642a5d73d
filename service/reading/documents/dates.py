"""Dates as Indonesian cards print them: day, month, year, with misread digits repaired."""

import re
from dataclasses import dataclass
from datetime import date

from service.reading.documents.characters import DIGIT_LIKE, repair_digits

#: ``17-08-1990``, with any separator or none, and not in the middle of a longer number.
_SEPARATOR = r"\s*[-\u2013\u2014./,:_]?\s*"
_DATE = re.compile(
    rf"(?<!\d)(?=({DIGIT_LIKE}{{2}}){_SEPARATOR}({DIGIT_LIKE}{{2}}){_SEPARATOR}({DIGIT_LIKE}{{4}})(?!\d))"
)

#: A date needs at least this many of its eight digits read as digits, or any word would do.
_MIN_DIGITS = 6

#: Years that a living holder's card can show, expiry included.
_YEARS = range(1900, 2100)


@dataclass(frozen=True, slots=True)
class PrintedDate:
    """A date found in a text."""

    day: date
    #: Offset in the text where it begins.
    start: int
    #: How many characters had to be repaired.
    repairs: int

    @property
    def value(self) -> str:
        """As the contract writes it, for example ``17-08-1990``."""
        return self.day.strftime("%d-%m-%Y")


def find_date(text: str) -> PrintedDate | None:
    """The last valid date in ``text``, or None. Digits that make no calendar date are not corrected."""
    found = [printed for match in _DATE.finditer(text) if (printed := _printed(match))]
    return min(found, key=lambda printed: (printed.repairs, -printed.start), default=None)


def parse_date(value: str) -> date | None:
    """The day that a value such as ``17-08-1990`` names, or None."""
    found = find_date(value)
    return found.day if found else None


def _printed(match: re.Match[str]) -> PrintedDate | None:
    repaired = repair_digits("".join(match.groups()))
    if repaired is None:
        return None
    digits, repairs = repaired
    if len(digits) != 8 or len(digits) - repairs < _MIN_DIGITS or int(digits[4:]) not in _YEARS:
        return None
    try:
        day = date(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
    except ValueError:
        return None
    return PrintedDate(day, match.start(), repairs)
