"""Parses the text lines of a KTP, Indonesia's identity card, into fields."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeAlias

from service.reading.documents import values
from service.reading.documents.characters import strip_colon
from service.reading.documents.dates import parse_date
from service.reading.documents.fields import Field, Fields
from service.reading.documents.label_layout import INFERRED_LABEL_FACTOR, Cell, Form, find_cells
from service.reading.documents.labels import LabelSet
from service.reading.documents.layout import (
    Row,
    first_run,
    join_pieces,
    row_after,
    row_before,
    row_text,
    rows,
)
from service.reading.documents.nik import PrintedFacts, read_nik
from service.reading.documents.vocabulary import (
    ENGLISH_GENDERS,
    ENGLISH_MARITAL_STATUSES,
    ENGLISH_RELIGIONS,
    GENDERS,
    LIFELONG,
    MARITAL_STATUSES,
    NATIONALITIES,
    RELIGIONS,
    nearest,
)
from service.reading.ocr.engine import TextLine

#: Labels from top to bottom. ``birth`` is the label of both place and date.
LABELS = LabelSet(
    {
        "nik": ("NIK",),
        "name": ("Nama", "Nama Lengkap"),
        "birth": ("Tempat/Tgl Lahir", "Tempat Tanggal Lahir"),
        "gender": ("Jenis Kelamin",),
        "address": ("Alamat",),
        "rtRw": ("RT/RW",),
        "village": ("Kel/Desa", "Kelurahan/Desa"),
        "district": ("Kecamatan",),
        "religion": ("Agama",),
        "maritalStatus": ("Status Perkawinan",),
        "occupation": ("Pekerjaan",),
        "nationality": ("Kewarganegaraan",),
        "validUntil": ("Berlaku Hingga",),
    }
)

#: Label on the row of the gender, to the right.
BLOOD_LABEL = LabelSet({"bloodType": ("Gol. Darah", "Golongan Darah")})

#: Heading above the labels.
HEADING = LabelSet({"province": ("PROVINSI", "PROPINSI")})

#: Start of a city's line; Jakarta's cities may lack it.
_CITY = re.compile(r"^(KABUPATEN|KAB\.?|KOTA)\b", re.IGNORECASE)

#: A heading row with fewer letters than this is not a city.
_MIN_CITY_LETTERS = 4

#: Additional rows that an address, a name, and place and date of birth may take.
_MORE_ADDRESS_ROWS, _MORE_NAME_ROWS, _MORE_BIRTH_ROWS = 2, 1, 1

#: Reads one value out of the text behind its label.
ValueReader: TypeAlias = Callable[[TextLine], Field | None]

#: Readers of values that take one row, by key.
_ONE_ROW_VALUES: Mapping[str, ValueReader] = {
    "rtRw": values.rt_rw,
    "village": values.free_text,
    "district": values.free_text,
    "religion": values.religion,
    "maritalStatus": values.marital_status,
    "occupation": values.free_text,
    "nationality": lambda line: values.known(line, NATIONALITIES),
    "validUntil": values.valid_until,
}

#: Vocabularies that occur in no other row, so that a value is recognised even without its label.
_UNIQUE_VOCABULARIES: Mapping[str, Sequence[str]] = {
    "religion": RELIGIONS,
    "maritalStatus": MARITAL_STATUSES,
}

#: Vocabularies that occur in one row only, once genders and the end of validity are told apart.
_VOCABULARIES: Mapping[str, Sequence[str]] = {
    "gender": tuple(GENDERS),
    "validUntil": (LIFELONG,),
    **_UNIQUE_VOCABULARIES,
}

#: Digits that a value has at least, even if it is badly read, by key.
_MIN_DIGITS = {"nik": 8, "rtRw": 2}

#: Letters and marks of RT and RW with the slash between them, at most.
_MAX_PAIR_LENGTH = 9

#: English vocabularies of a foreigner's card.
_ENGLISH_VOCABULARIES = {
    "gender": ENGLISH_GENDERS,
    "religion": ENGLISH_RELIGIONS,
    "maritalStatus": ENGLISH_MARITAL_STATUSES,
}


def read_ktp(lines: Sequence[TextLine]) -> Fields:
    """Return the fields of a KTP; unreadable ones are left out."""
    page = rows(lines)
    cells = find_cells(page, _FORM)
    heading = page[: min((cell.row for cell in cells.values()), default=0)]
    fields: dict[str, Field | None] = {
        **_province_and_city(heading),
        **_birth(cells.get("birth")),
        **_gender_and_blood_type(cells.get("gender")),
        "name": _multi_row_value(cells.get("name"), _MORE_NAME_ROWS, values.person),
        "address": _multi_row_value(cells.get("address"), _MORE_ADDRESS_ROWS, values.address),
    }
    for key, read in _ONE_ROW_VALUES.items():
        fields[key] = _one_row_value(cells.get(key), read)
    if fields["nationality"] is None and _is_foreigner(cells):
        fields["nationality"] = _one_row_value(cells.get("nationality"), values.free_text)
    for key, words in _UNIQUE_VOCABULARIES.items():
        fields[key] = fields[key] or _value_without_label(page, words)
    fields["nik"] = _nik(page, cells, _printed_facts(fields))
    return {key: field for key, field in fields.items() if field is not None}


def _is_foreigner(cells: Mapping[str, Cell]) -> bool:
    """Whether the card has English values: a foreigner's, which prints the country as nationality."""
    return any(
        values.is_english(values.bare(join_pieces(first_run(cell.pieces))).text, words)
        for key, words in _ENGLISH_VOCABULARIES.items()
        if (cell := cells.get(key)) and cell.pieces
    )


