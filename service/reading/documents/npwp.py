"""Parses the text lines of an NPWP, the tax card: number, name, address and tax office, in this order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.reading.documents import values
from service.reading.documents.fields import Field, Fields
from service.reading.documents.labels import LabelSet
from service.reading.documents.layout import Row, first_run, join_pieces, row_after, row_text, rows
from service.reading.documents.nik import read_nik
from service.reading.documents.npwp_number import read_npwp_number
from service.reading.documents.vocabulary import nearest
from service.reading.ocr.engine import TextLine

#: Labels that some versions of the card print; ``office`` starts the line behind the address.
LABELS = LabelSet(
    {
        "npwpNumber": ("NPWP", "NPWP15", "NPWP16"),
        "name": ("Nama",),
        "nik": ("NIK",),
        "address": ("Alamat",),
        "registeredAt": ("Terdaftar", "Tanggal Terdaftar", "Tgl Terdaftar"),
        "office": ("KPP", "KPP Pratama", "KPP Madya"),
    }
)

#: Lines that name the card or its issuer, not its holder.
HEADINGS = (
    "KEMENTERIAN KEUANGAN REPUBLIK INDONESIA",
    "KEMENTERIAN KEUANGAN",
    "DEPARTEMEN KEUANGAN REPUBLIK INDONESIA",
    "REPUBLIK INDONESIA",
    "DIREKTORAT JENDERAL PAJAK",
    "NOMOR POKOK WAJIB PAJAK",
    "KARTU NPWP",
    "WWW.PAJAK.GO.ID",
)

#: Words that an address starts with, and no name does.
_STREET_WORDS = (
    "JL",
    "JLN",
    "JALAN",
    "GG",
    "GANG",
    "KP",
    "KAMPUNG",
    "DUSUN",
    "PERUM",
    "KOMP",
    "KOMPLEK",
    "RT",
)

#: Maximum distance from the number down to a name without a label, in text heights: if the name was not
#: found, the following line may be the address.
_MAX_LINE_DISTANCE = 2.2

#: Sixteen digits without a label: the number of a card since 2024 whose label was not read, or the NIK.
_UNLABELLED_NIK = "unlabelled NIK"

#: Labels of lines that may hold the number, most trusted first. A number labelled as NIK is never used.
_NUMBER_LABELS = ("npwpNumber", None, _UNLABELLED_NIK)

#: Lines of an address, at most.
_MAX_ADDRESS_LINES = 4


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of the card, with its label split off."""

    #: Key of ``LABELS``, ``_UNLABELLED_NIK``, or None.
    label: str | None
    #: The part behind the label, or the whole row.
    value: Row


def read_npwp(lines: Sequence[TextLine]) -> Fields:
    """Return the fields of an NPWP; unreadable ones are left out."""
    printed = rows(lines)
    body = [row for row in printed if nearest(row_text(row), HEADINGS) is None]
    page = [_split_label(first_run(row)) for row in body]
    start = _number_line(page, has_heading=len(body) < len(printed))
    fields = _labelled([line for index, line in enumerate(page) if index != start])
    if start is None:
        return _present(fields)
    number, below = page[start], page[start + 1 :]
    fields["npwpNumber"] = values.npwp_number(_text(number.value))
    unlabelled = next((index for index, line in enumerate(below) if line.label is None), None)
    if "name" not in fields and unlabelled is not None and _is_next(number.value, below[unlabelled].value):
        fields["name"] = _holder(_text(below[unlabelled].value))
        below = below[unlabelled + 1 :]
    if "address" not in fields:
        fields["address"] = _address(below)
    return _present(fields)


def _present(fields: Mapping[str, Field | None]) -> Fields:
    return {key: field for key, field in fields.items() if field is not None}


def _split_label(row: Row) -> _Line:
    """Split a row at its label; a label is followed by a colon or a number, or must match exactly."""
    text = row_text(row)
    for label in LABELS.at_start(text):
        rest = text[label.end :]
        has_colon = rest.lstrip()[:1] in {":", ";"}
        is_whole_word = label.likeness == 1 and not rest[:1].isalnum()
        # If the colon was not read, label and number are joined.
        is_before_number = label.key == "npwpNumber" and read_npwp_number(rest)
        if has_colon or is_whole_word or is_before_number:
            return _Line(label.key, row_after(row, label.end))
    # A NIK is recognised without its label.
    number = text.find(":") + 1
    if not read_nik(text[number:]):
        return _Line(None, row)
    return _Line("nik" if text[:number].strip(" :") else _UNLABELLED_NIK, row_after(row, number))


def _number_line(page: Sequence[_Line], *, has_heading: bool) -> int | None:
    """Return the index of the line with the number: the labelled one, or else the first that is a number.

    An unlabelled number of 16 digits counts only if the card's heading was read and it is the first line
    below. Otherwise it may be the NIK of another card, or of this card while its own number was not read.
    """
    numbers = [
        index
        for index, line in enumerate(page)
        if line.value
        and line.label in {*_NUMBER_LABELS}
        and values.npwp_number(_text(line.value))
        and (line.label != _UNLABELLED_NIK or (has_heading and not index))
    ]
    return min(numbers, key=lambda index: _NUMBER_LABELS.index(page[index].label), default=None)


def _labelled(page: Sequence[_Line]) -> dict[str, Field | None]:
    """Return the fields with a label."""
    readers: Mapping[str, Callable[[TextLine], Field | None]] = {
        "name": values.person,
        "nik": values.nik,
        _UNLABELLED_NIK: values.nik,
        "registeredAt": values.date_only,
    }
    fields: dict[str, Field | None] = {}
    for index, line in enumerate(page):
        if line.value and line.label and line.label in readers:
            key = "nik" if line.label == _UNLABELLED_NIK else line.label
            fields.setdefault(key, readers[line.label](_text(line.value)))
        elif line.value and line.label == "address":
            fields["address"] = _address([_Line(None, line.value), *page[index + 1 :]])
    return fields


def _address(page: Sequence[_Line]) -> Field | None:
    """Join the unlabelled lines up to the tax office."""
    pieces: list[Row] = []
    for line in page:
        if line.label in {"office", "registeredAt"} or len(pieces) == _MAX_ADDRESS_LINES:
            break
        if line.label is None and (not pieces or _is_aligned(pieces[0], line.value)):
            pieces.append(line.value)
    return values.address(_text(tuple(piece for row in pieces for piece in row))) if pieces else None


def _holder(line: TextLine) -> Field | None:
    words = line.text.upper().replace(".", " ").split()
    return values.person(line) if words and words[0] not in _STREET_WORDS else None


def _text(row: Row) -> TextLine:
    return values.bare(join_pieces(row))


def _is_next(upper: Row, lower: Row) -> bool:
    """Whether ``lower`` is the next line below ``upper``."""
    height = (upper[0].height + lower[0].height) / 2
    return lower[0].y - upper[0].y < _MAX_LINE_DISTANCE * height


def _is_aligned(upper: Row, lower: Row) -> bool:
    """Whether two lines start at about the same x."""
    return abs(upper[0].left - lower[0].left) < 3 * lower[0].height
