"""The NIK, Indonesia's 16-digit population number, and the data that its digits encode.

Format (article 37 of Government Regulation 37/2007): province, regency, district (two digits each), birth
date DDMMYY with 40 added to the day for women, a serial number of four digits. The region is where the number
was first issued, so it may differ from the printed address, and may no longer exist.
"""

from dataclasses import dataclass
from datetime import date

from service.reading.documents import regions
from service.reading.documents.number_repair import Plausibility, RepairedNumber, repair_number

#: Digits in a NIK.
LENGTH = 16


@dataclass(frozen=True, slots=True)
class PrintedFacts:
    """Printed data of a card that its NIK encodes as well; None if not read."""

    birth_date: date | None = None
    #: ``LAKI-LAKI`` or ``PEREMPUAN``.
    gender: str | None = None
    province: str | None = None
    city: str | None = None


def read_nik(text: str, printed: PrintedFacts | None = None) -> RepairedNumber | None:
    """Return the NIK in ``text``, or None.

    A letter that may stand for several digits becomes the one that agrees with the rest of the card. Digits
    are never changed: a NIK that contradicts its card must go to manual review.
    """
    card = printed or PrintedFacts()
    return repair_number(text, (LENGTH,), lambda number: _plausibility(number, card))


def is_plausible(nik: str) -> bool:
    """Whether birth date and serial number are possible, and no part of the region is 00."""
    if "00" in (nik[:2], nik[2:4], nik[4:6]) or nik[12:] == "0000":
        return False
    day, month, year = _birth_digits(nik)
    # The two digits name no century: 29 February is valid if either year is a leap year.
    return _is_day(2000 + year, month, day) or _is_day(1900 + year, month, day)


def has_known_region(nik: str) -> bool:
    """Whether the regency is in the list of regions; one that was abolished long ago is not."""
    return regions.is_known(nik[:4])


def matches_birth_date(nik: str, birth_date: date) -> bool:
    """Whether the NIK encodes this birth date."""
    return _birth_digits(nik) == (birth_date.day, birth_date.month, birth_date.year % 100)


def gender_of(nik: str) -> str:
    """Return ``PEREMPUAN`` or ``LAKI-LAKI``, as encoded in the day of birth."""
    return "PEREMPUAN" if int(nik[6:8]) > 40 else "LAKI-LAKI"


def _plausibility(nik: str, printed: PrintedFacts) -> Plausibility:
    """Rank a number: possible or not, then how well birth date, gender and region agree with the card."""
    return (
        is_plausible(nik),
        _matching_birth_digits(nik, printed.birth_date) if printed.birth_date else 0,
        gender_of(nik) == printed.gender,
        has_known_region(nik)
        + regions.is_named(nik[:2], printed.province or "")
        + regions.is_named(nik[:4], printed.city or ""),
    )


def _matching_birth_digits(nik: str, birth_date: date) -> int:
    """Return how many of the six digits agree with this birth date."""
    return max(
        sum(digit == right for digit, right in zip(nik[6:12], expected, strict=True))
        for expected in (f"{birth_date.day + added:02}{birth_date:%m%y}" for added in (0, 40))
    )


def _birth_digits(nik: str) -> tuple[int, int, int]:
    """Return day (without the 40 for women), month and two-digit year."""
    day = int(nik[6:8])
    return day - 40 if day > 40 else day, int(nik[8:10]), int(nik[10:12])


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