def _key_of_value(value: str) -> str | None:
    """Return the key of the only row that can hold this value, or None."""
    text = strip_colon(value)
    if text[:1].islower():
        return None  # the rest of a label: values begin with a capital
    if read_nik(text):
        return "nik"
    if values.is_birth(text):
        return "birth"
    if values.is_rt_rw(text):
        return "rtRw"
    found = (key for key, words in _VOCABULARIES.items() if nearest(text, words))
    english = (key for key, words in _ENGLISH_VOCABULARIES.items() if values.is_english(text, words))
    return next(chain(found, english), None)


def _fits(key: str, text: str) -> float:
    """Return how well a badly read text could be the value of this key, 0 to 1: by its digits, mostly."""
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    if "/" in text and len(text) <= _MAX_PAIR_LENGTH:
        return float(key == "rtRw")
    if key == "birth":
        # A date alone is the second row of a long place.
        return 0.0 if digits > letters else 0.6 + 0.4 * (digits > 2)
    if key in _MIN_DIGITS:
        return float(digits >= _MIN_DIGITS[key])
    is_heading = _CITY.match(text) or HEADING.find("province", text)
    return float(key == "address" or (letters > 2 * digits and not is_heading))


#: A KTP. The number is printed larger, and the name 1.7 rows below it.
_FORM = Form(
    labels=LABELS,
    places={key: place + 0.7 * (place > 0) for place, key in enumerate(LABELS.spellings)},
    more_rows={"name": _MORE_NAME_ROWS, "birth": _MORE_BIRTH_ROWS, "address": _MORE_ADDRESS_ROWS},
    key_of_value=_key_of_value,
    fits=_fits,
)


def _value_without_label(page: Sequence[Row], words: Sequence[str]) -> Field | None:
    """Return the only piece on the card that is one of ``words``; None if there are none or several."""
    lines = [values.bare(piece.line) for row in page for piece in row]
    found = [field for line in lines if (field := values.known(line, words))]
    certain = [field for field in found if field.confidence > INFERRED_LABEL_FACTOR]
    return values.discounted(certain[0], INFERRED_LABEL_FACTOR) if len(certain) == 1 else None


def _one_row_value(cell: Cell | None, read: ValueReader) -> Field | None:
    if cell is None or not cell.pieces:
        return None
    line = join_pieces(first_run(cell.pieces))
    # The embossed KARTU TANDA PENDUDUK runs over the lower rows and is read as a part of their labels.
    value = replace(line, text=line.text.rpartition(":")[2]) if ":" in line.text else line
    return values.discounted(read(values.bare(value)), cell.certainty)


