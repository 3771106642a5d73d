"""One printed value in, one field out: normalised as the contract wants it, repaired where that is safe."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.reading.documents import nik as nik_number
from service.reading.documents import regions
from service.reading.documents.characters import (
    confidence_after,
    repair_digits,
    repair_letters,
    single_spaced,
    strip_colon,
)
from service.reading.documents.dates import PrintedDate, find_date
from service.reading.documents.fields import Field
from service.reading.documents.npwp_number import read_npwp_number
from service.reading.documents.vocabulary import (
    GENDERS,
    LIFELONG,
    MARITAL_STATUSES,
    RELIGIONS,
    nearest,
    spelt,
)
from service.reading.ocr.engine import TextLine

#: Values of rows that no other row can hold.
_CLOSED_VALUES = (*GENDERS, *RELIGIONS, *MARITAL_STATUSES)

#: Letters that may be repaired in a name or place; with more it is something else.
_MAX_REPAIRS = 2

_BLOOD_TYPE = re.compile(r"(AB|A|B|O)\s*([+-]?)")
#: What stands before a comma or a digit.
_PLACE = re.compile(r"[^,\d]+(?=[,\d])")
_RT_RW = re.compile(r"\d{1,3}\s*/\s*\d{1,3}")
#: The slash of ``004/007`` lost, or read as a 1.
_RT_RW_PACKED = re.compile(r"(\d{3})1?(\d{3})")
#: Abbreviations that cards print with a blank behind them.
_ABBREVIATION = re.compile(r"\b(NO|JL|JLN|GG|KP|KOMP|PERUM|KAV|LINGK)\.(?=\w)")
#: Every form in which an apostrophe between letters is read.
_QUOTE = re.compile(r"(?<=[^\W\d_])[`\u00b4\u2018\u2019\"](?=[^\W\d_])")
#: A full stop behind a whole word of a name: no abbreviation is so long, so it may be a title's comma.
_STOP_FOR_COMMA = re.compile(r"[^\W\d_]{5}\.(?=.)")
#: A letter alone, or letters without a vowel, whose full stop may be lost: `ST YULIANA`, `DEWI S SETIAWAN`.
#: The Balinese `I WAYAN` has none, and titles behind a comma are printed both ways.
_LOST_STOP = re.compile(r"[^,]*?\b(?<!')([^\W\dAEIOUY]+|[AEOUY])(?=[ ,]|$)")
#: What a name can hold: letters, blanks, and the punctuation of titles, initials and compound names.
_PERSON = re.compile(r"[^\W\d_]+(?:[ .,'/()-]+[^\W\d_]+)*[.)]?")


def bare(line: TextLine) -> TextLine:
    """The line without the colon in front of the value and with single blanks."""
    return replace(line, text=single_spaced(strip_colon(line.text)))


def doubted(field: Field | None, certainty: float) -> Field | None:
    """The field with its confidence multiplied by ``certainty``."""
    return field and replace(field, confidence=field.confidence * certainty)


def nik(line: TextLine, printed: nik_number.Printed | None = None) -> Field | None:
    """16 digits, misread ones rebuilt from what else is ``printed``."""
    read = nik_number.read_nik(line.text, printed)
    return Field(read.digits, read.confidence(line.confidence), line.box) if read else None


def npwp_number(line: TextLine) -> Field | None:
    """``12.345.678.9-012.345``, or 16 digits."""
    read = read_npwp_number(line.text)
    return Field(read.digits, read.confidence(line.confidence), line.box) if read else None


def person(line: TextLine) -> Field | None:
    """A person's name in capitals, titles included; None when it holds what no name does."""
    text, repairs = repair_letters(_QUOTE.sub("'", line.text.strip(" ,;:-_")))
    if not _PERSON.fullmatch(text) or repairs > _MAX_REPAIRS or is_something_else(line.text):
        return None
    repairs += bool(_STOP_FOR_COMMA.search(text)) + bool(_LOST_STOP.match(text))
    return Field(text, confidence_after(line.confidence, repairs), line.box)


def free_text(line: TextLine) -> Field | None:
    """Capitals with single blanks; None when it has no letter or is another row's value."""
    text = single_spaced(line.text.strip(" ,;:-_").upper())
    if not re.search(r"[^\W\d_]", text) or is_something_else(text):
        return None
    return Field(text, line.confidence, line.box)


