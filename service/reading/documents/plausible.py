"""Marks of a misreading in the spelling of a value, which no confidence shows."""

import re

from service.reading.documents import regions

#: ``MELATINO. 99``: the blank before an abbreviation with a number was not read.
_JOINED_NUMBER = re.compile(r"[A-Z]{2}(NO|KAV|BLOK|KM)\.? ?\d")

#: ``SITOLL``: an I at the end of a word was read as an L. No Indonesian word ends in a consonant and an L.
_L_FOR_I = re.compile(r"[A-Z]{2}[BCDFGHJ-NP-TV-Z]L\b")

#: Two marks in a row.
_DOUBLED_MARK = re.compile(r"[.,'][.']|,,")

#: An abbreviation whose full stop is missing: printed so on some cards, lost by the engine on others.
_BARE_ABBREVIATION = re.compile(r"\b(JL|JLN|GG|KAV|NO|DR|KH|KP|KOMP|DSN|LINGK|PERUM)\b(?!\.)")


def count_misspellings(key: str, value: str) -> int:
    """Return the number of spellings that are probably misread, such as a birth place one letter off."""
    found = sum(len(pattern.findall(value)) for pattern in (_JOINED_NUMBER, _L_FOR_I, _DOUBLED_MARK))
    return found + (key == "birthPlace" and regions.is_nearly_regency(value))


def count_bare_abbreviations(value: str) -> int:
    """Return the number of abbreviations of an address without their full stop."""
    return len(_BARE_ABBREVIATION.findall(value))