def _multi_row_value(cell: Cell | None, more_rows: int, read: ValueReader) -> Field | None:
    """Read a value that may continue in rows below, up to one that is the value of another label."""
    if cell is None or not cell.pieces:
        return None
    pieces = list(first_run(cell.pieces))
    for row in cell.below[:more_rows]:
        if values.belongs_to_other_row(row_text(row)):
            break
        pieces += first_run(row)
    # A piece without a letter or digit is a pattern of the background that was taken for text.
    written = [piece for piece in pieces if any(map(str.isalnum, piece.line.text))]
    return _of_cell(read(values.bare(join_pieces(written))), cell) if written else None


def _of_cell(field: Field | None, cell: Cell) -> Field | None:
    """Return a field with what its cell says about it."""
    return field and values.discounted(replace(field, indent=cell.indent), cell.certainty)


def _printed_facts(fields: Mapping[str, Field | None]) -> PrintedFacts:
    """Return what other fields say about the NIK."""
    read = {key: field.value for key, field in fields.items() if field}
    return PrintedFacts(
        birth_date=parse_date(read.get("birthDate", "")),
        gender=read.get("gender"),
        province=read.get("province"),
        city=read.get("city"),
    )


def _nik(page: Sequence[Row], cells: Mapping[str, Cell], printed: PrintedFacts) -> Field | None:
    """Return the number behind its label, or else the only line on the card that is a NIK."""
    if number := _one_row_value(cells.get("nik"), lambda line: values.nik(line, printed)):
        return number
    numbers = [piece.line for row in page for piece in row if read_nik(piece.line.text)]
    return values.nik(numbers[0], printed) if len(numbers) == 1 else None


def _birth(cell: Cell | None) -> Mapping[str, Field | None]:
    if cell is None or not cell.pieces:
        return {}
    pieces = [
        *first_run(cell.pieces),
        *(piece for row in cell.below[:_MORE_BIRTH_ROWS] for piece in first_run(row)),
    ]
    place, day = values.place_and_date(values.bare(join_pieces(pieces)))
    return {
        "birthPlace": _of_cell(place, cell),
        "birthDate": values.discounted(day, cell.certainty),
    }


def _gender_and_blood_type(cell: Cell | None) -> Mapping[str, Field | None]:
    if cell is None or not cell.pieces:
        return {}
    text = row_text(cell.pieces)
    blood = BLOOD_LABEL.inside("bloodType", text)
    gender = row_before(cell.pieces, blood[0]) if blood else cell.pieces
    read: dict[str, Field | None] = {}
    if gender:
        line = values.bare(join_pieces(first_run(gender)))
        read["gender"] = values.discounted(values.gender(line), cell.certainty)
    if blood and (rest := row_after(cell.pieces, blood[0] + blood[1].end)):
        read["bloodType"] = values.blood_type(values.bare(join_pieces(first_run(rest))))
    return read


def _province_and_city(heading: Sequence[Row]) -> Mapping[str, Field | None]:
    """Read the rows above the first label: PROVINSI with its name, and below it the city or regency.

    Without a readable province, a row that starts as a city's line does is taken as the city.
    """
    for index, row in enumerate(heading):
        label = HEADING.find("province", row_text(row))
        name = row_after(row, label.end) if label else ()
        if name:
            province = values.province(values.bare(join_pieces(first_run(name))))
            return {"province": province, "city": _city(heading[index + 1 :], province)}
    cities = [first_run(row) for row in heading if _CITY.match(row_text(row))]
    return {"city": values.free_text(join_pieces(cities[0]))} if cities else {}


def _city(below_province: Sequence[Row], province: Field | None) -> Field | None:
    """Read the city in the first row below the province that has enough letters."""
    row = next((row for row in below_province if _count_letters(row) >= _MIN_CITY_LETTERS), None)
    if row is None:
        return None
    return values.city(join_pieces(first_run(row)), province.value if province else "")


def _count_letters(row: Row) -> int:
    return sum(character.isalpha() for character in row_text(row))
