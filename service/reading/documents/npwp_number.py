"""The NPWP, Indonesia's tax number: 15 digits in the old format, 16 on cards since 2024.

The old format is ``12.345.678.9-012.345``: nine digits of which the last is a check digit (Luhn), the tax
office, the branch. The new one is a NIK, or 0 and the old digits (PMK 112/PMK.03/2022).
"""

import re
from dataclasses import replace

from service.reading.documents import nik
from service.reading.documents.number_repair import Plausibility, RepairedNumber, repair_number

#: Number of digits in the old and in the new format.
OLD_LENGTH, NEW_LENGTH = 15, 16

_OLD = re.compile(r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_NEW = re.compile(r"\d{16}")


def read_npwp_number(text: str) -> RepairedNumber | None:
    """Return the number in ``text`` in the contract's format, or None.

    A letter that may stand for several digits is resolved by the check digit, or by a NIK's date and region.
    """
    reading = repair_number(text, (OLD_LENGTH, NEW_LENGTH), _plausibility)
    if reading is None or len(reading.digits) == NEW_LENGTH:
        return reading
    return replace(reading, digits=_old_format(reading.digits))


def is_well_formed(number: str) -> bool:
    """Whether ``number`` is in the old format with its dots and hyphen, or 16 digits."""
    return bool(_OLD.fullmatch(number) or _NEW.fullmatch(number))


def is_nik(number: str) -> bool:
    """Whether ``number`` has the format of a NIK."""
    return len(number) == NEW_LENGTH and not number.startswith("0")


def is_plausible(number: str) -> bool:
    """Whether the check digit is right, or the sixteen digits are a possible NIK."""
    digits = re.sub(r"\D", "", number)
    if len(digits) == OLD_LENGTH:
        return _luhn(digits[:9])
    return nik.is_plausible(digits) if is_nik(digits) else _luhn(digits[1:10])


def _plausibility(digits: str) -> Plausibility:
    return is_plausible(digits), is_nik(digits) and nik.has_known_region(digits)


def _old_format(digits: str) -> str:
    d = digits
    return f"{d[:2]}.{d[2:5]}.{d[5:8]}.{d[8]}-{d[9:12]}.{d[12:]}"


def _luhn(digits: str) -> bool:
    """Whether the last digit is a valid Luhn check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
