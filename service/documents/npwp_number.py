"""The NPWP, Indonesia's tax number: 15 digits in the old print, 16 on cards since 2024.

The old form is ``12.345.678.9-012.345``: nine digits of which the last is a check digit (Luhn), the tax
office, the branch. The new one is a NIK, or 0 and the old digits (PMK 112/PMK.03/2022).
"""

import re

from service.documents import nik
from service.documents.characters import repair_digits

#: Digits in the old form and in the new one.
OLD_LENGTH, NEW_LENGTH = 15, 16

#: A number with more misread digits than this is not repaired but left out.
_MOST_REPAIRS = 4

_OLD = re.compile(r"\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}")
_NEW = re.compile(r"\d{16}")


def read_npwp_number(text: str) -> tuple[str, int] | None:
    """The number in ``text`` as the contract writes it, and how many digits were repaired; or None."""
    repaired = repair_digits(text)
    if repaired is None or repaired[1] > _MOST_REPAIRS:
        return None
    digits, repairs = repaired
    if len(digits) == OLD_LENGTH:
        return _old_print(digits), repairs
    return (digits, repairs) if len(digits) == NEW_LENGTH else None


def is_well_formed(number: str) -> bool:
    """Whether ``number`` is the old print form with its dots and hyphen, or 16 digits."""
    return bool(_OLD.fullmatch(number) or _NEW.fullmatch(number))


def is_plausible(number: str) -> bool:
    """Whether the check digit fits, or the sixteen digits are a NIK that can exist."""
    digits = re.sub(r"\D", "", number)
    if len(digits) == OLD_LENGTH:
        return _luhn(digits[:9])
    return _luhn(digits[1:10]) if digits.startswith("0") else nik.is_plausible(digits)


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
