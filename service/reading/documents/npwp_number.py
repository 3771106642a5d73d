"""The NPWP, Indonesia's tax number: 15 digits in the old print, 16 on cards since 2024.

The old form is ``12.345.678.9-012.345``: nine digits of which the last is a check digit (Luhn), the tax
office, the branch. The new one is a NIK, or 0 and the old digits (PMK 112/PMK.03/2022).
"""

import re
from dataclasses import replace

from service.reading.documents import nik
from service.reading.documents.number_repair import NumberReading, Weight, read_number

#: Digits in the old form and in the new one.
OLD_LENGTH, NEW_LENGTH = 15, 16

_OLD = re.compile(r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_NEW = re.compile(r"\d{16}")


def read_npwp_number(text: str) -> NumberReading | None:
    """The number in ``text`` as the contract writes it, or None.

    Where a letter was read that stands for one digit or another, the check digit (or a NIK's date and region)
    decides.
    """
    reading = read_number(text, (OLD_LENGTH, NEW_LENGTH), _support)
    if reading is None or len(reading.digits) == NEW_LENGTH:
        return reading
    return replace(reading, digits=_old_print(reading.digits))


def is_well_formed(number: str) -> bool:
    """Whether ``number`` is the old print form with its dots and hyphen, or 16 digits."""
    return bool(_OLD.fullmatch(number) or _NEW.fullmatch(number))


def is_nik(number: str) -> bool:
    """Whether ``number`` is of the form that is its holder's NIK."""
    return len(number) == NEW_LENGTH and not number.startswith("0")


def is_plausible(number: str) -> bool:
    """Whether the check digit fits, or the sixteen digits are a NIK that can exist."""
    digits = re.sub(r"\D", "", number)
    if len(digits) == OLD_LENGTH:
        return _luhn(digits[:9])
    return nik.is_plausible(digits) if is_nik(digits) else _luhn(digits[1:10])


def _support(digits: str) -> Weight:
    return is_plausible(digits), is_nik(digits) and nik.has_known_region(digits)


def _old_print(digits: str) -> str:
    d = digits
    return f"{d[:2]}.{d[2:5]}.{d[5:8]}.{d[8]}-{d[9:12]}.{d[12:]}"


def _luhn(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
