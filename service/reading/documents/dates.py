"""Parses dates as printed on Indonesian cards (day, month, year) and repairs misread digits."""

import re
from dataclasses import dataclass
from datetime import date

from service.reading.documents.characters import DIGIT_LIKE, repair_digits

#: ``17-08-1990``, with any separator or none, but not inside a longer number.
_SEPARATOR = r"\s*[-\u2013\u2014./,:_]?\s*"
_DATE = re.compile(
    rf"(?<!\d)(?=({DIGIT_LIKE}{{2}}){_SEPARATOR}({DIGIT_LIKE}{{2}}){_SEPARATOR}({DIGIT_LIKE}{{4}})(?!\d))"
)

#: How many of the eight digits must have been read as digits; otherwise many words would match.
_MIN_DIGITS = 6

#: Years that a card can show, expiry dates included.
_YEARS = range(1900, 2100)


@dataclass(frozen=True, slots=True)
class PrintedDate:
    """A date in a text."""

    day: date
    #: Offset of its first character.
    start: int
    #: Number of repaired characters.
    repairs: int

    @property
    def value(self) -> str:
        """Date in the contract's format, for example ``17-08-1990``."""
        return self.day.strftime("%d-%m-%Y")


def find_date(text: str) -> PrintedDate | None:
    """Return the valid date in ``text`` with the fewest repairs, the last of several, or None."""
    found = [printed for match in _DATE.finditer(text) if (printed := _parse_match(match))]
    return min(found, key=lambda printed: (printed.repairs, -printed.start), default=None)


def parse_date(value: str) -> date | None:
    """Parse a value such as ``17-08-1990``; None if it is not a date."""
    found = find_date(value)
    return found.day if found else None


def _parse_match(match: re.Match[str]) -> PrintedDate | None:
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
