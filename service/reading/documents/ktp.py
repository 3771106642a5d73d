"""Reads the fields of a KTP, Indonesia's identity card."""

import re
from collections.abc import Callable, Mapping, Sequence

from service.reading.documents import values
from service.reading.documents.characters import strip_colon
from service.reading.documents.dates import parse_date
from service.reading.documents.fields import Field, Fields
from service.reading.documents.label_layout import UNLABELLED, Cell, cells
from service.reading.documents.labels import LabelSet
from service.reading.documents.layout import Row, before, behind, joined, row_text, rows, run
from service.reading.documents.nik import Printed, read_nik
from service.reading.documents.vocabulary import (
    GENDERS,
    LIFELONG,
    MARITAL_STATUSES,
    NATIONALITIES,
    RELIGIONS,
    nearest,
)
from service.reading.ocr.engine import TextLine

#: The labels from top to bottom. ``birth`` holds place and date.
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

#: The label that stands on the row of the gender, to the right.
BLOOD_LABEL = LabelSet({"bloodType": ("Gol. Darah", "Golongan Darah")})

#: The heading above the labels.
HEADING = LabelSet({"province": ("PROVINSI", "PROPINSI")})

#: How a city's line begins; Jakarta's cities may stand without it.
_CITY = re.compile(r"^(KABUPATEN|KAB\.?|KOTA)\b", re.IGNORECASE)

#: Rows of an address and of a name below the first.
_MORE_ADDRESS, _MORE_NAME = 2, 1


def read_ktp(lines: Sequence[TextLine]) -> Fields:
    """The fields of a KTP out of its text lines; what could not be read is left out."""
    page = rows(lines)
    found = cells(page, LABELS, _row_told_by)
    fields: dict[str, Field | None] = {
        **_heading(page, found),
        **_birth(found.get("birth")),
        **_gender_and_blood(found.get("gender")),
        "name": _several(found.get("name"), _MORE_NAME, values.person),
        "address": _several(found.get("address"), _MORE_ADDRESS, values.address),
    }
    for key, read in _SINGLE.items():
        fields[key] = _one(found.get(key), read)
    for key, words in _CLOSED.items():
        fields[key] = fields[key] or _alone(page, words)
    fields["nik"] = _nik(page, found, _printed(fields))
    return {key: field for key, field in fields.items() if field is not None}


#: Fields of one row, and what reads them.
_SINGLE: Mapping[str, Callable[[TextLine], Field | None]] = {
    "rtRw": values.rt_rw,
    "village": values.free_text,
    "district": values.free_text,
    "religion": lambda line: values.known(line, RELIGIONS),
    "maritalStatus": lambda line: values.known(line, MARITAL_STATUSES),
    "occupation": values.free_text,
    "nationality": lambda line: values.known(line, NATIONALITIES),
    "validUntil": values.valid_until,
}


#: Fields whose words stand in no other row, so that they are known wherever they stand alone.
_CLOSED: Mapping[str, Sequence[str]] = {"religion": RELIGIONS, "maritalStatus": MARITAL_STATUSES}


def _row_told_by(value: str) -> str | None:
    """The key of the row that alone can hold this value."""
    text = strip_colon(value)
    if values.is_birth(text):
        return "birth"
    if values.is_rt_rw(text):
        return "rtRw"
    told = {"gender": tuple(GENDERS), "validUntil": (LIFELONG,), **_CLOSED}
    return next((key for key, words in told.items() if nearest(text, words)), None)


def _alone(page: Sequence[Row], words: Sequence[str]) -> Field | None:
    """The only piece on the card that is one of ``words``, when its label was not read."""
    lines = [values.bare(piece.line) for row in page for piece in row]
    found = [field for line in lines if (field := values.known(line, words))]
    sure = [field for field in found if field.confidence > UNLABELLED]
    return values.doubted(sure[0], UNLABELLED) if len(sure) == 1 else None


def _one(cell: Cell | None, read: Callable[[TextLine], Field | None]) -> Field | None:
    if cell is None or not cell.pieces:
        return None
    return values.doubted(read(values.bare(joined(run(cell.pieces)))), cell.certainty)


def _several(cell: Cell | None, more: int, read: Callable[[TextLine], Field | None]) -> Field | None:
    """A value that may go on in rows below, until one of them is something else."""
    if cell is None or not cell.pieces:
        return None
    pieces = list(run(cell.pieces))
    for row in cell.below[:more]:
        if values.is_something_else(row_text(row)):
            break
        pieces += run(row)
    # A pattern of the ground that was taken for text shows no letter.
    written = [piece for piece in pieces if any(map(str.isalnum, piece.line.text))]
    return values.doubted(read(values.bare(joined(written))), cell.certainty) if written else None


def _printed(fields: Mapping[str, Field | None]) -> Printed:
    """What the other fields say of the NIK."""
    read = {key: field.value for key, field in fields.items() if field}
    return Printed(
        birth_date=parse_date(read.get("birthDate", "")),
        gender=read.get("gender"),
        province=read.get("province"),
        city=read.get("city"),
    )


def _nik(page: Sequence[Row], found: Mapping[str, Cell], printed: Printed) -> Field | None:
    """The number behind its label, or else the only line on the card that is one."""
    if number := _one(found.get("nik"), lambda line: values.nik(line, printed)):
        return number
    numbers = [piece.line for row in page for piece in row if read_nik(piece.line.text)]
    return values.nik(numbers[0], printed) if len(numbers) == 1 else None


def _birth(cell: Cell | None) -> Mapping[str, Field | None]:
    if cell is None or not cell.pieces:
        return {}
    pieces = [*run(cell.pieces), *(piece for row in cell.below[:1] for piece in run(row))]
    place, day = values.place_and_date(values.bare(joined(pieces)))
    return {
        "birthPlace": values.doubted(place, cell.certainty),
        "birthDate": values.doubted(day, cell.certainty),
    }


def _gender_and_blood(cell: Cell | None) -> Mapping[str, Field | None]:
    if cell is None or not cell.pieces:
        return {}
    text = row_text(cell.pieces)
    blood = BLOOD_LABEL.inside("bloodType", text)
    gender = before(cell.pieces, blood[0]) if blood else cell.pieces
    read: dict[str, Field | None] = {}
    if gender:
        line = values.bare(joined(run(gender)))
        read["gender"] = values.doubted(values.gender(line), cell.certainty)
    if blood and (rest := behind(cell.pieces, blood[0] + blood[1].end)):
        read["bloodType"] = values.blood_type(values.bare(joined(run(rest))))
    return read


def _letters(row: Row) -> int:
    return sum(character.isalpha() for character in row_text(row))


def _heading(page: Sequence[Row], found: Mapping[str, Cell]) -> Mapping[str, Field | None]:
    """Province and city: two centred rows above the first label."""
    first = min((cell.row for cell in found.values()), default=0)
    for index, row in enumerate(page[:first]):
        label = HEADING.find("province", row_text(row))
        if label is None or not (name := behind(row, label.end)):
            continue
        province = values.province(values.bare(joined(run(name))))
        city = next((below for below in page[index + 1 : first] if _letters(below) > 3), ())
        of = province.value if province else ""
        return {"province": province, "city": values.city(joined(run(city)), of) if city else None}
    cities = [run(row) for row in page[:first] if _CITY.match(row_text(row))]
    return {"city": values.free_text(joined(cities[0]))} if cities else {}
