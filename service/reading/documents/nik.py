"""The NIK, Indonesia's 16-digit population number, and what its digits say about its holder.

Format (article 37 of Government Regulation 37/2007): province, regency, district (two digits each), birth
date DDMMYY with 40 added to the day for women, a serial number of four digits. The region is where the
number was first given out, so it need not be the printed address, nor exist any more.
"""

from dataclasses import dataclass
from datetime import date

from service.reading.documents import regions
from service.reading.documents.number_repair import NumberReading, Weight, read_number

#: Digits in a NIK.
LENGTH = 16


@dataclass(frozen=True, slots=True)
class Printed:
    """What a card prints beside the NIK that the NIK says as well; None where it was not read."""

    birth_date: date | None = None
    #: ``LAKI-LAKI`` or ``PEREMPUAN``.
    gender: str | None = None
    province: str | None = None
    city: str | None = None


def read_nik(text: str, printed: Printed | None = None) -> NumberReading | None:
    """The 16 digits in ``text``, which can be nothing else, or None.

    Where a letter was read that stands for one digit or another, the one that goes with the rest of the
    card is taken. Digits that were read as digits stay: a NIK that contradicts its card is for a person.
    """
    card = printed or Printed()
    return read_number(text, (LENGTH,), lambda number: _support(number, card))


def is_plausible(nik: str) -> bool:
    """Whether birth date and serial number can exist at all, and no part of the region is empty."""
    if "00" in (nik[:2], nik[2:4], nik[4:6]) or nik[12:] == "0000":
        return False
    day, month, year = _birth_digits(nik)
    # A leap year when the two digits allow one: they name no century.
    return _is_day(2000 + year, month, day) or _is_day(1900 + year, month, day)


def has_known_region(nik: str) -> bool:
    """Whether the list of regions has the regency; one that it lacks may have been given up long ago."""
    return regions.is_known(nik[:4])


def matches_birth_date(nik: str, birth_date: date) -> bool:
    """Whether the NIK holds this birth date."""
    return _birth_digits(nik) == (birth_date.day, birth_date.month, birth_date.year % 100)


def gender_of(nik: str) -> str:
    """``PEREMPUAN`` or ``LAKI-LAKI``, as the day of birth tells."""
    return "PEREMPUAN" if int(nik[6:8]) > 40 else "LAKI-LAKI"


def _support(nik: str, printed: Printed) -> Weight:
    """Whether the number can exist, then how far its birth date, sex and region are the printed ones."""
    return (
        is_plausible(nik),
        _birth_digits_right(nik, printed.birth_date) if printed.birth_date else 0,
        gender_of(nik) == printed.gender,
        has_known_region(nik)
        + regions.is_named(nik[:2], printed.province or "")
        + regions.is_named(nik[:4], printed.city or ""),
    )


def _birth_digits_right(nik: str, birth_date: date) -> int:
    """How many of the six digits are those of this birth date: a misread one elsewhere must not hide them."""
    return max(
        sum(digit == right for digit, right in zip(nik[6:12], expected, strict=True))
        for expected in (f"{birth_date.day + added:02}{birth_date:%m%y}" for added in (0, 40))
    )


def _birth_digits(nik: str) -> tuple[int, int, int]:
    """Day (without the 40 for women), month and two digits of the year."""
    day = int(nik[6:8])
    return day - 40 if day > 40 else day, int(nik[8:10]), int(nik[10:12])


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
