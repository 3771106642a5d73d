"""Marks of a misreading in the spelling of a value, which no confidence shows."""

import re
from itertools import pairwise

from service.reading.documents import regions
from service.reading.ocr.known_words import known_words

#: ``MELATINO. 99``: the blank before an abbreviation with a number was not read.
_JOINED_NUMBER = re.compile(r"[A-Z]{2}(NO|KAV|BLOK|KM)\.? ?\d")

#: ``BLOKC7``, ``RAYA5``: nor was the blank before another number.
_JOINED_DIGIT = re.compile(r"[A-Z]{3}\d|\bNO\d")

#: ``FITRID'COSTA``: nor the blank before a name with an apostrophe.
_JOINED_APOSTROPHE = re.compile(r"[A-Z]{3}[DO]'[A-Z]")

#: ``SITOLL``: an I at the end of a word was read as an L. No Indonesian word ends in a consonant and an L.
_L_FOR_I = re.compile(r"[A-Z]{2}[BCDFGHJ-NP-TV-Z]L\b")

#: Two marks in a row.
_DOUBLED_MARK = re.compile(r"[.,'] ?[.']|, ?,|[.,] ?:|: ?[.,:]")

#: ``SYAFI I``: in a name an apostrophe was read as a blank.
_LONE_I = re.compile(r"[A-Z]{3} I\b(?!\.)")

#: ``BLOK B NO. 7.``: a speck behind a number was read as a full stop.
_STOP_BEHIND_NUMBER = re.compile(r"\d\.$")

#: ``NO,98``: a full stop was read as a comma.
_COMMA_FOR_STOP = re.compile(r"\b(JL|JLN|GG|KAV|NO|KM|RT|RW|BLOK),")

#: ``NILUH``: printed so on some cards, but on most with a blank.
_JOINED_LUH = re.compile(r"^NILUH\b")

#: ``FA.JAR``, ``BLOK.F``, ``BANDA.ACEH``: a speck was read as a full stop. Behind these a full stop belongs.
_STOP_IN_WORD = re.compile(
    r"\b(?!(?:AG|AK|DK|DR|DS|GG|HJ|IR|JL|KH|KK|KL|KM|KP|LC|LK|MD|MM|MT|NO|NY|PD|PT|RA|RR|RT|RW|SE|SH|SI|SP|ST|TB|TN"
    r"|ABD|APT|BLK|BTN|DRA|DRS|DSN|GST|JLN|KAV|KEC|KEL|KOM|MOH|MUH|PSR|SDR"
    r"|DUSN|KAMP|KOMP|PROF|DUSUN|KOMPL|LINGK|PERUM|KOMPLEK)\.)[A-Z]{2,}\.[A-Z]"
)

#: ``F'ITRI``, ``SYAF'I'I``: a speck was read as an apostrophe.
_STRAY_APOSTROPHE = re.compile(r"\b[A-CE-NP-Z]'[A-Z]|'[A-Z]{1,2}'")

#: ``J.MELATI``: a letter of the abbreviation was not read.
_HALF_ABBREVIATION = re.compile(r"^J[., ]")

#: ``BUDI SANTOSO,S.H``: the last full stop of a degree was not read, or is not printed; ``,ST.,MT``: one was
#: read too many; ``,ST.MT``: instead of a comma; ``KUSUMA M.SI``: the comma before was not read.
_MARK_OF_DEGREE = re.compile(
    r"[,.] ?[A-Z]\.[A-Z]\b(?!\.)|, ?[A-Z]{2}\. ?,|[,.] ?[A-Z]{2}\. ?M[A-Z]\b|[A-Z]{2} [A-Z]\.[A-Z]{2}$"
)

#: ``BLOK F. NO. 39``, ``BLOK. F``: a speck beside the letter of a block was read as a full stop.
_STOP_BESIDE_BLOCK = re.compile(r"\bBLOK [A-Z]{1,2}\d*\. ?NO\b|\bBLOK\.")