def address(line: TextLine) -> Field | None:
    """As ``free_text``, with the blank behind ``NO.`` and ``JL.`` that engines lose."""
    field = free_text(line)
    return field and replace(field, value=_ABBREVIATION.sub(r"\1. ", field.value))


def place_and_date(line: TextLine) -> tuple[Field | None, Field | None]:
    """``JAKARTA, 17-08-1990``: the place before the date, and the date."""
    printed = find_date(line.text)
    day = _date_field(line, printed) if printed else None
    # A date that is none still tells where the place ends.
    before = line.text[: printed.start] if printed else (_PLACE.match(line.text) or [""])[0]
    text, repairs = repair_letters(before.strip(" ,.;:-_"))
    if not re.search(r"[A-Z]{2}", text) or re.search(r"\d", text) or repairs > _MAX_REPAIRS:
        return None, day
    return Field(single_spaced(text), confidence_after(line.confidence, repairs), line.box), day


def known(line: TextLine, words: Sequence[str] | Mapping[str, str]) -> Field | None:
    """One of ``words``; a mapping also says what to write for it."""
    word = nearest(line.text, tuple(words))
    if word is None:
        return None
    value = words[word.value] if isinstance(words, Mapping) else word.value
    return Field(value, line.confidence * word.likeness, line.box)


def gender(line: TextLine) -> Field | None:
    """``LAKI-LAKI`` or ``PEREMPUAN``; half of LAKI-LAKI can mean nothing else."""
    return known(line, GENDERS) or known(line, {"LAKI": "LAKI-LAKI"})


def blood_type(line: TextLine) -> Field | None:
    """A, B, AB or O, with its sign when printed; None for the hyphen of an unknown one."""
    text = line.text.upper().replace("0", "O").strip(" .,:;")
    match = _BLOOD_TYPE.fullmatch(text)
    return match and Field(match[1] + match[2], line.confidence, line.box)


def rt_rw(line: TextLine) -> Field | None:
    """``004/007``."""
    halves = re.split(r"[/\\|]", line.text)
    digits = [repair_digits(half) for half in halves]
    if len(halves) == 2 and digits[0] and digits[1]:
        text, repairs = f"{digits[0][0]}/{digits[1][0]}", digits[0][1] + digits[1][1]
    elif len(halves) == 1 and digits[0] and (packed := _RT_RW_PACKED.fullmatch(digits[0][0])):
        text, repairs = f"{packed[1]}/{packed[2]}", digits[0][1] + 1
    else:
        return None
    if not _RT_RW.fullmatch(text):
        return None
    return Field(text, confidence_after(line.confidence, repairs), line.box)


def valid_until(line: TextLine) -> Field | None:
    """``SEUMUR HIDUP``, or the date on which an old card expires."""
    if word := nearest(line.text, (LIFELONG,)):
        return Field(word.value, line.confidence * word.likeness, line.box)
    return date_only(line)


def province(line: TextLine) -> Field | None:
    """A province as it is written, misread letters put right; an unknown one as it was read."""
    word = spelt(line.text, regions.province_names())
    return Field(word.value, line.confidence * word.likeness, line.box) if word else free_text(line)


def city(line: TextLine, province: str) -> Field | None:
    """A city or regency of this province as it is written, misread letters put right; else as it was read."""
    word = spelt(line.text, regions.regency_names(province))
    return Field(word.value, line.confidence * word.likeness, line.box) if word else free_text(line)


def date_only(line: TextLine) -> Field | None:
    """``DD-MM-YYYY``, whatever stands around it."""
    printed = find_date(line.text)
    return _date_field(line, printed) if printed else None


def _date_field(line: TextLine, printed: PrintedDate) -> Field:
    return Field(printed.value, confidence_after(line.confidence, printed.repairs), line.box)


def is_birth(text: str) -> bool:
    """Whether ``text`` is a place with a date behind it."""
    printed = find_date(text)
    return bool(printed and re.search(r"[^\W\d]{3}", text[: printed.start]))


def is_rt_rw(text: str) -> bool:
    """Whether ``text`` is two small numbers with a slash between them."""
    return bool(_RT_RW.fullmatch(text.strip(" :.")))


def is_something_else(text: str) -> bool:
    """Whether ``text`` can be no place, street, trade or name, but is the value of another row.

    Rows slip when a card is tilted more than the engine's boxes tell, and labels go unread.
    """
    word = nearest(text, _CLOSED_VALUES)
    is_closed = word is not None and word.likeness >= 0.8
    return is_closed or bool(find_date(text)) or is_rt_rw(text)
