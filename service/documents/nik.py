"""The NIK, Indonesia's 16-digit population number, and what its digits say about its holder.

Format (article 37 of Government Regulation 37/2007): province, regency, district (two digits each), birth
date DDMMYY with 40 added to the day for women, a serial number of four digits. The region is where the
number was first given out, so it need not be the printed address.
"""

from datetime import date

from service.documents.characters import repair_digits
from service.documents.vocabulary import PROVINCES

#: Digits in a NIK.
LENGTH = 16

#: A number with more misread digits than this is not repaired but left out.
_MOST_REPAIRS = 4


def read_nik(text: str) -> tuple[str, int] | None:
    """The 16 digits in ``text``, which can be nothing else, and how many were repaired; or None."""
    repaired = repair_digits(text)
    if repaired is None or len(repaired[0]) != LENGTH or repaired[1] > _MOST_REPAIRS:
        return None
    return repaired


def is_plausible(nik: str) -> bool:
    """Whether region, birth date and serial number can exist at all."""
    regency, district, serial = nik[2:4], nik[4:6], nik[12:]
    if nik[:2] not in PROVINCES or "00" in (regency, district) or serial == "0000":
        return False
    day, month, year = _birth_digits(nik)
    # A leap year when the two digits allow one: they name no century.
    return _is_day(2000 + year, month, day) or _is_day(1900 + year, month, day)


def says_born_on(nik: str, birth_date: date) -> bool:
    """Whether the NIK holds this birth date."""
    return _birth_digits(nik) == (birth_date.day, birth_date.month, birth_date.year % 100)


def says_gender(nik: str) -> str:
    """``PEREMPUAN`` or ``LAKI-LAKI``, as the day of birth tells."""
    return "PEREMPUAN" if int(nik[6:8]) > 40 else "LAKI-LAKI"


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
