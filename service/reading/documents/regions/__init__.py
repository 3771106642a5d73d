"""Indonesia's provinces and regencies with the codes that a NIK begins with, current and former.

``codes.csv`` holds the ministry's lists of 2025 and 2019; NOTICE says where they are from. Codes that were
given up before 2019 are not in it: an unknown code is a doubt, not an error.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

#: What stands in front of a regency's name; cards of Jakarta's cities leave it out.
_KIND = re.compile(r"^(KABUPATEN|KAB\b\.?|KOTAMADYA|KOTA)\s*(ADM\w*\.?\s+)?")

#: Names of provinces on cards that the lists do not have: short, older and newer forms.
_MORE_NAMES = {
    "11": ("NANGGROE ACEH DARUSSALAM",),
    "31": ("DAERAH KHUSUS JAKARTA",),
    "34": ("DI YOGYAKARTA", "D.I. YOGYAKARTA"),
}


@cache
def _names() -> Mapping[str, tuple[str, ...]]:
    """Codes of two and four digits to the names that they have had, the current one first."""
    names: dict[str, tuple[str, ...]] = {}
    with files(__name__).joinpath("codes.csv").open(encoding="ascii") as rows:
        for row in csv.DictReader(rows):
            names[row["code"]] = (*names.get(row["code"], ()), row["name"])
    for code, more in _MORE_NAMES.items():
        names[code] += more
    return MappingProxyType(names)


def is_known(code: str) -> bool:
    """Whether a province (two digits) or a regency (four digits) has or had this code."""
    return code in _names()


def is_named(code: str, name: str) -> bool:
    """Whether this code's province or regency is, or was, called ``name``, with or without its kind."""
    wanted = _letters(name)
    return bool(wanted) and any(_letters(known) == wanted for known in _names().get(code, ()))


@cache
def province_names() -> tuple[str, ...]:
    """Every province's names, as printed behind the word PROVINSI."""
    return tuple(name for code, names in _names().items() if len(code) == 2 for name in names)


@cache
def regency_names(province: str) -> tuple[str, ...]:
    """The names of this province's regencies, each with and without its kind; none if unknown."""
    codes = [code for code in _names() if len(code) == 2 and is_named(code, province)]
    own = [names for code, names in _names().items() if len(code) == 4 and code[:2] in codes]
    full = [name for names in own for name in names]
    return tuple(dict.fromkeys(form for name in full for form in (name, _KIND.sub("", name))))


def _letters(name: str) -> str:
    """A name without its kind, blanks and punctuation."""
    return re.sub(r"\W", "", _KIND.sub("", name.upper()))
