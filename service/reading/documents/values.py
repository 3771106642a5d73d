"""Readers of single values: normalise a printed value to the contract's form and repair safe misreadings."""

import re
from collections.abc import Container, Mapping, Sequence
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
    ENGLISH_GENDERS,
    ENGLISH_MARITAL_STATUSES,
    ENGLISH_RELIGIONS,
    GENDERS,
    LIFELONG,
    MARITAL_STATUSES,
    RELIGIONS,
    correct_spelling,
    nearest,
)
from service.reading.ocr.engine import TextLine

#: Values that occur in one row of a KTP only.
_UNIQUE_VALUES = (*GENDERS, *RELIGIONS, *MARITAL_STATUSES)

#: Repaired letters in a name or place at most; a text with more is something else.
_MAX_REPAIRS = 2

_BLOOD_TYPE = re.compile(r"(AB|A|B|O)\s*([+-]?)")
#: Text before a comma or a digit.
_PLACE = re.compile(r"[^,\d]+(?=[,\d])")
_RT_RW = re.compile(r"\d{1,3}\s*/\s*\d{1,3}")
#: ``004/007`` with its slash lost, or read as a 1.
_RT_RW_PACKED = re.compile(r"(\d{3})1?(\d{3})")
#: Abbreviations that are followed by a blank, even if the card prints none.
_ABBREVIATION = re.compile(r"\b(NO|JL|JLN|GG|KP|KOMP|PERUM|KAV|LINGK|DK|DS|DSN|BLK)\.(?=\w)")
#: ``JLMELATI``: an abbreviation joined to a word, because the full stop between them was not read. No
#: Indonesian word starts like this.
_JOINED_ABBREVIATION = re.compile(
    r"\b(JLN|DSN)(?=[B-DF-HJ-NP-TV-Z][A-Z]{3})|\b(JL|GG|DK(?!I)|KP(?!AD|R)|DS)(?=[A-Z]{4})"
)
#: Characters that are read in place of an apostrophe between letters.
_QUOTE = re.compile(r"(?<=[^\W\d_])[`\u00b4\u2018\u2019\"](?=[^\W\d_])")
#: A single letter, or letters without a vowel, whose full stop may be lost: `ST YULIANA`, `DEWI S SETIAWAN`.
#: Not the Balinese `I WAYAN`, which has none, nor titles behind a comma, which are printed both ways.
_LOST_STOP = re.compile(r"[^,]*?\b(?<!')([^\W\dAEIOUY]+|[AEOUY])(?=[ ,]|$)")
#: ``IWAYAN``: a Balinese name begins with a word of one or two letters, and its blank is the first to get
#: lost. NILUH is a name as well.
_JOINED_ARTICLE = re.compile(
    r"^(I(?=GEDE)|N?I(?=WAYAN|PUTU|MADE|KADEK|NENGAH|NYOMAN|KOMANG|KETUT|GUSTI|GST|DEWA))(?=\w{4}|GST)"
)
#: A name: letters, blanks, and the punctuation of titles, initials and compound names.
_PERSON = re.compile(r"[^\W\d_]+(?:[ .,'/()-]+[^\W\d_]+)*[.)]?")


def bare(line: TextLine) -> TextLine:
    """Return the line without the colon before the value, and with single blanks."""
    return replace(line, text=single_spaced(strip_colon(line.text)))


def discounted(field: Field | None, certainty: float) -> Field | None:
    """Return the field with its confidence multiplied by ``certainty``, that it is what its place says."""
    return field and replace(field, confidence=field.confidence * certainty, in_place=certainty == 1)


def nik(line: TextLine, printed: nik_number.PrintedFacts | None = None) -> Field | None:
    """Read a NIK of 16 digits; misread ones are repaired with what else is ``printed``."""
    read = nik_number.read_nik(line.text, printed)
    return Field(read.digits, read.confidence(line.confidence), line.box) if read else None


def npwp_number(line: TextLine) -> Field | None:
    """Read a number such as ``12.345.678.9-012.345``, or of 16 digits."""
    read = read_npwp_number(line.text)
    return Field(read.digits, read.confidence(line.confidence), line.box) if read else None


def person(line: TextLine) -> Field | None:
    """Read a person's name in capitals, titles included; None if the text cannot be a name."""
    text, repairs = repair_letters(_QUOTE.sub("'", line.text.strip(" ,;:-_")))
    text = _JOINED_ARTICLE.sub(lambda article: f"{article[0]} ", text)
    if not _PERSON.fullmatch(text) or repairs > _MAX_REPAIRS or belongs_to_other_row(line.text):
        return None
    repairs += bool(_LOST_STOP.match(text))
    return Field(text, confidence_after(line.confidence, repairs), line.box)


def free_text(line: TextLine) -> Field | None:
    """Read any text, in capitals with single blanks; None if it has no letter or belongs to another row."""
    text = single_spaced(line.text.strip(" ,;:-_").upper())
    if not re.search(r"[^\W\d_]", text) or belongs_to_other_row(text):
        return None
    return Field(text, line.confidence, line.box)