#: ``NGASEM WETAN. NO. 77``: nor does a full stop belong behind a name before a number.
_STOP_BEFORE_NUMBER = re.compile(r"[A-Z]{4}\. ?(NO|KAV|BLOK|KM|RT|RW)\b")

#: ``KAV. 147 E``: a speck behind a number was read as a letter; what belongs to a number stands close.
_LETTER_BEHIND_NUMBER = re.compile(r"\d [A-Z]$")

#: ``KRAJAN LOR NO``: the number behind it was not read.
_WITHOUT_NUMBER = re.compile(r"\b(NO|KAV|KM|RT|RW)\.?$")

#: ``PRATAMA. SE``: no abbreviation of a name is that long; a comma before a degree was read as a full stop.
_STOP_FOR_COMMA = re.compile(r"[A-Z]{5}\.(?=.)")

#: ``WAYAN JOKO``, ``LUH SARI``: the I or NI before it was not read, or is not printed.
_WITHOUT_SEX = re.compile(r"^(WAYAN|LUH|GST|GUSTI)\b")

#: ``WJAYA``: no word begins so; a vowel was not read. A word may begin with the pairs that are listed.
_WITHOUT_VOWEL = re.compile(
    r"\b(?!BH|BL|BR|CH|CL|CR|DH|DJ|DR|DW|FL|FR|GH|GL|GR|JH|KH|KL|KN|KR|KW|LH|LL|MB|MC|MP|ND|NG|NJ|NT|NY|PH|PL|PR|PS"
    r"|RH|SC|SH|SJ|SK|SL|SM|SN|SP|SQ|SR|ST|SV|SW|SY|SZ|TH|TJ|TR|TS|TW|WH|WR|ZH|ZW)"
    r"[BCDFGHJKLMNPQRSTVWXZ]{2}[A-Z]{2}"
)

#: An abbreviation whose full stop is missing: printed so on some cards, lost by the engine on others.
_BARE_ABBREVIATION = re.compile(r"\b(JL|JLN|GG|KAV|NO|DR|KH|KP|KOMP|DS|DK|DSN|LINGK)\b(?!\.)")

_MISSPELLINGS = (
    *(_JOINED_NUMBER, _JOINED_DIGIT, _JOINED_APOSTROPHE, _L_FOR_I, _DOUBLED_MARK, _COMMA_FOR_STOP),
    *(_JOINED_LUH, _STOP_BEHIND_NUMBER, _STOP_IN_WORD, _STRAY_APOSTROPHE, _WITHOUT_VOWEL),
)

_MISSPELLINGS_OF = {
    "name": (_LONE_I, _MARK_OF_DEGREE, _STOP_FOR_COMMA, _WITHOUT_SEX),
    "address": (
        _HALF_ABBREVIATION,
        _STOP_BESIDE_BLOCK,
        _STOP_BEFORE_NUMBER,
        _WITHOUT_NUMBER,
        _LETTER_BEHIND_NUMBER,
    ),
}


def count_misspellings(key: str, value: str) -> int:
    """Return the number of spellings that are probably misread, such as a birth place one letter off."""
    patterns = (*_MISSPELLINGS, *_MISSPELLINGS_OF.get(key, ()))
    found = sum(len(pattern.findall(value)) for pattern in patterns)
    return found + (key == "birthPlace" and (regions.is_nearly_regency(value) or _is_split(value)))


def _is_split(place: str) -> bool:
    """Whether a regency's name has a blank between words that are none, such as ``MAGE LANG``."""
    unknown = [word not in known_words() for word in place.split()]
    return regions.has_letters_of_regency(place) and any(one and other for one, other in pairwise(unknown))


def count_bare_abbreviations(value: str) -> int:
    """Return the number of abbreviations of an address without their full stop."""
    return len(_BARE_ABBREVIATION.findall(value))
