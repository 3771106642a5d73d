"""Codes and names of Indonesia's provinces and regencies, current and former; a NIK starts with such a code.

``codes.csv`` holds the ministry's lists of 2025 and 2019; NOTICE names their sources. Codes that were
abolished before 2019 are missing, so an unknown code is a reason for doubt, not an error.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

#: Prefix of a regency's name; cards of Jakarta's cities omit it.
_PREFIX = re.compile(r"^(KABUPATEN|KAB\b\.?|KOTAMADYA|KOTA)\s*(ADM\w*\.?\s+)?")

#: Names of provinces on cards that are not in the lists: short, older and newer forms.
_ADDITIONAL_NAMES = {
    "11": ("NANGGROE ACEH DARUSSALAM",),
    "31": ("DAERAH KHUSUS JAKARTA",),
    "34": ("DI YOGYAKARTA", "D.I. YOGYAKARTA"),
}


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Return the names of each code (two or four digits), the current name first."""
    names: dict[str, tuple[str, ...]] = {}
    with files(__name__).joinpath("codes.csv").open(encoding="ascii") as rows:
        for row in csv.DictReader(rows):
            names[row["code"]] = (*names.get(row["code"], ()), row["name"])
    for code, more in _ADDITIONAL_NAMES.items():
        names[code] += more
    return MappingProxyType(names)


def is_known(code: str) -> bool:
    """Whether this is the code of a province (two digits) or regency (four digits), current or former."""
    return code in _names()


def is_named(code: str, name: str) -> bool:
    """Whether ``name`` is a current or former name of this code, with or without its prefix."""
    wanted = _letters(name)
    return bool(wanted) and any(_letters(known) == wanted for known in _names().get(code, ()))


@cache
def province_names() -> tuple[str, ...]:
    """Return the names of all provinces, as printed behind the word PROVINSI."""
    return tuple(name for code, names in _names().items() if len(code) == 2 for name in names)


@cache
def regency_names(province: str) -> tuple[str, ...]:
    """Return the names of a province's regencies, each with and without its prefix; empty if unknown."""
    codes = [code for code in _names() if len(code) == 2 and is_named(code, province)]
    own = [names for code, names in _names().items() if len(code) == 4 and code[:2] in codes]
    full = [name for names in own for name in names]
    return tuple(dict.fromkeys(form for name in full for form in (name, _PREFIX.sub("", name))))


@cache
def _regencies() -> frozenset[str]:
    """Return the names of all regencies without their prefix."""
    full = (name for code, names in _names().items() if len(code) == 4 for name in names)
    return frozenset(_PREFIX.sub("", name) for name in full)


def is_regency(name: str) -> bool:
    """Whether this is the name of a regency of any province, current or former, blanks included."""
    return _PREFIX.sub("", name.upper()) in _regencies()


def has_letters_of_regency(name: str) -> bool:
    """Whether this is the name of a regency apart from blanks, in which lists and cards differ."""
    return _letters(name) in _regency_letters()


def is_nearly_regency(name: str) -> bool:
    """Whether one letter of this name has to be changed, added or removed to make a regency's."""
    letters = _letters(name)
    if letters in _regency_letters():
        return False
    # Here, because commands that read nothing load this module, too.
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415

    return any(Levenshtein.distance(letters, known, score_cutoff=1) == 1 for known in _regency_letters())


@cache
def _regency_letters() -> frozenset[str]:
    return frozenset(map(_letters, _regencies()))


def _letters(name: str) -> str:
    """Return a name without its prefix, blanks and punctuation."""
    return re.sub(r"\W", "", _PREFIX.sub("", name.upper()))