def address(line: TextLine) -> Field | None:
    """Read an address: as ``free_text``, with full stop and blank behind abbreviations restored."""
    field = free_text(line)
    if field is None:
        return None
    value = _JOINED_ABBREVIATION.sub(r"\1\2. ", field.value)
    return replace(field, value=_ABBREVIATION.sub(r"\1. ", value))


def place_and_date(line: TextLine) -> tuple[Field | None, Field | None]:
    """Read place and date of birth, such as ``JAKARTA, 17-08-1990``."""
    printed = find_date(line.text)
    day = _date_field(line, printed) if printed else None
    # Digits that are not a valid date still mark the end of the place.
    before = line.text[: printed.start] if printed else (_PLACE.match(line.text) or [""])[0]
    text, repairs = repair_letters(before.rpartition(":")[2].strip(" ,.;:-_"))
    if not re.search(r"[A-Z]{2}", text) or re.search(r"\d", text) or repairs > _MAX_REPAIRS:
        return None, day
    return Field(single_spaced(text), confidence_after(line.confidence, repairs), line.box), day


def known(line: TextLine, words: Sequence[str] | Mapping[str, str]) -> Field | None:
    """Read one of ``words``; a mapping gives the value to return for each."""
    word = nearest(line.text, tuple(words))
    if word is None or (word.likeness < 1 and _ends_with_other(line.text, word.value, words)):
        return None
    value = words[word.value] if isinstance(words, Mapping) else word.value
    return Field(value, line.confidence * word.likeness, line.box)


def _ends_with_other(text: str, word: str, words: Container[str]) -> bool:
    """Whether a text without its first one or two letters is another word: MARRIED behind a misread colon."""
    rests = (text.strip(" :.").upper()[start:] for start in (1, 2))
    return any(rest != word and rest in words for rest in rests)


def known_or_english(
    line: TextLine, words: Sequence[str] | Mapping[str, str], english: Mapping[str, str]
) -> Field | None:
    """Read one of ``words``, or an English word of a foreigner's card as the value it stands for."""
    if is_english(line.text, english):
        return known(line, english)
    return known(line, words) or known(line, english)


def is_english(text: str, english: Mapping[str, str]) -> bool:
    """Whether a text is exactly one of the English words, apart from look-alike characters."""
    word = nearest(text, tuple(english))
    return word is not None and word.likeness == 1


def gender(line: TextLine) -> Field | None:
    """Read ``LAKI-LAKI`` or ``PEREMPUAN``; one half of LAKI-LAKI is enough."""
    return known_or_english(line, GENDERS, ENGLISH_GENDERS) or known(line, {"LAKI": "LAKI-LAKI"})


def religion(line: TextLine) -> Field | None:
    """Read a religion."""
    return known_or_english(line, RELIGIONS, ENGLISH_RELIGIONS)


def marital_status(line: TextLine) -> Field | None:
    """Read a marital status."""
    return known_or_english(line, MARITAL_STATUSES, ENGLISH_MARITAL_STATUSES)


def blood_type(line: TextLine) -> Field | None:
    """Read a blood type (A, B, AB or O, with its sign if printed); None for the hyphen of an unknown one."""
    text = line.text.upper().replace("0", "O").strip(" .,:;")
    match = _BLOOD_TYPE.fullmatch(text)
    return match and Field(match[1] + match[2], line.confidence, line.box)


def rt_rw(line: TextLine) -> Field | None:
    """Read a pair of numbers such as ``004/007``."""
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
    """Read ``SEUMUR HIDUP``, or the expiry date of an old card."""
    if word := nearest(line.text, (LIFELONG,)):
        return Field(word.value, line.confidence * word.likeness, line.box)
    return date_only(line)


def province(line: TextLine) -> Field | None:
    """Read a province and correct its spelling; an unknown one is returned as read."""
    word = correct_spelling(line.text, regions.province_names())
    return Field(word.value, line.confidence * word.likeness, line.box) if word else free_text(line)


def city(line: TextLine, province: str) -> Field | None:
    """Read a city of this province and correct its spelling; an unknown one is returned as read."""
    word = correct_spelling(line.text, regions.regency_names(province))
    return Field(word.value, line.confidence * word.likeness, line.box) if word else free_text(line)


def date_only(line: TextLine) -> Field | None:
    """Read a date as ``DD-MM-YYYY``; other text around it is ignored."""
    printed = find_date(line.text)
    return _date_field(line, printed) if printed else None


def _date_field(line: TextLine, printed: PrintedDate) -> Field:
    return Field(printed.value, confidence_after(line.confidence, printed.repairs), line.box)


def is_birth(text: str) -> bool:
    """Whether ``text`` is a place followed by a date."""
    printed = find_date(text)
    return bool(printed and re.search(r"[^\W\d]{3}", text[: printed.start]))


def is_rt_rw(text: str) -> bool:
    """Whether ``text`` is two short numbers with a slash between them."""
    return bool(_RT_RW.fullmatch(text.strip(" :.")))


def belongs_to_other_row(text: str) -> bool:
    """Whether ``text`` is a value of another row, and no place, street, occupation or name.

    Rows get mixed up if a card is tilted more than the engine's boxes show, or labels are not read.
    """
    word = nearest(text, _UNIQUE_VALUES)
    is_unique = word is not None and word.likeness >= 0.8
    return is_unique or bool(find_date(text)) or is_rt_rw(text)
